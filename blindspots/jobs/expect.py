"""Compare the clean error of a net whose weights are given with the error that its config expects.

A net whose error differs from the published one is seldom the published net. All of its results
then carry a warning; or the run ends, if the config requires the error.
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
        pa.field("printed", pa.string(), nullable=False),  # the same with its printed digits
        pa.field("low", pa.float64(), nullable=False),  # lower end of `accepted`
        pa.field("high", pa.float64(), nullable=False),
        pa.field("as_expected", pa.bool_(), nullable=False),
    ]
)
"""One row: the clean error of a network on the part that its config names."""

TIES = 0.02
"""Percentage points by which the error may differ between processors, by ties of two classes."""

CAUSES = "normalisation, channel order, crop and class order"
"""Usual causes of a difference from the published network."""


def expect(snakemake) -> None:
    """Write whether a net's clean error is as expected, and warn if it is not.

    Raises:
        InputError: a net that does not classify, a part without images; or another error although
            the expected one is required.
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
    printed = told["error"] if isinstance(told["error"], str) else f"{expected:g}"
    found = {
        "net": told["net"], "seed": told["seed"], "dataset": clean["dataset"].iloc[0],
        "part": told["part"], "n": n, "error": error, "expected": expected,
        "printed": printed, "low": low, "high": high, "as_expected": low <= error <= high,
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
    """Return the interval of clean errors, in percent, that are accepted as the expected one.

    A published error belongs to the very images that are shown here, so the published net has that
    error again; and a net that differs in its normalisation alone may err as little off as the
    published net would on other images. Without a tolerance the interval therefore covers only the
    rounding of the printed error, and one image or `TIES`, whichever is more.

    Args:
        error: the printed error in percent: 1.8 stands for 1.75 to 1.85, "1.80" for 1.795 to 1.805.
        n: number of images.
        tolerance: percentage points on either side; replaces rounding, image and `TIES`.
    """
    half = statistics.rounding(error) + max(TIES, 100 / n) if tolerance is None else tolerance
    half += 1e-9  # rounding of the difference in float64
    return Interval(float(error) - half, float(error) + half)


def _in_percent(expected: float) -> str:
    """Return a hint if the expected error may be a share instead of a percentage."""
    return f", and that {expected:g} is in percent" if 0 < expected < 1 else ""


def _by_chance(printed: float | str, found: float, n: int) -> str:
    """Return a hint if the found error is plausible on other images than the printed error's."""
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
    """Return the found and the expected error, in words, of each net whose two errors differ.

    Nets, attacks and datasets that are made from such a net have an entry too.

    Args:
        paths: paths of tables with schema `EXPECTED`.
        made_from: labels of the nets behind each net, attack or dataset, by its name.

    Returns:
        The words by name of the net, attack or dataset.
    """
    found: dict[str, str] = {}
    for path in paths:
        (row,) = tables.read(path).to_pylist()
        if not row["as_expected"]:
            said = f"clean error {row['error']:.4g}%, expected {row['printed']}%"
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
    """Return the settings of a table or a figure, with `flags` added to its nets' labels.

    Args:
        settings: settings of the method; unchanged if they have no `labels`.
        paths: paths for `flags`.
        made_from: mapping for `flags`.
        form: format string for a label and its flag.
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
        paths: paths for `flags`.
        made_from: mapping for `flags`.
    """
    found = flags(paths, made_from)
    labels = settings.get("labels", {net: net for net in found}) if found else {}
    return {label: found.get(net, "") for net, label in labels.items()}
