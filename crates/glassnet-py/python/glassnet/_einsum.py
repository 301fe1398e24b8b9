"""Sums of products by the names of their axes: ``einsum``."""

from __future__ import annotations

import math

import numpy as np

from . import _ops
from ._convert import to_tensor
from ._glassnet import Tensor

__all__ = ["einsum"]


def einsum(equation: str, *operands: object) -> Tensor:
    """The sum of products of the operands' elements, their axes named by letters.

    A letter of two operands runs over both alike; one that the result doesn't have is summed over. Without ``->`` the
    result has the letters that occur once, in alphabetical order. Operands are multiplied from left to right, and gradients pass.

    Parameters
    ----------
    equation : str
        As ``"ij,jk->ik"``, the product of two matrices. An ellipsis is not available.
    operands : Tensor
        One for each term, or one sequence of them.

    Examples
    --------
    >>> import glassnet as gn
    >>> a, b = gn.arange(4.0).reshape(2, 2), gn.eye(2)
    >>> gn.einsum("ij,jk->ik", a, b)
    tensor([[0., 1.],
            [2., 3.]])
    >>> gn.einsum("ii", a)
    tensor(3.)
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, result = _parsed(equation, len(operands))
    tensors = [to_tensor(each) for each in operands]
    _check_sizes(terms, result, tensors)
    total, known = _diagonal(tensors[0], terms[0])
    for place in range(1, len(tensors)):
        needed = set(result).union(*terms[place + 1 :])
        total, known = _product(total, known, *_diagonal(tensors[place], terms[place]), needed)
    total, known = _summed(total, known, set(result))
    return _ops.permute(total, [known.index(letter) for letter in result])


def _parsed(equation: str, count: int) -> tuple[list[str], str]:
    text = equation.replace(" ", "")
    if "." in text:
        raise NotImplementedError("einsum(): an ellipsis is not available; name every axis by a letter")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if not all(each.isascii() and each.isalpha() for each in (*terms, result) if each):
        raise RuntimeError(f"einsum(): the equation {equation!r} has other signs than letters, commas and one arrow")
    if len(terms) != count:
        raise RuntimeError(f"einsum(): the equation has {len(terms)} terms, but {count} operands were given")
    letters = "".join(terms)
    if not arrow:
        result = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    for letter in result:
        if result.count(letter) > 1:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
        if letter not in letters:
            raise RuntimeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
            )
    return terms, result


def _check_sizes(terms: list[str], result: str, tensors: list[Tensor]) -> None:
    sizes: dict[str, int] = {}
    for number, (term, tensor) in enumerate(zip(terms, tensors)):
        shape = tensor._array.shape
        if len(term) != len(shape):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the number of dimensions "
                f"({len(shape)}) for operand {number} and no ellipsis was given"
            )
        for letter, size in zip(term, shape):
            if sizes.setdefault(letter, size) != size:
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {size} for operand {number} which does not broadcast with "
                    f"previously seen size {sizes[letter]}"
                )


def _diagonal(x: Tensor, term: str) -> tuple[Tensor, str]:
    """The elements in which axes of one letter have one index."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            value = np.diagonal(x._array, axis1=first, axis2=second)
            x = _ops.pick(x, np.diagonal(_ops.places(x), axis1=first, axis2=second), value.copy(), "Diagonal")
            term = "".join(each for at, each in enumerate(term) if at not in (first, second)) + letter
    return x, term


def _summed(x: Tensor, term: str, needed: set[str]) -> tuple[Tensor, str]:
    """Summed over the letters that nobody needs."""
    over = [at for at, letter in enumerate(term) if letter not in needed]
    return (x.sum(dim=over) if over else x), "".join(letter for letter in term if letter in needed)


def _product(a: Tensor, of_a: str, b: Tensor, of_b: str, needed: set[str]) -> tuple[Tensor, str]:
    """The product of two, summed over the letters of both that nobody needs."""
    a, of_a = _summed(a, of_a, needed | set(of_b))
    b, of_b = _summed(b, of_b, needed | set(of_a))
    sizes = {**dict(zip(of_a, a._array.shape)), **dict(zip(of_b, b._array.shape))}
    batch = [letter for letter in of_a if letter in of_b and letter in needed]
    inner = [letter for letter in of_a if letter in of_b and letter not in needed]
    rows = [letter for letter in of_a if letter not in of_b]
    columns = [letter for letter in of_b if letter not in of_a]

    def laid(x: Tensor, term: str, *groups: list[str]) -> Tensor:
        ordered = _ops.permute(x, [term.index(letter) for group in groups for letter in group])
        return _ops.reshape(ordered, [math.prod(sizes[letter] for letter in group) for group in groups])

    if inner:
        groups = (rows, inner), (inner, columns)
        left, right = (laid(x, t, *((batch, *g) if batch else g)) for x, t, g in zip((a, b), (of_a, of_b), groups))
        product = _ops.matmul(left, right)
    else:
        product = laid(a, of_a, batch, rows).unsqueeze(2) * laid(b, of_b, batch, columns).unsqueeze(1)
    letters = "".join((*batch, *rows, *columns))
    return _ops.reshape(product, [sizes[letter] for letter in letters]), letters
