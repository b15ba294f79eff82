"""Find a method by name: a module of the package, or a dotted path of the user's own.

``find("attacks", "lbfgs")`` is the function `lbfgs` of `blindspots.attacks.lbfgs`;
``find("models", "my_lab.nets:resnet")`` is `resnet` of the user's module `my_lab.nets`. `settings`
and `inputs` read a method's signature from its source without importing it, so that a workflow can
check its config in milliseconds.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from blindspots.interface import InputError

PACKAGE = Path(__file__).parent

ARGUMENTS = {
    "datasets": (),
    "models": ("shape", "classes"),
    "trainers": ("model", "images", "labels"),
    "attacks": ("model", "images", "labels", "targets"),
    "certificates": ("model", "images", "labels"),
}
"""What the workflow passes to each role's methods; their other parameters are settings.

Analyses and figures name the tables that they read by their positional parameters instead.
"""


@cache
def names(role: str) -> list[str]:
    """The methods of a role, such as "attacks": modules with a function of their own name."""
    modules = (PACKAGE / role).glob("[!_]*.py")
    return sorted(p.stem for p in modules if f"\ndef {p.stem}(" in p.read_text("utf-8"))


def locate(role: str, method: str) -> tuple[str, str]:
    """Module and function of a method.

    Raises:
        InputError: no such module, with the names of those that exist, or one of Python's own.
    """
    if ":" in method:
        module, function = method.split(":", 1)
        if module.partition(".")[0] in sys.stdlib_module_names:  # such as subprocess:run
            raise InputError(
                "expected a module of your own or of an installed package, found "
                f"{module!r} of Python's standard library; name a function of yours that calls it, "
                "in a module of another name"
            )
        if source(module) is None:
            raise InputError(
                f"expected a Python module that can be imported from here, found {module!r}; "
                "check the spelling, or add its folder to PYTHONPATH"
            )
        return module, function
    if method not in names(role):
        raise InputError(
            f"expected one of {', '.join(names(role))}, or module:function, "
            f"found {method!r}{did_you_mean(method, names(role))}"
        )
    return f"blindspots.{role}.{method}", method


def find(role: str, method: str) -> Callable[..., Any]:
    """Import a method's function.

    Raises:
        InputError: no such module, or no such function in it.
    """
    module, function = locate(role, method)
    found = getattr(importlib.import_module(module), function, None)
    if found is None:
        raise _no_function(module, function)
    return found


def settings(role: str, method: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The names of a method's settings, read from its source.

    Returns:
        All names and those without a default; None where the source does not tell (``**settings``,
        a class, a function made by a call).

    Raises:
        InputError: no such module or function.
    """
    signature = _signature(role, method)
    if signature is None or signature.kwarg:
        return None
    positional = signature.args[len(ARGUMENTS[role]) :] if role in ARGUMENTS else []
    optional = positional[len(positional) - len(signature.defaults) :] if signature.defaults else []
    optional += [
        argument
        for argument, default in zip(signature.kwonlyargs, signature.kw_defaults, strict=True)
        if default is not None
    ]
    known = frozenset(a.arg for a in [*positional, *signature.kwonlyargs])
    return known, known - {a.arg for a in optional}


def defaults(role: str, method: str) -> dict[str, Any]:
    """The settings of a method that have a default which its source spells out.

    Raises:
        InputError: no such module or function.
    """
    signature = _signature(role, method)
    if signature is None:
        return {}
    pairs = list(zip(signature.kwonlyargs, signature.kw_defaults, strict=True))
    if signature.defaults:
        pairs += zip(signature.args[-len(signature.defaults) :], signature.defaults, strict=True)
    found = {}
    for argument, default in pairs:
        if argument.arg not in ARGUMENTS.get(role, ()) and default is not None:
            try:
                found[argument.arg] = ast.literal_eval(default)
            except ValueError:
                continue  # made by a call: not a plain value
    return found


def types(role: str, method: str) -> dict[str, str]:
    """What a method's source says of the types of its parameters.

    Raises:
        InputError: no such module or function.
    """
    signature = _signature(role, method)
    parameters = [] if signature is None else [*signature.args, *signature.kwonlyargs]
    return {a.arg: ast.unparse(a.annotation) for a in parameters if a.annotation is not None}


def needs_model(attack: str) -> bool:
    """Whether an attack needs a model: its `model` is not annotated as one or None.

    Raises:
        InputError: no such module or function.
    """
    return "None" not in types("attacks", attack).get("model", "")


def is_control(attack: Callable[..., Any]) -> bool:
    """Whether an attack needs no model, as `needs_model` reads it: it has no goal then."""
    model = inspect.signature(attack).parameters.get("model")
    return model is not None and "None" in str(model.annotation)


def takes(role: str, method: str, setting: str) -> bool:
    """Whether a method has a setting of this name, as far as its source tells.

    Raises:
        InputError: no such module or function.
    """
    found = settings(role, method)
    return found is not None and setting in found[0]


def inputs(role: str, method: str) -> list[str]:
    """Positional parameters of an analysis or a figure, read from its source.

    Raises:
        InputError: no such module or function, or a source that does not tell.
    """
    signature = _signature(role, method)
    if signature is None:
        raise InputError(f"expected a function with named parameters for {method!r}, found none")
    return [argument.arg for argument in signature.args]


@cache
def _signature(role: str, method: str) -> ast.arguments | None:
    module, function = locate(role, method)
    path = source(module)
    assert path is not None
    bound: set[str] = set()
    for node in syntax_tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return node.args
        if isinstance(node, ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Assign):
            bound |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
    if function in bound:
        return None
    raise _no_function(module, function)


def _no_function(module: str, function: str) -> InputError:
    return InputError(
        f"expected a function {function!r} in {module}, found none; check the spelling"
    )


def accepted(function: Callable[..., Any], **offered: Any) -> dict[str, Any]:
    """Of what is offered, what a function has parameters for."""
    taken = inspect.signature(function).parameters
    return {name: value for name, value in offered.items() if name in taken}


def source(module: str) -> Path | None:
    """The source file of a module, found without importing anything; None: no such file."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a spec, such as __main__, or no name at all
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *rest)
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def syntax_tree(path: Path) -> ast.Module:
    """A Python file's syntax tree.

    Raises:
        InputError: not Python; names the file and the line.
    """
    try:
        return ast.parse(path.read_text("utf-8"))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(
            f"{path}, line {line}: expected Python, found a syntax error ({error.args[0]}); "
            "correct it"
        ) from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
