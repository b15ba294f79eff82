"""Provenance of a result: commit, hash of its settings, versions of Python and packages."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "snakemake")


@cache
def commit() -> str:
    """The git commit of this code, with "-dirty" if files differ; "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def settings_hash(settings: Any) -> str:
    """16 hexadecimal digits that change when the settings (JSON values) do."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest(settings: Any, files: Iterable[str | Path]) -> str:
    """Hexadecimal digits that change when the settings (JSON values) or a file's content do."""
    found = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for file in files:
        with Path(file).open("rb") as opened:
            found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()


LARGEST = 2**30
"""Size in bytes up to which files are compared by content, as by Snakemake's profile."""


def content(path: str | Path) -> str:
    """The identity of a file, or of all files below a folder, in 16 hexadecimal digits.

    Up to `LARGEST` bytes it depends on names and content: a file that was touched, or moved with
    its folder, is the same. Above, it depends on names, sizes and times.
    """
    top = Path(path)
    inside = sorted(p for p in top.rglob("*") if p.is_file()) if top.is_dir() else [top]
    sizes = {file: file.stat() for file in inside}
    by_content = sum(stat.st_size for stat in sizes.values()) <= LARGEST
    found = hashlib.sha256()
    for file, stat in sizes.items():
        name, said = file.relative_to(top).as_posix(), f"{stat.st_size} {stat.st_mtime_ns}"
        if by_content:
            with suppress(OSError), file.open("rb") as opened:  # the job that reads it says why
                said = hashlib.file_digest(opened, "sha256").hexdigest()
        found.update(f"{name}\n{said}\n".encode())
    return found.hexdigest()[:16]


SAID = re.compile(rb"settings:([0-9a-f]{16})")
HEAD = 2**16
"""Bytes of a figure or a page in which `SAID` is searched for."""


def settings_in(path: str | Path) -> str | None:
    """Return the hash of its settings that a result records; None if it records none.

    Args:
        path: a table (Parquet), a figure (SVG) or a page (HTML).
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq  # few importers of this module need it

            metadata = pq.read_schema(path).metadata or {}
            said = json.loads(metadata.get(b"blindspots", b"{}"))["settings"]
            return said if isinstance(said, str) else None
        with path.open("rb") as opened:
            found = SAID.search(opened.read(HEAD))
    except Exception:  # any error of Arrow or JSON on an arbitrary or damaged file
        return None
    return found[1].decode() if found else None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
