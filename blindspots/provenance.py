"""Where a result came from: the commit, a hash of its settings, the versions of what it ran on."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "snakemake")


@cache
def commit() -> str:
    """The git commit of this code, "-dirty" where files differ; "unknown" outside git."""
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


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
