"""What is proven of networks: properties, dead units, smaller and larger networks that are equal, equality of two."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _glassnet
from ._documents import _flag, _word
from ._files import write
from ._glassnet import Document
from ._threads import get_num_threads

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["deepen", "equal_networks", "prove", "simplify", "units", "verify_certificate", "widen"]


@contextmanager
def _named(*nets: Any) -> Iterator[list[str]]:
    """What the command calls each network: a path and a notation as they are, a module by a file that has its weights."""
    with tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
        names = []
        for number, net in enumerate(nets):
            if isinstance(net, (str, os.PathLike)):
                names.append(os.fspath(net))
            else:
                names.append(os.path.join(folder, f"network{number}.safetensors"))
                write(net, names[-1])
        yield names


def _interval(value: Any) -> str:
    """``lo..hi`` of a pair; text as it is."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    low, high = value
    return f"{float(low)!r}..{float(high)!r}"


def _domain(value: Any) -> str | None:
    """A domain as the command takes it: text or a path, a pair for all inputs, or a pair for each."""
    if value is None or isinstance(value, (str, os.PathLike)):
        return None if value is None else os.fspath(value)
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_interval(ends)}" for name, ends in value.items())
    parts = list(value)
    if len(parts) == 2 and all(_is_number(part) for part in parts):
        return _interval(parts)
    return ",".join(_interval(part) for part in parts)


def _is_number(value: Any) -> bool:
    return not isinstance(value, (str, os.PathLike)) and not hasattr(value, "__len__")


def _distance(value: Any) -> str | None:
    """A distance as the command takes it: one number, or one by column."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_word(distance)}" for name, distance in value.items())
    return None if value is None else _word(value)


def _flags(**flags: Any) -> list[str]:
    return [word for name, value in flags.items() for word in _flag(name, value)]


def prove(
    net: Any = None,
    property: str | os.PathLike[str] | None = None,
    *,
    class_stays: bool = False,
    output: str | None = None,
    monotone: str | None = None,
    of: str | int | None = None,
    x: ArrayLike | None = None,
    data: str | os.PathLike[str] | None = None,
    row: int | None = None,
    within: float | Mapping[str, Any] | str | None = None,
    within_scaled: float | Mapping[str, Any] | str | None = None,
    domain: Any = None,
    margin: float = 0.0,
    semantics: str = "f32-any-order",
    timeout: float = 60.0,
    proof: str | os.PathLike[str] | None = None,
    benchmark: str | os.PathLike[str] | None = None,
    proofs: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Document:
    """Prove a property for every input of a box, or find an input that breaks it.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, whose inputs are ``x0``, ``x1``, …, or a model file's path; a file that ``glassnet
        train`` wrote has columns with names and units.
    property
        A VNN-LIB file: what it asserts describes the counterexamples. Without it the property is said in words:
    class_stays
        The class stays the one that the network gives to the row, on all inputs near it; without ``within`` and
        ``domain``: how far that holds.
    output
        What must hold of the outputs: ``"y0 <= 10"``, ``"y[A] - y[B] > 0.5 and p[A] >= 0.5"``.
    monotone
        A column where growth never lets an output fall; ``"-age"``: never lets it rise.
    of
        With ``monotone``: which output, by its class or its number from 0.
    x
        The row, as numbers; for a model file with columns ``data`` and ``row`` instead.
    data, row
        A table, and its row, counted from 1; without ``row`` the box of all rows.
    within, within_scaled
        How far each number may be from the row's, in its own unit or in standard deviations of the training rows: one
        number, or a dict by column.
    domain
        The inputs that are meant: ``(lo, hi)`` for all, a list of such pairs for each, a dict of them by column, or a
        table's path for the box of its rows.
    margin
        How much wider a table's box is taken, on each side, as a share of its width.
    semantics
        ``"f32-any-order"``: exact arithmetic and every execution in f32; ``"real"``: exact arithmetic alone.
    timeout
        After so many seconds the answer is unknown; Ctrl-C ends the search at once.
    proof
        With ``property``: the file that gets what shows the verdict, for :func:`verify_certificate`. An unknown verdict
        writes none.
    benchmark
        Instead of a network: a folder with VNN-COMP's ``instances.csv`` (network, property, seconds), or with a table of
        expected verdicts, ``expected.csv`` (set, network, property, verdict). Every instance is proven; ``timeout`` is the
        most that one may take.
    proofs
        With ``benchmark``: the folder, which exists, that gets a proof for each instance, each checked.
    overwrite
        Replace a proof that exists.

    Returns
    -------
    Document
        Its :meth:`~Document.json` has ``verdict`` (``"holds"``, ``"violated"`` or ``"unknown"``) and the ``witness``; of a
        benchmark ``instances``, each with its ``verdict``, and ``contradictions``: how many verdicts aren't the expected ones.

    Examples
    --------
    >>> import json
    >>> import glassnet as gn
    >>> net = gn.nn.Sequential(gn.nn.Linear(2, 1), gn.nn.Sigmoid())
    >>> json.loads(gn.prove(net, output="y0 <= 1", domain=(-1, 1)).json())["verdict"]
    'holds'
    """
    if benchmark is not None:
        if net is not None or property is not None:
            raise TypeError("a benchmark names its networks and properties itself: leave net and property out")
        flags = _flags(benchmark=benchmark, proofs=proofs, semantics=semantics.replace("_", "-"), timeout=float(timeout))
        flags += _flags(force=overwrite, threads=get_num_threads())
        return _glassnet.answer(["prove", *flags])
    if net is None:
        raise TypeError("prove needs a network, or benchmark=FOLDER")
    if proofs is not None:
        raise TypeError("proofs= goes with benchmark=; proof= is the file of one property")
    if property is None and output is None and monotone is None and not class_stays:
        raise TypeError("prove needs a property: a file of VNN-LIB, class_stays=True, output='y0 <= 10' or monotone='x0'")
    flags = _flags(
        class_stays=class_stays,
        output=output,
        monotone=monotone,
        of=of,
        input=x,
        data=data,
        row=row,
        within=_distance(within),
        within_scaled=_distance(within_scaled),
        domain=_domain(domain),
        margin=float(margin),
        semantics=semantics.replace("_", "-"),
        timeout=float(timeout),
        proof=proof,
        force=overwrite,
        threads=get_num_threads(),
    )
    with _named(net) as names:
        if property is not None:
            names.append(os.fspath(property))
        return _glassnet.answer(["prove", *names, *flags])


def units(
    net: Any,
    *,
    domain: Any = None,
    margin: float = 0.0,
    data: str | os.PathLike[str] | None = None,
    free: str | Sequence[str] = (),
) -> Document:
    """Tell which units are dead, always active, constant, or made of others, and prove it.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, or a model file's path.
    domain
        The inputs that are asked about: ``(lo, hi)`` for all, a list of such pairs for each, or a table's path for the
        box of its rows. By default all inputs.
    margin
        How much wider a table's box is taken, on each side, as a share of its width.
    data
        A table: its rows are evaluated, and what holds for all inputs in the box of them is proven.
    free
        Weights that may have any value: ``"0.weight"``, or one number of it, ``"0.weight[0,1]"``.

    Examples
    --------
    >>> import json
    >>> import glassnet as gn
    >>> net = gn.nn.Sequential(gn.nn.Linear(1, 1), gn.nn.ReLU(), gn.nn.Linear(1, 1))
    >>> _ = net.load_state_dict({"0.weight": [[1.0]], "0.bias": [-2.0], "2.weight": [[1.0]], "2.bias": [0.0]})
    >>> json.loads(gn.units(net, domain=(0, 1)).json())["layers"][0]["dead_units"]
    [0]
    """
    free = [free] if isinstance(free, str) else free
    flags = _flags(domain=_domain(domain), margin=float(margin), data=data)
    flags += [f"--free={weight}" for weight in free]
    with _named(net) as names:
        return _glassnet.answer(["units", *names, *flags])


def simplify(
    net: Any,
    output: str | os.PathLike[str],
    *,
    domain: Any = None,
    margin: float = 0.1,
    tolerance: float | None = None,
    overwrite: bool = False,
) -> Document:
    """Remove and merge what a network doesn't need, and prove that it stays the same.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, or a model file's path.
    output
        Where the smaller network is written: ``.safetensors``, which :func:`read` opens, or ``.onnx``. Its certificate,
        which :func:`verify_certificate` checks, is written beside it as ``NAME.certificate.json``.
    domain
        The inputs on which the network must stay the same, as in :func:`units`; by default all inputs.
    margin
        How much wider a table's box is taken, on each side, as a share of its width.
    tolerance
        Merge units that are nearly alike too, as long as no output provably moves by more than this on the domain.
    overwrite
        Replace files that exist.

    Returns
    -------
    Document
        Its :meth:`~Document.json` has the ``steps``, the ``claim``, and the paths ``output`` and ``certificate``.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import glassnet as gn
    >>> net = gn.nn.Sequential(gn.nn.Linear(1, 2), gn.nn.ReLU(), gn.nn.Linear(2, 1))
    >>> state = {"0.weight": [[1.0], [1.0]], "0.bias": [0.0, -2.0], "2.weight": [[1.0, 1.0]], "2.bias": [0.0]}
    >>> _ = net.load_state_dict(state)
    >>> done = json.loads(gn.simplify(net, os.path.join(tempfile.mkdtemp(), "smaller.safetensors"), domain=(0, 1)).json())
    >>> done["parameters_before"], done["parameters_after"], done["exact"]
    (7, 2, True)
    >>> gn.read(done["output"])
    Sequential(
      (0): Linear(in_features=1, out_features=1, bias=True)
    )
    """
    flags = _flags(
        output=output,
        domain=_domain(domain),
        margin=float(margin),
        tolerance=None if tolerance is None else float(tolerance),
        force=overwrite,
    )
    with _named(net) as names:
        return _glassnet.answer(["simplify", *names, *flags])


def equal_networks(
    a: Any,
    b: Any,
    *,
    domain: Any = None,
    margin: float = 0.0,
    tolerance: float = 0.0,
    timeout: float = 60.0,
    certificate: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Document:
    """Prove that two networks give the same outputs, or find an input where they differ: ``glassnet equal``.

    Parameters
    ----------
    a, b
        A :class:`glassnet.nn.Module`, or a model file's path, each.
    domain
        The inputs that are asked about, as in :func:`units`; by default all inputs.
    margin
        How much wider a table's box is taken, on each side, as a share of its width.
    tolerance
        Outputs that differ by no more than this count as equal.
    timeout
        After so many seconds of splitting the domain the answer is the tightest bound that was reached.
    certificate
        Where the certificate of equality is written.
    overwrite
        Replace a certificate that exists.

    Returns
    -------
    Document
        Its :meth:`~Document.json` has ``verdict`` (``"equal"``, ``"different"`` or ``"unknown"``), ``witness`` and ``bound``.

    Examples
    --------
    >>> import json
    >>> import glassnet as gn
    >>> a = gn.nn.Sequential(gn.nn.Linear(1, 1, bias=False))
    >>> b = gn.nn.Sequential(gn.nn.Linear(1, 1, bias=False))
    >>> _ = a.load_state_dict({"0.weight": [[1.0]]}), b.load_state_dict({"0.weight": [[1.5]]})
    >>> found = json.loads(gn.equal_networks(a, b, domain=(0, 1)).json())
    >>> found["verdict"], found["witness"]["difference"]
    ('different', 0.5)
    """
    flags = _flags(
        domain=_domain(domain),
        margin=float(margin),
        tolerance=float(tolerance),
        timeout=float(timeout),
        certificate=certificate,
        force=overwrite,
    )
    with _named(a, b) as names:
        return _glassnet.answer(["equal", *names, *flags])


def widen(
    net: Any,
    hidden: Sequence[int],
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Document:
    """Make the hidden layers wider without changing what the network computes, and prove it.

    Units are copied and share what the copied one gave, as in Net2Net: a training goes on from there.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, or a model file's path.
    hidden
        The hidden layers' new widths, each at least the present one.
    output
        Where the wider network is written: ``.safetensors``, which :func:`read` opens, or ``.onnx``. Its certificate is
        written beside it as ``NAME.certificate.json``.
    overwrite
        Replace files that exist.

    Returns
    -------
    Document
        Its :meth:`~Document.json` has the ``claim``, and the paths ``output`` and ``certificate``.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import glassnet as gn
    >>> net = gn.nn.Sequential(gn.nn.Linear(1, 2), gn.nn.ReLU(), gn.nn.Linear(2, 1))
    >>> done = json.loads(gn.widen(net, [3], os.path.join(tempfile.mkdtemp(), "wider.safetensors")).json())
    >>> done["parameters_before"], done["parameters_after"]
    (7, 10)
    >>> gn.read(done["output"])[0]
    Linear(in_features=1, out_features=3, bias=True)
    """
    flags = _flags(hidden=[int(width) for width in hidden], output=output, force=overwrite)
    with _named(net) as names:
        return _glassnet.answer(["widen", *names, *flags])


def deepen(
    net: Any,
    behind: str,
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Document:
    """Add a layer behind a ReLU without changing what the network computes, and prove it.

    Parameters
    ----------
    net
        A :class:`glassnet.nn.Module`, or a model file's path.
    behind
        The name of the ReLU behind which a layer is added: ``"1"``.
    output
        Where the deeper network is written, as in :func:`widen`.
    overwrite
        Replace files that exist.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import glassnet as gn
    >>> net = gn.nn.Sequential(gn.nn.Linear(1, 2), gn.nn.ReLU(), gn.nn.Linear(2, 1))
    >>> done = json.loads(gn.deepen(net, "1", os.path.join(tempfile.mkdtemp(), "deeper.safetensors")).json())
    >>> len(gn.read(done["output"])), done["exact"]
    (5, True)
    """
    flags = _flags(behind=str(behind), output=output, force=overwrite)
    with _named(net) as names:
        return _glassnet.answer(["deepen", *names, *flags])


def verify_certificate(a: Any, b: Any, certificate: str | os.PathLike[str]) -> Document:
    """Check what :func:`simplify`, :func:`widen`, :func:`deepen`, :func:`equal_networks` or :func:`prove` wrote.

    The checker is small, shares no code with what wrote it, and computes exactly.

    Parameters
    ----------
    a, b
        The two networks that a certificate is about, a :class:`glassnet.nn.Module` or a model file's path each; of a proof
        the network and the property's file.
    certificate
        The file.

    Returns
    -------
    Document
        Its :meth:`~Document.json` has ``valid``, and ``why`` if it isn't.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import glassnet as gn
    >>> net = gn.nn.Sequential(gn.nn.Linear(1, 2), gn.nn.ReLU(), gn.nn.Linear(2, 1))
    >>> done = json.loads(gn.widen(net, [3], os.path.join(tempfile.mkdtemp(), "wider.safetensors")).json())
    >>> json.loads(gn.verify_certificate(net, done["output"], done["certificate"]).json())["valid"]
    True
    """
    with _named(a, b) as names:
        return _glassnet.answer(["verify-certificate", *names, os.fspath(certificate)])
