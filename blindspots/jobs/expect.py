"""The clean error of a net whose weights are given, against the one that its config expects.

A net that errs more or less often than was published of it is seldom the net that it is taken for.
All that is shown of it then says so; or the run ends, where the config requires the error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from blindspots import statistics
from blindspots.analyses.kit import rates
from blindspots.files import splits, tables
from blindspots.interface import InputError, Status
from blindspots.jobs.job import provenance, warn
from blindspots.statistics import Interval
from blindspots.threat.outcomes import WRONG

EXPECTED = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),  # images of the part
        pa.field("error", pa.float64(), nullable=False),  # found, in percent
        pa.field("expected", pa.float64(), nullable=False),  # in percent
        pa.field("low", pa.float64(), nullable=False),  # what is taken for it, see `accepted`
        pa.field("high", pa.float64(), nullable=False),
        pa.field("as_expected", pa.bool_(), nullable=False),
    ]
)
"""One row: the clean error of a network on the part that its config names."""

TIES = 0.02
"""Percentage points that other processors may make of answers between two classes."""

CAUSES = "normalisation, channel order, crop and class order"
"""Usual causes of a difference from the published network."""


def expect(snakemake) -> None:
    """Write whether a net errs as often as expected; a line says where it does not.

    Raises:
        InputError: a net that does not classify, a part without images; another error, where the
            expected one is required.
    """
    told = snakemake.params.expected
    where = f"config: nets.{told['net']}.expect"
    clean = tables.read(snakemake.input.clean).to_pandas()
    if (clean["status"] == Status.UNSUPPORTED.name).all():
        raise InputError(f"{where}: expected a net that classifies, found another; remove it")
    keys = ["file", "index"]
    rows = splits.rows_of(tables.read(snakemake.input.split), told["part"]).to_pandas()
    answers = clean.merge(rows[keys], on=keys)
    if answers.empty:
        raise InputError(
            f"{where}.part: expected a part with images, found {told['part']!r} without any; "
            "enlarge it under splits"
        )
    n, error = len(answers), 100 * float(rates(answers, WRONG).mean())
    low, high = accepted(told["error"], n, told["tolerance"])
    expected = float(told["error"])
    found = {
        "net": told["net"], "seed": told["seed"], "dataset": clean["dataset"].iloc[0],
        "part": told["part"], "n": n, "error": error, "expected": expected,
        "low": low, "high": high, "as_expected": low <= error <= high,
    }  # fmt: skip
    if not found["as_expected"]:
        said = (
            f"{where}: expected a clean error of {told['error']}% on the {n} images of part "
            f"{told['part']}, found {error:.4g}%; check {CAUSES}"
            f"{_in_percent(expected)}{_by_chance(told['error'], error, n)}"
        )
        if told["required"]:
            raise InputError(said)
        warn(f"{said}; the run goes on")
    tables.write(snakemake.output[0], tables.build(found, EXPECTED), provenance(snakemake))


def accepted(error: float | str, n: int, tolerance: float | None = None) -> Interval:
    """The clean errors that are taken for an expected one, in percent.

    A published figure is of the very images that are shown here, on which the published net has
    that error again, and nets that differ in their normalisation alone may come as near as other
    images would. So without a tolerance only its rounding is left open, and one image or `TIES`.

    Args:
        error: as printed, in percent: 1.8 stands for 1.75 to 1.85, "1.80" for 1.795 to 1.805.
        n: images.
        tolerance: percentage points on either side, instead.
    """
    half = statistics.rounding(error) + max(TIES, 100 / n) if tolerance is None else tolerance
    half += 1e-9  # of the difference, in float64
    return Interval(float(error) - half, float(error) + half)


def _in_percent(expected: float) -> str:
    """A hint where a share may have been written for a percentage."""
    return f", and that {expected:g} is in percent" if 0 < expected < 1 else ""


def _by_chance(printed: float | str, found: float, n: int) -> str:
    """A hint where other images than those of the figure might show the error that was found."""
    half, expected = statistics.rounding(printed), float(printed)
    ends = max(0.0, expected - half) / 100, min(100.0, expected + half) / 100
    low, high = statistics.rates_seen(*ends, n)
    if not low <= found / 100 <= high:
        return ""
    return (
        f"; {n} other images than those of the figure may show {100 * low:.4g}% to "
        f"{100 * high:.4g}%: if these are others, set tolerance"
    )


def flags(
    paths: Sequence[str | Path], made_from: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, str]:
    """Nets that do not err as expected, and what is made from them, by name: both errors, in words.

    Args:
        paths: of tables with `EXPECTED`.
        made_from: by name of a net, an attack or a dataset the nets behind it, with their labels.
    """
    found: dict[str, str] = {}
    for path in paths:
        (row,) = tables.read(path).to_pylist()
        if not row["as_expected"]:
            said = f"clean error {row['error']:.4g}%, expected {row['expected']:g}%"
            found.setdefault(row["net"], said)
    all_said = {}
    for name, nets in (made_from or {}).items():
        own = [found[name]] if name in found else []
        theirs = [f"made from {nets[net]}: {found[net]}" for net in nets if net in found]
        all_said[name] = "; ".join(own + theirs)
    return found | {name: said for name, said in all_said.items() if said}


def labelled(
    settings: Mapping[str, Any],
    paths: Sequence[str | Path],
    made_from: Mapping[str, Mapping[str, str]] | None = None,
    form: str = "{} ({})",
) -> dict[str, Any]:
    """Settings of a table or a figure, in whose labels of nets `flags` are.

    Args:
        settings: of the method; those without `labels` stay as they are.
        paths: as for `flags`.
        made_from: as for `flags`.
        form: of a label and what is said beside it.
    """
    found, labels = flags(paths, made_from), settings.get("labels", {})
    told = {net: form.format(labels[net], said) for net, said in found.items() if net in labels}
    return dict(settings) | ({"labels": labels | told} if told else {})


def doubts(
    settings: Mapping[str, Any],
    paths: Sequence[str | Path],
    made_from: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, str]:
    """Return the `flags` of a table's nets by label, "" for a net without; {} if no net has any.

    Args:
        settings: settings of the method, with the labels of `labelled`.
        paths: as for `flags`.
        made_from: as for `flags`.
    """
    found = flags(paths, made_from)
    labels = settings.get("labels", {net: net for net in found}) if found else {}
    return {label: found.get(net, "") for net, label in labels.items()}
