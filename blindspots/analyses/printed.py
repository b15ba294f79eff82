"""The figures that Szegedy et al. 2013 print (arXiv 1312.6199), in Tables 1 to 5 and section 4.2.

Rows and columns have the names that config.yaml gives to nets and controls, those of the text of
section 4.2 the names in presets/adversarial.yaml. Errors in percent, distortions as RMS per pixel.
A noise row's distortion is its standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Printed = Literal["table1", "table2", "table3", "table4", "table5", "adversarial"]
"""The tables of the paper."""

Figures = dict[tuple[str, str], float]


def _table(columns: Sequence[str], rows: dict[str, Sequence[float]]) -> Figures:
    return {
        (row, column): figure
        for row, figures in rows.items()
        for column, figure in zip(columns, figures, strict=True)
    }


MODELS = ("FC10-1e-4", "FC10-1e-2", "FC10-1", "FC100-100-10", "FC200-200-10", "AE400-10")
HALVES = ("FC100-100-10-P1", "FC123-456-10-P1", "FC100-100-10-P2")

TABLES: dict[str, Figures] = {
    "table1": _table(
        ("train", "test", "distortion"),
        {
            "FC10-1e-4": (6.7, 7.4, 0.062),
            "FC10-1e-2": (10, 9.4, 0.1),
            "FC10-1": (21.2, 20, 0.14),
            "FC100-100-10": (0, 1.64, 0.058),
            "FC200-200-10": (0, 1.54, 0.065),
            "AE400-10": (0.57, 1.9, 0.086),
        },
    ),
    "table2": _table(
        (*MODELS, "distortion"),
        {
            "FC10-1e-4": (100, 11.7, 22.7, 2, 3.9, 2.7, 0.062),
            "FC10-1e-2": (87.1, 100, 35.2, 35.9, 27.3, 9.8, 0.1),
            "FC10-1": (71.9, 76.2, 100, 48.1, 47, 34.4, 0.14),
            "FC100-100-10": (28.9, 13.7, 21.1, 100, 6.6, 2, 0.058),
            "FC200-200-10": (38.2, 14, 23.8, 20.3, 100, 2.7, 0.065),
            "AE400-10": (23.4, 16, 24.8, 9.4, 6.6, 100, 0.086),
            "gaussian-0.1": (5.0, 10.1, 18.3, 0, 0, 0.8, 0.1),
            "gaussian-0.3": (15.6, 11.3, 22.7, 5, 4.3, 3.1, 0.3),
        },
    ),
    "table3": _table(
        ("P1", "P2", "test", "distortion"),
        {
            "FC100-100-10-P1": (0, 2.4, 2, 0.062),
            "FC123-456-10-P1": (0, 2.5, 2.1, 0.059),
            "FC100-100-10-P2": (2.3, 0, 2.1, 0.058),
        },
    ),
    "table5": _table(
        ("upper",),
        {
            "1": (2.75,),
            "2": (10,),
            "3": (7,),
            "4": (7.5,),
            "5": (11,),
            "6": (3.12,),
            "7": (4,),
            "8": (4,),
        },
    ),
    "table4": _table(
        (*HALVES, "distortion"),
        {
            "FC100-100-10-P1": (100, 26.2, 5.9, 0.062),
            "FC123-456-10-P1": (6.25, 100, 5.1, 0.059),
            "FC100-100-10-P2": (8.2, 8.2, 100, 0.058),
            "gaussian-0.06": (2.2, 2.6, 2.4, 0.06),
            "FC100-100-10-P1 amplified to 0.1": (100, 98, 43, 0.1),
            "FC123-456-10-P1 amplified to 0.1": (96, 100, 22, 0.1),
            "FC100-100-10-P2 amplified to 0.1": (27, 50, 100, 0.1),
            "gaussian-0.1": (2.6, 2.8, 2.7, 0.1),
        },
    ),
    # In the text, without a table: below 1.2, 1.6, and around 1.3.
    "adversarial": _table(("test",), {"decay": (1.6,), "dropout": (1.3,), "layers": (1.2,)}),
}
