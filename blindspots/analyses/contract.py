"""Decorator by which an analysis declares what it needs of the measurement that it reads.

The workflow reads it from the source without importing it (`blindspots.config.declarations`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Analysis = TypeVar("Analysis", bound=Callable[..., Any])
Least = Callable[[Mapping[str, Any], Mapping[str, Any]], float]
"""``lambda measured, table: …`` in plain arithmetic, with constants, ``len``, ``min`` and ``max``.

Both are mappings of settings, defaults included: of the measurement's entry in the config, with its
`nets` and `parents`, and of the table's.
"""


def needs(remedy: str, **least: Least) -> Callable[[Analysis], Analysis]:
    """Declare the least values of settings of the measurement that an analysis reads.

    Args:
        remedy: reason and remedy, which end the message about a value that is too small.
        least: smallest allowed value by setting; 0: any.
    """
    return lambda analysis: analysis
