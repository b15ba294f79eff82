"""Isolation of labels and titles, so that their direction of writing affects no other text.

In a sentence, a label that is written from right to left, or that has a character that changes the
direction, would also reorder the figures and words around it (Unicode Standard Annex 9).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import pandas as pd

FIRST_STRONG, POP = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
TURNING = {"R", "AL", "AN", "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of characters that may reorder the text around them."""


def isolated(text: str) -> str:
    """Return text between marks that isolate it, if it needs them.

    Args:
        text: a label or a title from a config.
    """
    if not any(unicodedata.bidirectional(character) in TURNING for character in text):
        return text
    return FIRST_STRONG + text.replace(POP, "") + POP


def config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with its labels and titles isolated.

    Args:
        given: the config, checked.
    """
    keys = {"nets": "label", "tables": "title", "figures": "title"}
    return dict(given) | {
        section: {name: of | {key: isolated(of[key])} for name, of in given[section].items()}
        for section, key in keys.items()
    }


def summary(given: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its labels isolated.

    Args:
        given: a table with the schema of `analyses.kit`.
    """
    return given.assign(
        **{name: given[name].map(isolated) for name in ("row_label", "column_label")}
    )
