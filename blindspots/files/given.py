"""Files that a user names: resolve patterns of paths, and refuse missing or unusable files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from blindspots.interface import InputError

STAND_INS = {
    b"version https://git-lfs": ("a Git LFS pointer to it", "fetch the file itself: git lfs pull"),
    b"<!doctype": ("a web page", "download the file itself, not the page about it"),
    b"<html": ("a web page", "download the file itself, not the page about it"),
}
"""Stand-ins for files that were not fetched, by their first bytes in lower case: kind, remedy."""


def matching(pattern: str) -> list[str]:
    """Return the path itself if it exists, otherwise the files that match it as a pattern."""
    if os.path.exists(pattern):  # noqa: PTH110 (a text may be too long for a path)
        return [pattern]
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (of absolute patterns, too)


def check(path: str | Path, expected: str) -> None:
    """Refuse a missing file, or a stand-in for a file that was not fetched.

    Args:
        path: path as the user wrote it.
        expected: expected kind of file for the message, such as "an .npz file".

    Raises:
        InputError: says what was found and how to mend it.
    """
    fault = _fault(Path(path))
    if fault is not None:
        found, remedy = fault
        raise InputError(f"{path}: expected {expected}, found {found}; {remedy}")


def listed(names: Iterable[str]) -> str:
    """Join names from a file for one line of a message."""
    return " ".join(", ".join(names).split())[:200]


def _fault(path: Path) -> tuple[str, str] | None:
    """Return what is there instead of a regular file with content, and a remedy; None: no fault."""
    try:
        if path.is_symlink() and not path.exists():
            return (
                f"a link to {path.readlink()}, which does not exist",
                "fetch that file or mend the link",
            )
        if path.is_dir():
            return "a folder", "name the file in it"
        if not path.exists():
            place = "" if path.is_absolute() else f", which is relative to {Path.cwd()}"
            return "none", f"correct the path{place}"
        if not path.is_file():  # a pipe or a device, which might never end
            return "no regular file", "name another file"
        with path.open("rb") as file:
            head = file.read(64).lstrip().lower()
    except OSError as error:
        return f"one that cannot be opened ({error.strerror})", "check its permissions and path"
    if path.stat().st_size == 0:
        return "an empty file", "fetch or make it again"
    return next((said for start, said in STAND_INS.items() if head.startswith(start)), None)
