"""Labels and titles that keep their direction of writing to themselves.

In a sentence a label that is written from right to left, or holds a character that turns the
direction, would turn figures and words beside it as well (Unicode Standard Annex 9).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import pandas as pd

FIRST_STRONG, POP = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
TURNING = {"R", "AL", "AN", "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of characters that may turn what is beside them."""


def isolated(text: str) -> str:
    """Text between marks that isolate it, where it needs them.

    Args:
        text: from a config.
    """
    if not any(unicodedata.bidirectional(character) in TURNING for character in text):
        return text
    return FIRST_STRONG + text.replace(POP, "") + POP


def config(given: Mapping[str, Any]) -> dict[str, Any]:
    """A config whose labels and titles are isolated.

    Args:
        given: checked.
    """
    keys = {"nets": "label", "tables": "title", "figures": "title"}
    return dict(given) | {
        section: {name: of | {key: isolated(of[key])} for name, of in given[section].items()}
        for section, key in keys.items()
    }


def summary(given: pd.DataFrame) -> pd.DataFrame:
    """A table whose labels are isolated.

    Args:
        given: with the schema of `analyses.kit`.
    """
    return given.assign(
        **{name: given[name].map(isolated) for name in ("row_label", "column_label")}
    )
