"""A hash of the code that a job reaches, so that an edit reruns what it can change, no more.

Snakemake sees a changed parameter or script, not a changed library module. This hash, passed as a
parameter, covers a module and all that it imports from its own package, by syntax tree: comments,
docstrings and layout change nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from blindspots import methods


def fingerprint(modules: Iterable[str], scripts: Iterable[str | Path] = ()) -> str:
    """Hash the modules, the scripts' imports, and all they reach within their packages.

    Args:
        modules: dotted names.
        scripts: files whose imports from `blindspots` count too; the scripts themselves do not,
            since Snakemake watches them.

    Returns:
        16 hexadecimal digits.
    """
    reached: set[str] = set()
    waiting = list(modules)
    for script in scripts:
        waiting += _imports(Path(script).read_text("utf-8"), "", "blindspots")
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _parsed(module)[1]
    digest = hashlib.sha256()
    for module in sorted(reached):
        digest.update(f"{module}\n{_parsed(module)[0]}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _parsed(module: str) -> tuple[str, tuple[str, ...]]:
    """A module's syntax tree as text, and the modules that it imports from its own package."""
    path = methods.source(module)
    if path is None:
        raise ModuleNotFoundError(f"no source file for module {module!r}")
    text = path.read_text("utf-8")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imports = _imports(text, package, module.partition(".")[0])
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return ast.dump(tree), tuple(imports)


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _imports(text: str, package: str, top: str) -> list[str]:
    """Modules under the package `top` that a source text imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) + 1 - node.level]
                base = ".".join([*parents, base] if base else parents)
            for alias in node.names:
                nested = f"{base}.{alias.name}"
                is_module = _is_under(nested, top) and methods.source(nested) is not None
                found.append(nested if is_module else base)
    return [module for module in found if _is_under(module, top)]


def _is_under(module: str, top: str) -> bool:
    return module.partition(".")[0] == top
