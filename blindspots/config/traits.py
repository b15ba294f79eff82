"""Traits of a method that its source declares, read without importing it.

They are constants of its module, marks on its settings (`limits`), its decorator, and the defaults
that these stand on.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from blindspots.config import methods, sources
from blindspots.config.annotations import marks
from blindspots.config.signatures import added, declarations
from blindspots.families import KINDS, UNDECLARED, Family

REQUIRED = inspect.Parameter.empty
"""Mark of a parameter without a default."""


def constant(role: str, method: str, name: str) -> Any:
    """Return the plain value of a constant in a method's module, read from its source, or None.

    Raises:
        InputError: no such module or function.
    """
    return sources.constant(methods.locate(role, method)[0], name)


@cache
def constants(role: str, name: str) -> dict[str, Any]:
    """Return the package's methods of a role whose modules have a constant, and its plain value."""
    found = {}
    for method in methods.names(role):
        module, _ = methods.locate(role, method)
        path = sources.source(module)
        if path is not None and f"\n{name} = " in path.read_text("utf-8"):
            found[method] = sources.constant(module, name)
    return found


def marked(role: str, method: str, mark: str) -> dict[str, list[Any]]:
    """Return the settings of a method whose annotation has a mark of `blindspots.limits`.

    Returns:
        The mark's arguments by setting.

    Raises:
        InputError: no such module or function.
    """
    return {
        name: arguments
        for name, parameter in methods.parameters_of(role, method).items()
        for called, arguments in marks(ast.walk(parameter.annotation or ast.Constant(None)))
        if called == mark
    }


def without_effect(role: str, method: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that another given setting makes ineffective, each with that other.

    Raises:
        InputError: no such module or function.
    """
    found: dict[str, str] = {}
    for name, others in marked(role, method, "instead_of").items():
        if given.get(name) is not None:
            found |= dict.fromkeys(others, name)
    return found


def missing_beside(role: str, method: str, given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the given settings that have no effect without a value of another, and both of that.

    Raises:
        InputError: no such module or function.
    """
    values = methods.defaults(role, method) | dict(given)
    needed = marked(role, method, "only_with")
    return {
        name: (key, value)
        for name, (key, value) in needed.items()
        if name in given and values.get(key) != value
    }


def own_weights(method: str, settings: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the setting that names the file of the weights that a model brings, and that file.

    Returns:
        None if it brings none; None for the file if a required setting is left out.

    Raises:
        InputError: no such module or function.
    """
    given = methods.defaults("models", method) | dict(settings)
    files = marked("models", method, "own_weights")
    return next(((n, given.get(n)) for n in files if given.get(n, "") is not None), None)


def decorator(role: str, method: str, name: str) -> ast.Call | None:
    """Return the call of the decorator `name` in a method's source, or None.

    Raises:
        InputError: no such module or function.
    """
    signature = methods.signature(role, method)
    return None if signature is None else declarations(signature).get(name)


def family(attack: str) -> Family:
    """Return the family that an attack's source declares, see `families`.

    Raises:
        InputError: no such module or function.
    """
    for kind in KINDS:
        found = decorator("attacks", attack, kind)
        if found is not None:
            norms = (str(norm.value) for norm in found.args if isinstance(norm, ast.Constant))
            return Family(kind, tuple(norms))
    return UNDECLARED


def needs_model(attack: str) -> bool:
    """Return whether an attack needs a model, which a control does not.

    Raises:
        InputError: no such module or function.
    """
    return family(attack).kind != "control"


def of_loop(trainer: str) -> set[str]:
    """Return the settings of the trainers' loop that a trainer has in addition to its own.

    Raises:
        InputError: no such module or function.
    """
    signature = methods.signature("trainers", trainer)
    return set() if signature is None else added(signature)


def trainer_parameters(trainer: str) -> dict[str, Any]:
    """Return a trainer's parameters with their defaults, as far as its source tells.

    Returns:
        By name: the default; None for one that the source does not spell out; `REQUIRED`.

    Raises:
        InputError: no such module or function.
    """
    of_all = dict.fromkeys(methods.parameters_of("trainers", trainer), REQUIRED)
    made = dict.fromkeys(methods.default_expressions("trainers", trainer))
    return of_all | made | methods.defaults("trainers", trainer)


def validates(parameters: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Return whether a training needs validation images: its trainer requires them, or patience.

    Args:
        parameters: the trainer's, with their defaults or `REQUIRED`.
        given: its settings in the config.
    """
    patience = {"patience": None, **parameters, **given}["patience"]
    required = parameters.get("validation") is REQUIRED
    return "validation" in parameters and (required or patience not in (None, REQUIRED))
