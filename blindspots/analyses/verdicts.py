"""One line per claim of the paper: does it hold, by a rule and a margin fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._clean import NO_CLASSES
from blindspots.analyses._pairs import IMAGE, pairs, with_noise
from blindspots.analyses.attacked import sources
from blindspots.analyses.kit import NO_MEDIAN, NOT_FOOLED, cells, number, of_fewer
from blindspots.interface import InputError
from blindspots.limits import distinct, either, one_of_its, some
from blindspots.threat.outcomes import REJECTED, WRONG

HEADLINE = "verdict per row"
"""Part of the table that the report's first screen shows (`report.headlines`)."""


class Claim(TypedDict):
    """A claim, its measure, and the margin from which it holds."""

    claim: Annotated[str, some()]
    measure: Literal[
        "success",
        "largest distortion",
        "error beyond noise",
        "error beyond clean",
        "error by a control",
        "advantage of a victim",
    ]
    experiment: Annotated[str, one_of_its("experiments")]
    of: NotRequired[
        Annotated[
            str | float | None,
            one_of_its(
                {
                    "error by a control": "controls",
                    "advantage of a victim": "victims",
                    "error beyond clean": "amplify",
                },
                "measure",
            ),
        ]
    ]
    at_least: NotRequired[float]
    at_most: NotRequired[float]
    weakly: float


Evidence = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
"""Answers to attacked images, answers to unaltered ones, transfer radii, of one experiment."""


def verdicts(
    transfer: pd.DataFrame,
    clean: pd.DataFrame,
    radii: pd.DataFrame,
    *,
    claims: Annotated[
        Sequence[Annotated[Claim, either("at_least", "at_most")]], some(), distinct("claim")
    ],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Judge claims.

    A claim names a measure, an experiment, and a margin: `at_least` or `at_most`, and `weakly`
    beyond that. With the measure's 95% interval on the right side of the margin the claim holds;
    on the right side of the weaker one alone, it holds weakly; wholly on the wrong side of that, it
    does not hold; else nobody can tell. The interval is Student's over the networks of several
    seeds, over the images of one: then the verdict is on these networks alone. Where an experiment
    has rejected answers, which are no errors, their share is told beside.

    Args:
        transfer: with schema `measurements.transfer.TRANSFER`, of all experiments that the
            claims name.
        clean: with schema `threat.answers.CLEAN`.
        radii: with schema `measurements.sweep.RADII`.
        claims: what is claimed of its experiments: `claim` (what is said), `measure` (a key of
            `MEASURES`), `experiment`, the margins, and `of`, what the measure needs to know.
        labels: not used.

    Raises:
        InputError: a claim with an unknown measure or experiment.
    """
    del labels
    rows = []
    for claim in claims:
        at = transfer[transfer["experiment"] == claim["experiment"]]
        if claim["measure"] not in MEASURES or at.empty:
            raise InputError(
                f"config: claims: expected one of {', '.join(MEASURES)} of an experiment of the "
                f"table, found {claim['measure']!r} of {claim['experiment']!r}"
            )
        seen = radii[radii["experiment"] == claim["experiment"]]
        measure, unit = MEASURES[claim["measure"]]
        rows += _cells(claim, measure((at, clean, seen), claim.get("of")), unit)
        if (rejected := at["outcome"] == REJECTED).any():
            rows.append(
                _cell(claim, "rejected", "answers rejected", "%", value=100 * rejected.mean())
            )
    return cells(pd.DataFrame(rows), {}, None)


def _cell(claim: Claim, column: str, label: str, unit: str = "", **shown: Any) -> dict[str, Any]:
    named = {"row": claim["claim"], "row_label": claim["claim"], "n": 0, "networks": 1}
    return named | {"column": column, "column_label": label, "unit": unit} | shown


def _cells(claim: Claim, images: pd.DataFrame, unit: str) -> list[dict[str, Any]]:
    every = images.groupby(IMAGE)["value"].mean()
    per_image = every.dropna()
    values, kind = per_image.groupby("seed").mean(), "student"
    networks = len(values)
    if networks == 1:
        values, kind = per_image, "images"
    value, text, reason = float(values.mean()), None, "nothing was measured"
    endless = np.isinf(value)
    interval = statistics.NONE if endless else statistics.student(values.to_numpy())
    if endless:
        value, text, reason = np.nan, NOT_FOOLED, NO_MEDIAN
    elif 0 < len(per_image) < len(every):
        text = number(value, unit) + of_fewer(len(per_image), len(every))
    sign = 1 if "at_least" in claim else -1
    margin, weak = claim["at_least" if sign > 0 else "at_most"], claim["weakly"]
    verdict = judged(statistics.Interval(*sorted(sign * np.array(interval))), sign * margin,
                     sign * weak)  # fmt: skip
    rule = f"{'at least' if sign > 0 else 'at most'} {margin:g}, weakly {weak:g}"
    counted = {"n": len(per_image) // max(networks, 1), "networks": networks}
    return [
        cell | counted
        for cell in (
            _cell(claim, "verdict", "verdict", text=verdict),
            _cell(
                claim, "value", "measured", unit, value=value, low=interval.low,
                high=interval.high, interval=kind, text=text, reason=reason,
            ),
            _cell(claim, "rule", "holds", text=rule),
            _cell(claim, "measure", "measure", text=f"{claim['measure']}, {claim['experiment']}"),
        )
    ]  # fmt: skip


def judged(interval: statistics.Interval, margin: float, weak: float) -> str:
    """A verdict on a measure that should be large.

    Args:
        interval: of the measure.
        margin: that it must exceed.
        weak: a smaller one.
    """
    if np.isnan(interval.low):
        return "cannot tell"
    if interval.low >= margin:
        return "holds"
    if interval.low >= weak:
        return "holds weakly"
    return "does not hold" if interval.high < weak else "cannot tell"


def _success(evidence: Evidence, of: Any) -> pd.DataFrame:
    """Share of attacked images whose attack succeeded, in percent."""
    rows = _attacked(evidence[0])
    return rows.assign(value=100.0 * rows["fooled"])


def _distortion(evidence: Evidence, of: Any) -> pd.DataFrame:
    """Distortion of the attacked images of the net with the largest mean.

    Infinite where the attack failed on more than half of a net's images, none where it failed.
    """
    rows = _attacked(evidence[0])
    rows = rows.assign(value=rows["distortion"].where(rows["fooled"]))
    by = rows.groupby("source")
    endless = by["fooled"].transform("mean") < 0.5
    if endless.any():
        return rows[endless].assign(value=np.inf)
    means = by["value"].transform("mean")
    return rows[means == means.max()]


def _attacked(transfer: pd.DataFrame) -> pd.DataFrame:
    """The attacked images as `attacked.sources` has them, not those of controls or amplified."""
    return sources(transfer[transfer["source"].notna() & transfer["amplified_to"].isna()])


def _beyond_noise(evidence: Evidence, of: Any) -> pd.DataFrame:
    """Victims' error on others' images beyond that by noise as long, in points."""
    transfer, clean, radii = evidence
    rows = with_noise(pairs(transfer, clean), radii)
    rows = rows[rows["perturbed"]]
    return rows.assign(value=100 * (rows["attacked"] - rows["noise"]))


def _beyond_clean(evidence: Evidence, of: Any) -> pd.DataFrame:
    """Victims' error on others' images beyond their clean error, in points; `of`: amplified to."""
    transfer, clean, _ = evidence
    if of is not None:
        transfer = transfer[transfer["amplified_to"] == of].assign(amplified_to=np.nan)
    rows = pairs(transfer, clean)
    return rows.assign(value=rows["excess"])


def _control(evidence: Evidence, of: Any) -> pd.DataFrame:
    """Victims' error on the images of a control, `of`, beyond their clean error, in points."""
    transfer, clean, _ = evidence
    rows = transfer[(transfer["attack"] == of) & (transfer["seed"] == transfer["victim_seed"])]
    known = clean[clean["status"] != NO_CLASSES]
    known = known.rename(columns={"net": "victim", "outcome": "unaltered"})
    rows = rows.merge(known[["victim", *IMAGE, "unaltered"]], on=["victim", *IMAGE])
    wrong, before = (rows[outcome] == WRONG for outcome in ("outcome", "unaltered"))
    return rows.assign(value=100.0 * (wrong.astype(int) - before.astype(int)))


def _advantage(evidence: Evidence, of: Any) -> pd.DataFrame:
    """Excess error of the other victims minus that of the net `of`, in points."""
    rows = _beyond_clean(evidence, None)
    keys = ["source", *IMAGE]
    own = rows[rows["victim"] == of].set_index(keys)["value"]
    others = rows[rows["victim"] != of].groupby(keys)["value"].mean()
    return (others - own).dropna().rename("value").reset_index()


MEASURES: dict[str, tuple[Callable[[Evidence, Any], pd.DataFrame], str]] = {
    "success": (_success, "%"),
    "largest distortion": (_distortion, "RMS per pixel"),
    "error beyond noise": (_beyond_noise, "points"),
    "error beyond clean": (_beyond_clean, "points"),
    "error by a control": (_control, "points"),
    "advantage of a victim": (_advantage, "points"),
}
"""Per image (`seed`, `file`, `index`) a value, whose mean is the measure; and its unit."""
