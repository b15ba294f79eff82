"""Tables of experiments with several attacks or radii, one threat at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from blindspots.analyses.kit import Figures, beside, completed
from blindspots.files.parts import Frame, Parts, parted

Analysis = TypeVar("Analysis", bound=Callable[..., pd.DataFrame])


THREAT = ("source", "attack", "eps")
"""Columns that identify the threat of a row; controls have no source."""


class Threat(NamedTuple):
    """An attack, at one radius if it has any.

    Attributes:
        attack: name in the config.
        eps: radius; NaN: the attack has none.
    """

    attack: str
    eps: float

    def __str__(self) -> str:
        """Name in tables and figures."""
        return self.attack if pd.isna(self.eps) else f"{self.attack} at eps {self.eps:g}"


def across(analysis: Analysis) -> Analysis:
    """Declare an analysis that takes all threats together; others are called once per threat."""
    analysis.across = True  # type: ignore[attr-defined]
    return analysis


def summarised(
    analysis: Callable[..., pd.DataFrame],
    frames: Mapping[str, Frame],
    settings: Mapping[str, Any],
    where: str,
    *,
    several: bool,
    figures: Figures | None = None,
) -> pd.DataFrame:
    """Run an analysis, once per threat if the tables have several, and join the rows.

    Args:
        analysis: function from tables to a table of cells (`kit.SCHEMA`).
        frames: tables that the analysis reads, by name.
        settings: settings of the analysis.
        where: name of the table and its method, for messages.
        several: whether the tables' one experiment has several threats.
        figures: printed figures of a paper, to show next to ours.

    Raises:
        InputError: a result that `kit.completed` rejects.
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


def of_one(frames: Mapping[str, Frame], *, several: bool) -> tuple[dict[str, Frame], str]:
    """Return the tables of the first attack at its largest radius, for a figure of one threat.

    Returns:
        The tables, and a sentence on the choice; empty if there was only one threat.
    """
    known = present(frames) if several else []
    if len(known) < 2:
        return dict(frames), ""
    same = [threat for threat in known if threat.attack == known[0].attack]
    chosen = max(same, key=lambda threat: threat.eps)
    return only(chosen, frames), f"Shown for {chosen}, one of {len(known)} threats."


def present(frames: Mapping[str, Frame]) -> list[Threat]:
    """Attacks and radii that occur in tables, in order of appearance, without controls."""
    for name in ("attacks", "transfer", "radii", "pictures"):
        if name in frames:
            of = [column for column in THREAT if column in frames[name].columns]
            rows = _chosen(parted(frames[name]).distinct(of))
            return [Threat(*pair) for pair in rows[["attack", "eps"]].drop_duplicates().values]
    return []


def only(threat: Threat, frames: Mapping[str, Frame]) -> dict[str, Frame]:
    """Return the rows of tables that belong to a threat, or to none, like those of controls."""
    return {name: _only(threat, frame) for name, frame in frames.items()}


def _only(threat: Threat, frame: Frame) -> Frame:
    def own(rows: pd.DataFrame) -> pd.Series:
        if "direction" in rows:  # curves, whose directions are named after threats
            return rows["source"].isna() | (rows["direction"] == str(threat))
        same_eps = rows["eps"].isna() if pd.isna(threat.eps) else rows["eps"] == threat.eps
        its = (rows["attack"] == threat.attack) & same_eps
        return its | rows["source"].isna() if "source" in rows else its

    if "direction" not in frame.columns and not {"attack", "eps"} <= {*frame.columns}:
        return frame
    if isinstance(frame, Parts):
        return frame.where([name for name in (*THREAT, "direction") if name in frame.columns], own)
    return frame[own(frame)]


def _chosen(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["source"].notna()] if "source" in frame else frame
