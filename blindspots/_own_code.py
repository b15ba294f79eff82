"""Errors in code of a user's own: which line raised them."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

OURS = tuple(Path(__file__).parents[1] / name for name in ("blindspots", "scripts"))


def own_line(error: BaseException) -> str | None:
    """File and line of the innermost call in code that is neither the project's nor installed.

    Args:
        error: as caught.

    Returns:
        Such as "/home/me/my_nets.py, line 12"; None where no such code took part.
    """
    others = (*OURS, Path(sys.prefix), Path(sys.base_prefix))
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        installed = any(path.is_relative_to(folder) for folder in others)
        # Snakemake runs copies of our scripts from its own folder.
        if path.is_file() and not installed and ".snakemake" not in path.parts:
            return f"{path}, line {frame.lineno}"
    return None
