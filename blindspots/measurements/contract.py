"""Decorators by which a measurement declares its subject and its tables.

The workflow reads this from the source without importing it (`blindspots.config.declarations`), so
that the names of its tables are constants, and a need is a number or a lambda of plain arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

Subject = Literal["net", "experiment", "run"]
Need = float | Callable[[int, int, int, int], float]
"""A number, or ``lambda n, pixels, classes, chunk: …``."""


def measurement(
    subject: Subject,
    *,
    tables: Sequence[str] = (),
    pictures: Sequence[str] = (),
    memory: Need = 4000,
    runtime: Need = 60,
    gpu: bool = True,
    chance: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a measurement, by decorator.

    Args:
        subject: what one job is of: each net and seed, each experiment, or the run as a whole.
        tables: names of the tables that the function returns, by which analyses ask for them.
        pictures: names of its tables whose column "image" readers want as well.
        memory: of a job, in MB.
        runtime: of a job, in minutes.
        gpu: whether models are on the GPU where there is one; else on the CPU.
        chance: whether it takes nets that answer by chance (`blindspots.threat.chance`).
    """
    return lambda function: function
