"""Write the API pages into docs/api, which git ignores: ``make api``."""

from __future__ import annotations

import warnings
from pathlib import Path

from blindspots.config import methods

ROLES = ("attacks", "certificates", "datasets", "models", "trainers")
OTHERS = (
    "analyses.lipschitz",
    *(f"bounds.{name}" for name in ("graph", "linear", "networks", "operators", "slopes")),
    "files.tables",
    "interface",
    *(
        f"measurements.units.{name}"
        for name in ("directions", "experiment", "measures", "settings")
    ),
)
KITS = (
    "analyses.contract", "analyses.kit", "certificates.contract", "families", "files.images",
    "files.parts", "limits", "measurements.contract", "threat.chance", "trainers.loop",
    "trainers.recipe",
)  # fmt: skip
"""Modules of which the documents name single functions, for methods of one's own."""


def modules() -> list[str]:
    """The modules that are meant for others: each role's package and methods, and some more."""
    of_roles = [f"{role}.{name}" for role in ROLES for name in methods.names(role)]
    return [f"blindspots.{name}" for name in (*ROLES, *of_roles, *OTHERS)]


def write(folder: Path) -> None:
    """Write a page for each module and each of `KITS`, and their index."""
    import pdoc

    pdoc.render.configure(docformat="google", footer_text="blindspots")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that only type checkers import, shown as written
        kits = (f"blindspots.{name}" for name in KITS)
        pdoc.pdoc(*modules(), *kits, r"!blindspots\..*\._", output_directory=folder)


if __name__ == "__main__":
    write(Path(__file__).with_name("api"))
