"""Tables of experiments with several attacks or radii: each threat by itself, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from blindspots.analyses.kit import Figures, beside, completed

Analysis = TypeVar("Analysis", bound=Callable[..., pd.DataFrame])


class Threat(NamedTuple):
    """An attack, at one radius where it has any.

    Attributes:
        attack: its name in the config.
        eps: the radius; NaN: it has none.
    """

    attack: str
    eps: float

    def __str__(self) -> str:
        """Name in tables and figures."""
        return self.attack if pd.isna(self.eps) else f"{self.attack} at eps {self.eps:g}"


def across(analysis: Analysis) -> Analysis:
    """Declare an analysis that takes all threats together; others are called for each by itself."""
    analysis.across = True  # type: ignore[attr-defined]
    return analysis


def summarised(
    analysis: Callable[..., pd.DataFrame],
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    where: str,
    *,
    several: bool,
    figures: Figures | None = None,
) -> pd.DataFrame:
    """Run an analysis; on tables of several threats, once for each, and join the rows.

    Args:
        analysis: tables to a table of cells (`kit.SCHEMA`).
        frames: the tables that it reads, by name.
        settings: of the analysis.
        where: the table and its method, as messages name them.
        several: whether their one experiment has several threats.
        figures: that a paper prints, to be set beside ours.

    Raises:
        InputError: as `kit.completed`.
    """
    known = present(frames) if several else []
    if len(known) < 2 or getattr(analysis, "across", False):
        return beside(completed(analysis(**frames, **settings), where), figures or {})
    parts = []
    for threat in known:
        part = completed(analysis(**only(threat, frames), **settings), where)
        part = beside(part, figures or {})
        rows = {
            "row": f"{threat}/" + part["row"],
            "row_label": f"{threat}: " + part["row_label"],
        }
        parts.append(part.assign(**rows))
    return pd.concat(parts, ignore_index=True)


def of_one(
    frames: Mapping[str, pd.DataFrame], *, several: bool
) -> tuple[dict[str, pd.DataFrame], str]:
    """For a figure that shows one threat: the tables of the first attack at its largest radius.

    Returns:
        The tables, and what to say of the choice: nothing where there was none.
    """
    known = present(frames) if several else []
    if len(known) < 2:
        return dict(frames), ""
    same = [threat for threat in known if threat.attack == known[0].attack]
    chosen = max(same, key=lambda threat: threat.eps)
    return only(chosen, frames), f"Of {chosen}, one of {len(known)}."


def present(frames: Mapping[str, pd.DataFrame]) -> list[Threat]:
    """The attacks and radii that tables have rows of, in their order; controls are none."""
    for name in ("attacks", "transfer", "radii", "pictures"):
        if name in frames:
            rows = _chosen(frames[name])
            return [Threat(*pair) for pair in rows[["attack", "eps"]].drop_duplicates().values]
    return []


def only(threat: Threat, frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows of tables that are of a threat, or of none, such as those of controls."""
    return {name: _only(threat, frame) for name, frame in frames.items()}


def _only(threat: Threat, frame: pd.DataFrame) -> pd.DataFrame:
    if "direction" in frame:  # curves, whose directions are named after threats
        return frame[frame["source"].isna() | (frame["direction"] == str(threat))]
    if "attack" not in frame or "eps" not in frame:
        return frame
    same_eps = frame["eps"].isna() if pd.isna(threat.eps) else frame["eps"] == threat.eps
    own = (frame["attack"] == threat.attack) & same_eps
    return frame[own | frame["source"].isna()] if "source" in frame else frame[own]


def _chosen(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["source"].notna()] if "source" in frame else frame
