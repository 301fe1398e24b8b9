"""What type checkers read says what there is."""

import ast
import importlib
import pathlib

import glassnet
import pytest
from glassnet import _glassnet, _tensor

FOLDER = pathlib.Path(glassnet.__file__).parent


def stub(name):
    return ast.parse((FOLDER / f"{name}.pyi").read_text(encoding="utf-8"))


def describes(node):
    """Whether a class is a type of the stub's own, which names what a dict holds."""
    return isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") in ("TypedDict", "Protocol") for base in node.bases)


def declared(body):
    names = set()
    for node in body:
        if describes(node):
            continue
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names


def test_the_compiled_module_has_a_stub_for_everything():
    there = {name for name in dir(_glassnet) if not name.startswith("__")} | {"__version__"}
    assert declared(stub("_glassnet").body) == there


def test_the_compiled_classes_have_stubs_for_everything():
    methods = {name for group in _tensor.Methods.__mro__[:-1] for name in vars(group)}
    for node in stub("_glassnet").body:
        if isinstance(node, ast.ClassDef) and not describes(node):
            kind = getattr(_glassnet, node.name)
            there = {name for name in vars(kind) if not name.startswith("__")}
            known = declared(node.body) | (methods if node.name == "Tensor" else set())
            assert there <= known, f"{node.name}: {sorted(there - known)}"
            listed = {name for name in declared(node.body) if not name.startswith("__")}
            assert listed <= set(dir(kind)), f"{node.name}: {sorted(listed - set(dir(kind)))}"


def test_the_functions_that_are_methods_have_stubs():
    module = importlib.import_module("glassnet._method_functions")
    assert declared(stub("_method_functions").body) == set(module.__all__)


@pytest.mark.parametrize("name", ["nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "utils.data", "autograd"])
def test_everything_public_says_what_it_is(name):
    module = importlib.import_module(f"glassnet.{name}")
    for each in getattr(module, "__all__", [each for each in dir(module) if not each.startswith("_")]):
        member = getattr(module, each)
        if isinstance(member, type) or callable(member):
            assert (member.__doc__ or "").strip(), f"{name}.{each}"
