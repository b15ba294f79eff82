"""Declarations of a method by decorators, read from its source without importing it."""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from blindspots.config import methods, traits
from blindspots.config.values import is_number
from blindspots.families import NORMS
from blindspots.interface import InputError

Need = float | Callable[[int, int, int, int], float]

PARAMETERS = {
    "net": ("model", "fresh", "data", "train", "net", "seed", "shape", "classes", "parents"),
    "experiment": (
        "experiment", "seed", "data", "attacked", "controls", "sources", "victims", "all_victims",
        "parents",
    ),
    "run": ("network", "origin", "shape", "nets", "seed", "parents"),
}  # fmt: skip
"""Parameters by which a measurement asks for inputs, by its subject."""

EVERYWHERE = ("chunk", "entry", "progress")
"""Parameters that a measurement of any subject can have."""

OF_EXPERIMENTS = ("amplify", "amplify_by", "clip", "across_seeds", "distortions", "noise_draws")
"""Keys of an experiment that a measurement of it takes as parameters of the same names."""


STORED = ("split", "clean", "history", "attacks", "ledger")
"""Tables of an experiment that no measurement gives."""

TYPICAL = (64, 784, 10, 64)
"""Sizes n, pixels, classes and chunk at which a lambda is tried before anything runs."""


class Measurement(NamedTuple):
    """Declaration of a measurement.

    Attributes:
        subject: "net", "experiment" or "run".
        tables: names of the tables that it gives, without those with images.
        pictures: names of the tables with images that it gives.
        memory: memory in MB, or a function of n, pixels, classes and chunk.
        runtime: runtime in minutes, or a function of the same sizes.
        rows: rows of its longest table over all its jobs, as a function of images and settings;
            None: few.
        gpu: whether it computes on a GPU.
        chance: whether it takes stochastic nets (`draws`).
    """

    subject: str
    tables: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    memory: Need = 4000
    runtime: Need = 60
    rows: Callable[[int, Mapping[str, Any]], float] | None = None
    gpu: bool = True
    chance: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """Names of all tables, those with images included."""
        return (*self.tables, *self.pictures)


class Certificate(NamedTuple):
    """Declaration of a certificate.

    Attributes:
        norm: norm of its radii, unless a setting `norm` names one.
        box: whether the radii hold for images inside the box only.
        whole: whether it takes all images of a part in one call, as most of its work is per net.
    """

    norm: str = "l2"
    box: bool = False
    whole: bool = False


@cache
def measurement(method: str) -> Measurement:
    """Return the declaration of a measurement.

    Raises:
        InputError: no such method, or one without a decorator whose values the source spells out.
    """
    found = traits.decorator("measurements", method, "measurement")
    if found is None:
        raise InputError(
            f"expected a function decorated with @measurement for {method!r}, found another; "
            "see blindspots.measurements.contract"
        )
    given = _arguments(found, Measurement._fields, method, by_place=1)
    if given.get("subject") not in (*PARAMETERS,):
        subject = repr(given["subject"]) if "subject" in given else "none"
        raise InputError(
            f"{method}: expected one of {', '.join(PARAMETERS)} as subject, found {subject}"
        )
    for name in ("tables", "pictures"):
        if not isinstance(given.get(name, ()), tuple | list):
            remedy = f"; write ({given[name]!r},)" if isinstance(given[name], str) else ""
            raise InputError(
                f"{method}: {name}: expected a tuple of names, found {given[name]!r}{remedy}"
            )
        given[name] = tuple(given.get(name, ()))
    for name in ("gpu", "chance"):
        if not isinstance(given.get(name, True), bool):
            raise InputError(f"{method}: {name}: expected True or False, found {given[name]!r}")
    what = Measurement(**given)
    if not what.given or not all(map(_is_a_table, what.given)):
        raise InputError(
            f"{method}: expected table names that are valid names of parameters, found "
            f"{', '.join(map(repr, what.given)) or 'none'}"
        )
    for name in what.given:
        if name in STORED or what.given.count(name) > 1:
            raise InputError(
                f"{method}: expected tables, each once, with names other than "
                f"{', '.join(STORED)}, found {name!r}; rename it"
            )
    for name in ("memory", "runtime"):
        needed(what, name, method, *TYPICAL)
    if what.rows is not None and not callable(what.rows):
        raise InputError(
            f"{method}: rows: expected a lambda of images and settings, found {what.rows!r}"
        )
    return what


def rows_of(entry: Mapping[str, Any], images: int, experiment: Mapping[str, Any]) -> int:
    """Return the number of rows that a measurement declares for its longest table, or 0.

    Args:
        entry: section of the measurement in the config.
        images: number of images that nets are shown.
        experiment: section of the experiment that is measured; empty if there is none.

    Raises:
        InputError: the declaration gives no number of at least 0.
    """
    method = entry["method"]
    declares = measurement(method).rows
    if declares is None:
        return 0
    theirs = {key: experiment[key] for key in OF_EXPERIMENTS if key in experiment}
    settings = {**methods.defaults("measurements", method), **theirs, **entry}
    expected = f"{method}: rows: expected a lambda of images and settings that gives a number"
    try:
        found = declares(images, settings)
    except Exception as error:
        text, remedy = f"{type(error).__name__}: {error}", "correct it"
        known = methods.default_expressions("measurements", method)
        if isinstance(error, KeyError) and error.args[0] in known:
            remedy = "write the default of this setting as a plain value"
        raise InputError(f"{expected}, found one that raises {text}; {remedy}") from None
    if not (is_number(found) and 0 <= found < math.inf):
        raise InputError(f"{expected} of at least 0, found one that gives {found!r}; correct it")
    return round(found)


def needed(what: Measurement, name: str, method: str, *sizes: int) -> float:
    """Return the amount of a resource that a measurement's job needs.

    Args:
        what: the measurement.
        name: "memory" or "runtime".
        method: method of the measurement, for the message.
        sizes: n, pixels, classes and chunk.

    Raises:
        InputError: the declaration gives no positive number.
    """
    declares = getattr(what, name)
    found: Any = declares
    if callable(declares):
        try:
            found = declares(*sizes)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise InputError(
                f"{method}: {name}: expected a lambda of n, pixels, classes and chunk in plain "
                f"arithmetic, found one that raises {text}; correct it"
            ) from None
    if not (is_number(found) and 0 < found < math.inf):
        raise InputError(
            f"{method}: {name}: expected a number above 0, or a lambda of n, pixels, classes and "
            f"chunk that gives one, found {found!r}"
        )
    return float(found)


def _is_a_table(name: Any) -> bool:
    """Return whether a name can be that of a parameter and of an input of Snakemake."""
    word = isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)
    return word and not name.startswith("_") and not hasattr({}, name) and not hasattr([], name)


@cache
def certificate(method: str) -> Certificate:
    """Return the declaration of a certificate.

    Raises:
        InputError: no such method, or an unknown norm.
    """
    found = traits.decorator("certificates", method, "certificate")
    what = Certificate(**({} if found is None else _arguments(found, Certificate._fields, method)))
    for name in ("box", "whole"):
        if not isinstance(getattr(what, name), bool):
            value = getattr(what, name)
            raise InputError(f"{method}: {name}: expected True or False, found {value!r}")
    norm = methods.parameters_of("certificates", method).get("norm")
    choices = [what.norm]
    if norm is not None and norm.annotation is not None:
        constants = (c.value for c in ast.walk(norm.annotation) if isinstance(c, ast.Constant))
        choices = [value for value in constants if isinstance(value, str)]
    for name in choices:
        if name not in NORMS:
            raise InputError(
                f"{method}: expected one of the norms {', '.join(NORMS)}, found {name!r}"
            )
    return what


def _arguments(
    call: ast.Call, known: Sequence[str], method: str, *, by_place: int = 0
) -> dict[str, Any]:
    """Return a decorator's arguments by name; the first `by_place` ones may be positional.

    Raises:
        InputError: an unknown argument, or a value that the source does not spell out.
    """
    odd = [ast.unparse(one) for one in call.args[by_place:]]
    still = known[len(call.args) :]
    odd += [name for name in (k.arg or "**" for k in call.keywords) if name not in still]
    if odd:
        raise InputError(
            f"{method}: expected a decorator with {', '.join(known)}, found {odd[0]}"
            f"{methods.did_you_mean(odd[0], known)}"
        )
    given = [*zip(known, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
    return {str(name): _value(node, method) for name, node in given}


def norm_of(method: str, settings: Mapping[str, Any]) -> str:
    """Return the norm of a certificate's radii under the given settings."""
    default = methods.defaults("certificates", method).get("norm")
    return settings.get("norm", default) or certificate(method).norm


def with_radius(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a certificate's settings, with its default radius `eps` if they give no radius."""
    eps = methods.defaults("certificates", method).get("eps")
    return dict(settings) if eps is None else {"eps": eps} | dict(settings)


def _value(node: ast.expr, method: str) -> Any:
    """Return a constant, or a lambda of plain arithmetic."""
    if isinstance(node, ast.Lambda) and not (node.args.defaults or node.args.kw_defaults):
        made = compile(ast.fix_missing_locations(ast.Expression(node)), method, "eval")
        return eval(made, {"__builtins__": {"len": len, "min": min, "max": max}})
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise InputError(
            f"{method}: expected constants in its decorator, found {ast.unparse(node)}"
        ) from None
