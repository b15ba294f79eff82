"""Decorators by which a measurement declares its subject and its tables.

The workflow reads declarations from the source without importing it
(`blindspots.config.declarations`), so names of tables must be constants, and a need must be a
number or a lambda of plain arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

Subject = Literal["net", "experiment", "run"]
Need = float | Callable[[int, int, int, int], float]
"""A number, or ``lambda n, pixels, classes, chunk: …``."""
Rows = Callable[[int, Mapping[str, Any]], float]
"""``lambda images, settings: …``."""


def measurement(
    subject: Subject,
    *,
    tables: Sequence[str] = (),
    pictures: Sequence[str] = (),
    memory: Need = 4000,
    runtime: Need = 60,
    rows: Rows | None = None,
    gpu: bool = True,
    chance: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated function as a measurement.

    Args:
        subject: subject of a job: each net and seed, each experiment, or the whole run.
        tables: names of the tables that the function returns, by which analyses ask for them.
        pictures: names of further tables that it returns, whose column "image" is read as well.
        memory: memory of a job, in MB.
        runtime: time limit of a job, in minutes.
        rows: rows of its longest table over all its jobs, as a function of the number of images
            shown (images × nets × seeds, each 1 if it has none; for an experiment: attacked
            images × sources × radii × seeds) and of its settings: those of the config, the keys
            of the experiment, and defaults that the signature spells out as plain values, not as
            names. What reads the table is given memory and time for them, summed over its
            experiments. None: a short table.
        gpu: whether models are on the GPU if there is one; otherwise they are on the CPU.
        chance: whether the measurement supports stochastic nets (`blindspots.threat.chance`).
    """
    return lambda function: function
