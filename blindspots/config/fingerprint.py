"""Hash of the code that a job reaches, so that an edit reruns only the jobs that it can change.

Snakemake notices a changed parameter or script, but not a changed module. This hash, passed as a
parameter, covers the syntax trees of modules and of all that they import, except for installed
packages and Python's own: comments, docstrings and layout do not change it.
"""

from __future__ import annotations

import ast
import hashlib
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from blindspots.config import methods
from blindspots.config.sources import syntax_tree
from blindspots.own_code import INSTALLED

STANDARD = Path(sysconfig.get_path("stdlib"))


def fingerprint(modules: Iterable[str], scripts: Iterable[str | Path] = ()) -> str:
    """Hash the modules, the imports of the scripts, and all code that they reach.

    Args:
        modules: dotted names of modules.
        scripts: files whose imports count, from their own folder too; the scripts themselves do
            not count, as Snakemake watches them.

    Returns:
        16 hexadecimal digits.
    """
    named = list(modules)
    ours = {"blindspots", *(module.partition(".")[0] for module in named)}
    reached: dict[Path, str] = {}
    waiting = [path for module in named if (path := methods.source(module)) is not None]
    waiting += [path for script in scripts for path in _imported(Path(script), frozenset(ours))]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached[path], _ = _read(path)
            if not _installed(path):
                waiting += _imported(path, frozenset(ours))
    digest = hashlib.sha256()
    for name, syntax in sorted((_name(path), syntax) for path, syntax in reached.items()):
        digest.update(f"{name}\n{syntax}\n".encode())
    return digest.hexdigest()[:16]


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _name(path: Path) -> str:
    """Return a file's path from the folder that its package is in."""
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return path.relative_to(folder).as_posix()


@cache
def _read(path: Path) -> tuple[str, list[ast.Import | ast.ImportFrom]]:
    """Return a file's syntax tree as text, without docstrings, and its imports."""
    tree, imports = syntax_tree(path), []
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
    return ast.dump(tree), imports


@cache
def _imported(path: Path, ours: frozenset[str]) -> tuple[Path, ...]:
    """Return the files that a file imports, if their package is in `ours` or not installed.

    The __init__ of a package of this project is not followed: it only re-exports.
    """
    found = []
    for node in _read(path)[1]:
        if isinstance(node, ast.Import):
            found += [_file(alias.name, path, ours) for alias in node.names]
        elif node.level:
            folder = path.parents[node.level - 1]
            base = folder.joinpath(*(node.module or "").split("."))
            found += [_python(base / alias.name) or _python(base) for alias in node.names]
        elif node.module:
            for alias in node.names:
                nested = _file(f"{node.module}.{alias.name}", path, ours)
                found.append(nested or _file(node.module, path, ours))
    return tuple(file for file in found if file is not None and not _re_exports(file))


def _file(module: str, importer: Path, ours: frozenset[str]) -> Path | None:
    """Return the file of a module, searched next to its importer too; None if it is installed."""
    path = methods.source(module) or _python(importer.parent.joinpath(*module.split(".")))
    is_followed = path is None or module.partition(".")[0] in ours or not _installed(path)
    return path if is_followed else None


def _python(path: Path) -> Path | None:
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _installed(path: Path) -> bool:
    """Return whether a file belongs to an installed package or to Python itself."""
    return any(name in path.parts for name in INSTALLED) or path.is_relative_to(STANDARD)


def _re_exports(path: Path) -> bool:
    return path.name == "__init__.py" and path.is_relative_to(methods.PACKAGE)
