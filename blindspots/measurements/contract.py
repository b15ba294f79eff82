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
    """Declare a function as a measurement, by a decorator.

    Args:
        subject: subject of a job: each net and seed, each experiment, or the run as a whole.
        tables: names of the tables that the function returns, by which analyses ask for them.
        pictures: names of its tables whose column "image" readers need, too.
        memory: memory of a job, in MB.
        runtime: time of a job, in minutes.
        gpu: whether models are on the GPU if there is one; otherwise on the CPU.
        chance: whether it supports stochastic nets (`blindspots.threat.chance`).
    """
    return lambda function: function
