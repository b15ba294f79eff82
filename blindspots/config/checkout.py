"""Files of the checkout, which are next to the package: the workflow, its schemas, the papers."""

from __future__ import annotations

from pathlib import Path

from blindspots.interface import InputError
from blindspots.own_code import CHECKOUT


def located(file: str | Path) -> Path:
    """Return the path of a file that a config names: in the working directory or the checkout."""
    here, there = Path(file), CHECKOUT / file
    return there if not here.exists() and there.exists() else here


def workflow(name: str) -> Path:
    """Return the path of a file of the workflow.

    Raises:
        InputError: no such file, as the package alone lacks them.
    """
    path = CHECKOUT / name
    if not path.exists():
        raise InputError(
            f"{path}: expected the workflow's files next to the package, found none; install "
            "blindspots from a checkout by `make` or `pip install --editable`"
        )
    return path
