"""Owner of the code that raised an error: the user, this project, or an installed package."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""Folder of the checkout: the workflow's files are next to the package."""
OURS = (CHECKOUT / "blindspots", CHECKOUT / "scripts")
HERE = f"{Path.cwd()}{os.sep}"
"""Working directory at this process's start; a user's code may change it."""
INSTALLED = ("site-packages", "dist-packages")


def own_line(error: BaseException) -> str | None:
    """File and line of the innermost call in code that is neither the project's nor installed.

    Args:
        error: the caught error.

    Returns:
        Text such as "/home/me/my_nets.py, line 12"; None if no such code took part.
    """
    return next((line for path, line in _lines(error) if not _is_ours(path)), None)


def our_line(error: BaseException) -> str | None:
    """File and line of the innermost call in the project's code, like `own_line`."""
    return next((line for path, line in _lines(error) if _is_ours(path)), None)


def blame(error: BaseException, own: Iterable[str] = ()) -> str:
    """Return a line that names the code to correct, and what to send if it is the project's.

    Args:
        error: the caught error.
        own: the user's functions that took part, whose results may have caused it.
    """
    text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if line := own_line(error):
        return f"{line.removeprefix(HERE)}: your code ended with {text}; correct it"
    named = ", ".join(own)
    unless = f"; unless it comes of what {named} returned" if named else ""
    return (
        f"{our_line(error)}: expected no fault of the program, found {text}{unless}; "
        "report it with the config"
    )


def _lines(error: BaseException) -> Iterator[tuple[Path, str]]:
    """Files, and their lines as text, of the calls in code that is not installed, from within."""
    calls = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:  # in an imported file
        calls.append((error.filename, error.lineno))
    for file, number in reversed(calls):
        # Compiled from strings: "<string>", "<frozen …>"; others come by links, or by
        # rules/../scripts.
        path = Path(file)
        if path.is_file() and not _is_installed(real := path.resolve()):
            yield real, f"{path}, line {number}"


def _is_ours(path: Path) -> bool:
    # Snakemake runs copies of our scripts from its own folder.
    copied = path.parts[-3:-1] == (".snakemake", "scripts")
    return copied or any(path.is_relative_to(folder) for folder in OURS)


def _is_installed(path: Path) -> bool:
    if any(path.is_relative_to(folder) for folder in OURS):
        return False
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    return path.is_relative_to(standard) or any(name in path.parts for name in INSTALLED)
