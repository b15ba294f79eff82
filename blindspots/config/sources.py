"""A module's source, found and read without importing it: its file, statements and constants."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from blindspots.interface import InputError


def source(module: str) -> Path | None:
    """Return the source file of a module, found without importing anything; None if it has none."""
    found = _file(module, importlib.machinery.SOURCE_SUFFIXES)
    return found if found is not None and found.suffix == ".py" else None


def exists(module: str) -> bool:
    """Return whether a module can be imported, compiled ones included."""
    return _file(module, importlib.machinery.all_suffixes()) is not None


def _file(module: str, suffixes: list[str]) -> Path | None:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a spec, such as __main__, or an empty name
        return None
    if spec is None:
        return None
    folders = [Path(folder, *rest) for folder in spec.submodule_search_locations or ()]
    if not rest:
        folders = [Path(spec.origin)] if spec.origin else []
        return next((path for path in folders if path.is_file()), None)
    for path in folders:
        for file in (path / "__init__", path):
            for suffix in suffixes:
                if (found := file.with_name(file.name + suffix)).is_file():
                    return found
    return None


def syntax_tree(path: Path) -> ast.Module:
    """Return a Python file's syntax tree.

    Raises:
        InputError: invalid Python, with the file and the line.
    """
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(
            f"{path}, line {line}: expected Python, found a syntax error ({error.args[0]}); "
            "correct it"
        ) from None


def function_docstring(module: str, function: str) -> str | None:
    """Return the docstring of a function that a module defines; None if there is none."""
    path = source(module)
    found = [] if path is None else binding(path, function)
    return next((ast.get_docstring(f) for f in found if isinstance(f, ast.FunctionDef)), None)


def statements(body: list[ast.stmt]) -> Iterator[Any]:
    """Iterate over the statements that can bind names in a module, also those in an if or a try."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, part, []))
            for part in ("handlers", "cases"):
                for branch in getattr(node, part, []):
                    yield from statements(branch.body)


def bound_by(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds in its module."""
    targets: list[ast.expr] = []
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return {name}
        case ast.Import(names) | ast.ImportFrom(_, names):
            return {alias.asname or alias.name for alias in names}
        case ast.Assign():
            targets = node.targets
        case ast.AnnAssign():
            targets = [node.target]
    parts = (part for target in targets for part in ast.walk(target))
    return {part.id for part in parts if isinstance(part, ast.Name)}


def constant(module: str, name: str) -> Any:
    """Return the plain value that a module's source binds a name to; None if there is none.

    An imported name is looked up in the module that it comes from.
    """
    path = source(module)
    for bound in [] if path is None else binding(path, name):
        match bound:
            case ast.ImportFrom(_, names):
                own = next(a.name for a in names if name in (a.asname, a.name))
                return constant(origin_of(bound, module), own)
            case ast.Assign([ast.Name()], value) | ast.AnnAssign(
                ast.Name(), _, ast.expr() as value
            ):
                with suppress(ValueError):  # made by a call
                    return ast.literal_eval(value)
    return None


def binding(path: Path, name: str) -> list[ast.stmt]:
    """Return a list of the last statement of a module that binds a name; empty if none does."""
    return [_bindings(path)[name]] if name in _bindings(path) else []


@cache
def _bindings(path: Path) -> dict[str, ast.stmt]:
    """Return the last statement of a module that binds each name."""
    body = syntax_tree(path).body
    return {name: node for node in statements(body) for name in bound_by(node)}


def origin_of(node: ast.ImportFrom, module: str) -> str:
    """Return the module that a statement imports from."""
    path, package = source(module), module.split(".")
    if path is not None and path.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*package, *filter(None, [node.module])])
