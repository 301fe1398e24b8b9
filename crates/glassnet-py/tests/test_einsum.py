"""Sums of products against NumPy's."""

import numpy as np
import pytest

import glassnet as gn

SIZES = {"i": 2, "j": 3, "k": 4, "b": 5, "n": 3}
EQUATIONS = [
    "ij,jk->ik", "ij,jk", "ij->ji", "ij->", "ii", "nn->n", "i,j->ij", "i,i->", "bij,bjk->bik", "bi,bi->b", "ij,kj->ki",
    "bi,oi->bo", "ij,jk,kb->ib", "ijk,jk->i", "ij,ij->ij", "bij,kj->bik", "nnj->jn", "i,jk->kij", "ij,b->j", "iij,jn->in",
]


def operands(equation):
    random = np.random.default_rng(0)
    terms = equation.split("->")[0].split(",")
    return [random.normal(size=[SIZES.get(letter, 6) for letter in term]) for term in terms]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_value_is_numpys(equation):
    arrays = operands(equation)
    wanted = np.einsum(equation, *arrays)
    assert np.allclose(gn.einsum(equation, *map(gn.from_numpy, arrays)).numpy(), wanted, rtol=1e-13)
    single = gn.einsum(equation, [gn.tensor(each, dtype=gn.float32) for each in arrays])
    assert single.shape == wanted.shape and np.allclose(single.numpy(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_gradients_pass(equation):
    arrays = operands(equation)
    tensors = [gn.tensor(each, requires_grad=True) for each in arrays]
    value = gn.einsum(equation, *tensors)
    above = np.random.default_rng(1).normal(size=value.shape)
    value.backward(gn.from_numpy(above))
    # The value is linear in each operand: the gradient's product with a direction is the value there.
    for place, tensor in enumerate(tensors):
        direction = np.random.default_rng(2).normal(size=tensor.shape)
        moved = [*arrays[:place], direction, *arrays[place + 1 :]]
        assert (tensor.grad.numpy() * direction).sum() == pytest.approx((np.einsum(equation, *moved) * above).sum())


def test_what_is_wrong_says_so():
    a = gn.ones(2, 3)
    for error, match, equation, given in (
        (RuntimeError, "subscript j has size 2 for operand 1", "ij,jk->ik", (a, a)),
        (RuntimeError, r"subscripts in the equation \(3\).*dimensions \(2\)", "ijk->i", (a,)),
        (RuntimeError, "2 terms, but 1 operands", "ij,jk", (a,)),
        (RuntimeError, "output subscript z does not appear", "ij->z", (a,)),
        (RuntimeError, "i appears more than once", "ij->ii", (a,)),
        (RuntimeError, "other signs", "i1->i", (a,)),
        (NotImplementedError, "ellipsis", "...j->j", (a,)),
    ):
        with pytest.raises(error, match=match):
            gn.einsum(equation, *given)


def test_halves_are_not_computed_with():
    half = gn.ones(2, 2).half()
    assert half.float().tolist() == gn.ones(2, 2).tolist()
    for compute in (lambda: half.exp(), lambda: half.sum(), lambda: half @ half, lambda: half + half):
        with pytest.raises((TypeError, NotImplementedError), match=r"float16.*\.float\(\)"):
            compute()
