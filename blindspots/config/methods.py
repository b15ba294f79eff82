"""Find a method by name: a module of the package, or a dotted path to the user's own.

``find("attacks", "lbfgs")`` is the function `lbfgs` of `blindspots.attacks.lbfgs`;
``find("models", "my_lab.nets:resnet")`` is `resnet` of the user's module `my_lab.nets`. `settings`
and `inputs` read a method's signature from its source without importing it, so that a workflow
checks its config without importing PyTorch. What else a source says of its method: `config.traits`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from blindspots.config.signatures import parameters
from blindspots.config.sources import exists
from blindspots.config.sources import source as source
from blindspots.interface import InputError

PACKAGE = Path(__file__).parents[1]

ARGUMENTS = {
    "datasets": (),
    "derived": ("images", "labels"),
    "models": ("shape", "classes"),
    "trainers": ("model", "images", "labels"),
    "attacks": ("model", "images", "labels", "targets"),
    "certificates": ("model", "images", "labels"),
}
"""Parameters that the workflow passes to each role's methods; the others are settings.

Analyses and figures name the tables that they read by their positional parameters instead. Datasets
made from the images of another are "derived".
"""

FOLDERS = {"derived": "datasets"}
"""Roles whose modules are in the folder of another role."""


@cache
def names(role: str) -> list[str]:
    """Return the methods of a role, such as "attacks": modules with a function of their own name.

    A method that needs several modules is a package with such a module in it.
    """
    folder = PACKAGE / FOLDERS.get(role, role)
    modules = [*folder.glob("[!_]*.py"), *(p for p in folder.glob("*/*.py") if _is_own(p))]
    return sorted(p.stem for p in modules if f"\ndef {p.stem}(" in p.read_text("utf-8"))


def _is_own(module: Path) -> bool:
    return module.stem == module.parent.name


def locate(role: str, method: str) -> tuple[str, str]:
    """Return the module and the function of a method.

    Raises:
        InputError: unknown module, with the names of those that exist, or one of Python's own.
    """
    if ":" in method:
        module, function = method.split(":", 1)
        if module.partition(".")[0] in sys.stdlib_module_names:  # such as subprocess:run
            raise InputError(
                "expected a module of your own or of an installed package, found "
                f"{module!r} of Python's standard library; name a function of yours that calls it, "
                "in a module of another name"
            )
        if not exists(module):
            dotted = module.removesuffix(".py").strip("./").replace("/", ".")
            hint = f"did you mean {dotted}:{function}? Else " if dotted != module else ""
            raise InputError(
                f"expected a Python module that can be imported from here, found {module!r}; "
                f"{hint}check the spelling, or add its folder to PYTHONPATH"
            )
        return module, function
    if method not in names(role):
        raise InputError(
            f"expected one of {', '.join(names(role))}, or module:function, "
            f"found {method!r}{did_you_mean(method, names(role))}"
        )
    folder = FOLDERS.get(role, role)
    package = f".{method}" if (PACKAGE / folder / method).is_dir() else ""
    return f"blindspots.{folder}{package}.{method}", method


def find(role: str, method: str) -> Callable[..., Any]:
    """Import a method's function.

    Raises:
        InputError: no such module, or no such function in it.
    """
    module, function = locate(role, method)
    found = getattr(importlib.import_module(module), function, None)
    if not callable(found):
        kind = "none" if found is None else type(found).__name__
        raise InputError(
            f"expected a function {function!r} in {module}, found {kind}; check the spelling"
        )
    return found


def settings(role: str, method: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the names of a method's settings, read from its source.

    Returns:
        All names, and those without a default; None if the source does not show them
        (``**settings``, a class, a function made by a call).

    Raises:
        InputError: no such module or function.
    """
    found = signature(role, method)
    if found is None or found.kwarg:
        return None
    by_place = [*found.posonlyargs, *found.args]
    taken = len(ARGUMENTS.get(role, by_place))
    known = frozenset(a.arg for a in [*by_place[taken:], *found.kwonlyargs])
    return known, known - {argument.arg for argument, _ in _with_defaults(found)}


def defaults(role: str, method: str) -> dict[str, Any]:
    """Return the defaults of a method's settings that its source spells out.

    Raises:
        InputError: no such module or function.
    """
    found = {}
    for name, default in default_expressions(role, method).items():
        try:
            found[name] = ast.literal_eval(default)
        except ValueError:
            continue  # not a plain value: made by a call
    return found


def default_expressions(role: str, method: str) -> dict[str, ast.expr]:
    """Return the defaults of a method's settings, as expressions in its source.

    Raises:
        InputError: no such module or function.
    """
    found = signature(role, method)
    pairs = [] if found is None else _with_defaults(found)
    return {a.arg: default for a, default in pairs if a.arg not in ARGUMENTS.get(role, ())}


def _with_defaults(signature: ast.arguments) -> list[tuple[ast.arg, ast.expr]]:
    by_place = [*signature.posonlyargs, *signature.args]
    first = len(by_place) - len(signature.defaults)
    pairs = list(zip(by_place[first:], signature.defaults, strict=True))
    by_name = zip(signature.kwonlyargs, signature.kw_defaults, strict=True)
    return pairs + [(argument, default) for argument, default in by_name if default is not None]


def parameters_of(role: str, method: str) -> dict[str, ast.arg]:
    """Return a method's parameters by name, with annotations and, as `type_comment`, meanings.

    Raises:
        InputError: no such module or function.
    """
    found = signature(role, method)
    if found is None:
        return {}
    return {a.arg: a for a in [*found.posonlyargs, *found.args, *found.kwonlyargs]}


def takes(role: str, method: str, setting: str) -> bool:
    """Return whether a method has a setting of this name, as far as its source tells.

    Raises:
        InputError: no such module or function.
    """
    found = settings(role, method)
    return found is not None and setting in found[0]


def inputs(role: str, method: str) -> list[str]:
    """Return the positional parameters of a measurement, an analysis or a figure, by its source.

    Raises:
        InputError: no such module or function, or a source that does not show them.
    """
    return [argument.arg for argument in _inputs(role, method)]


def by_parts(role: str, method: str) -> list[str]:
    """Return the `inputs` whose annotation names `files.parts.Parts`: tables read part by part.

    Raises:
        InputError: same as for `inputs`.
    """
    return [argument.arg for argument in _inputs(role, method) if _names(argument, "Parts")]


def _names(argument: ast.arg, name: str) -> bool:
    nodes = [] if argument.annotation is None else ast.walk(argument.annotation)
    return any(name == getattr(node, "id", getattr(node, "attr", None)) for node in nodes)


def _inputs(role: str, method: str) -> list[ast.arg]:
    found = signature(role, method)
    if found is None:
        raise InputError(
            f"expected a function whose source shows its parameters for {method!r}, found none; "
            "define it with def"
        )
    return found.args


def signature(role: str, method: str) -> ast.arguments | None:
    """Return a method's parameters as its source writes them; None if it does not show them.

    Raises:
        InputError: no such module or function.
    """
    return parameters(*locate(role, method))


def accepted(function: Callable[..., Any], **offered: Any) -> dict[str, Any]:
    """Keep only the keyword arguments that a function has parameters for."""
    try:
        taken = inspect.signature(function).parameters
    except ValueError:  # a compiled function without a signature
        return {}
    return {name: value for name, value in offered.items() if name in taken}


def has_parameter(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function takes a parameter of this name, `**settings` included."""
    try:
        taken = inspect.signature(function).parameters.values()
    except ValueError:  # a compiled function without a signature
        return True
    return any(one.name == name or one.kind is one.VAR_KEYWORD for one in taken)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt word, or empty text."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
