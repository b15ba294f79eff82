"""Table, page and pictures from the rows of comparisons.

python -m benchmarks.report DOCS OUT … writes the page of the comparisons in the folders OUT.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.methods import METHODS

MAIN = "FC100-100-10"
"""The net on which all methods run; the others get those that run everywhere."""

GOALS = {"targeted": "random targets", "any": "any wrong class"}


def summary(images: pd.DataFrame) -> pd.DataFrame:
    """A row per net, goal and method.

    Excess is over the smallest L2 that any method found for the image; a failure is infinite. The
    front holds the methods than which none is both faster and closer, or fails less.
    """
    images = images.copy()
    images["best"] = images.groupby(["net", "goal", "image"])["l2"].transform("min")
    images["excess"] = 100 * (images["l2"] / images["best"] - 1)
    images["failed"] = ~np.isfinite(images["l2"])
    images["reached"] = images["l2"].where(~images["failed"])
    images["excess_reached"] = images["excess"].where(~images["failed"])
    keys = ["net", "goal", "method", "family"]
    groups = images.groupby(keys, sort=False)
    table = groups.agg(
        images=("image", "size"),
        failures=("failed", "sum"),
        mean_l2=("reached", "mean"),
        median_l2=("l2", "median"),
        excess=("excess", "mean"),
        excess_reached=("excess_reached", "mean"),
        worst=("excess_reached", "max"),
        seconds=("seconds", "first"),
        attacked=("images", "first"),
        forwards=("forwards", "first"),
        backwards=("backwards", "first"),
        bare=("bare", "first"),
        peak=("peak", "first"),
    ).reset_index()
    table["overhead"] = table["seconds"] / (table["backwards"] * table["attacked"] * table["bare"])
    table["front"] = False
    for _, group in table.groupby(["net", "goal"]):
        for i, row in group.iterrows():
            others = group[(group["seconds"] <= row["seconds"]) & (group.index != i)]
            fewer = others["failures"] < row["failures"]
            equal = others["failures"] == row["failures"]
            closer = others["excess_reached"] <= row["excess_reached"]
            table.loc[i, "front"] = not (fewer | (equal & closer)).any()
    table.loc[table["method"] == "exact", "front"] = False
    return table


def text(table: pd.DataFrame) -> str:
    """The table, for a terminal."""
    columns = "net goal method failures mean_l2 excess excess_reached worst seconds backwards"
    shown = table[[*columns.split(), "overhead", "peak", "front"]]
    with pd.option_context("display.width", 220, "display.max_rows", None):
        return shown.round(4).to_string(index=False)


def ratios(table: pd.DataFrame, main: str) -> list[str]:
    """Results of the comparison, in sentences."""
    at = table[(table["net"] == main) & (table["goal"] == "targeted")].set_index("method")
    lines = []
    if {"lbfgs", "SciPy L-BFGS-B"} <= set(at.index):
        ours, scipy = at.loc["lbfgs"], at.loc["SciPy L-BFGS-B"]
        faster = scipy["seconds"] / ours["seconds"]
        lines.append(
            f"`lbfgs` against SciPy's L-BFGS-B with one process per core: mean L2 "
            f"{ours['mean_l2'] / scipy['mean_l2']:.4f}× in 1/{faster:.0f} of its time, "
            f"{ours['backwards']:.0f} gradients an image against {scipy['backwards']:.0f}."
        )
        lines.append(
            f"`lbfgs` takes {ours['overhead']:.1f}× the time of its gradients at their bare cost."
        )
    if {"closest", "DDN 100"} <= set(at.index):
        lines.append(
            f"`closest` takes {at.loc['closest', 'seconds'] / at.loc['DDN 100', 'seconds']:.2f}× "
            "the time of DDN with 100 steps."
        )
    for (net, goal), group in table.groupby(["net", "goal"], sort=False):
        group = group.set_index("method")
        if "exact" in group.index and "closest" in group.index:
            lines.append(
                f"{net}, {GOALS[goal]}: `closest` is at most {group.loc['closest', 'worst']:.4f}% "
                "above the exact answer on any image."
            )
    return lines


def write(
    docs: Path, table: pd.DataFrame, images: pd.DataFrame, scaling: pd.DataFrame | None, main: str
) -> None:
    """Write BENCHMARK.md and its pictures."""
    parts = [
        "# Attacks compared",
        "Written by `make bench` from its tables (`python -m benchmarks.report`); do not edit. "
        "Each section is one run: its methods attack the same net, images and targets, each in a "
        "process of its own; seconds are the least of up to five repeats. Excess is the mean of "
        "L2 over the smallest that any method of the section found for the image, in brackets over "
        "the successes only where some images failed. Images that need no perturbation are left "
        "out. Overhead is the time over that of as many bare gradients at the best batch size. A "
        "star marks the Pareto front: none is both faster and closer (or fails on fewer images). "
        "FC and LeNet are trained by `presets/benchmark.yaml`; wong_kolter and eran are networks "
        "that others trained, compared where `BLINDSPOTS_DATA` has them in `models/`.",
        "\n".join(f"* {line}" for line in ratios(table, main)),
    ]
    for (net, goal), group in table.groupby(["net", "goal"], sort=False):
        parts.append(f"## {net}, {GOALS[goal]}, {group['images'].max()} images")
        if net == main:
            picture(docs / f"benchmark-{goal}.svg", group, images, net, goal)
            parts.append(f"![{net}, {GOALS[goal]}](benchmark-{goal}.svg)")
        parts.append(markdown(group))
        left_out = [
            name
            for name, method in METHODS.items()
            if name not in set(group["method"]) and (method.targeted or goal == "any")
        ]
        if net == main and left_out:
            parts.append(f"Not in this run: {', '.join(left_out)}.")
    if scaling is not None:
        parts += ["## Cost and number of images", scaling_table(scaling, main)]
    (docs / "BENCHMARK.md").write_text("\n\n".join(parts) + "\n", "utf-8")


def markdown(group: pd.DataFrame) -> str:
    """The rows of one net and goal, nearest first."""
    lines = [
        "| method | excess | failures | mean L2 | seconds | gradients | overhead | peak MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    order = group.sort_values(["excess", "excess_reached"])
    for _, row in order.iterrows():
        star = " ★" if row["front"] else ""
        failed = row["failures"] > 0
        excess = f"({row['excess_reached']:.3f}%)" if failed else f"{row['excess']:.3f}%"
        cells = [f"{row['method']}{star}", excess, f"{row['failures']}", f"{row['mean_l2']:.4f}"]
        if np.isfinite(row["seconds"]):
            cells += [f"{row['seconds']:.2f}", f"{row['backwards']:.0f}", f"{row['overhead']:.1f}"]
            cells += [f"{row['peak']:.0f}" if row["peak"] > 0 else ""]
        else:
            cells += [""] * 4
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def scaling_table(scaling: pd.DataFrame, main: str) -> str:
    """Time per image, and peak memory of the process, by the number of images."""
    lines = [f"On {main}, training images, random targets.", ""]
    lines += ["| method | images | µs an image | peak MiB of the process |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {r['method']} | {r['images']} | {r['microseconds']:.0f} | {r['peak']:.0f} |"
        for _, r in scaling.iterrows()
    ]
    return "\n".join(lines)


def picture(path: Path, group: pd.DataFrame, images: pd.DataFrame, net: str, goal: str) -> None:
    """Distortion against time, and cumulative curves."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "blindspots"
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(16, 6), layout="constrained")
    front = group[group["front"]].sort_values("seconds")
    left.plot(front["seconds"], front["excess"].clip(lower=FLOOR), color="0.7", zorder=0)
    for i, (family, rows) in enumerate(group.groupby("family", sort=False)):
        rows = rows[np.isfinite(rows["seconds"])].sort_values("seconds")
        ours = family.startswith("blindspots")
        y = rows["excess_reached"].clip(lower=FLOOR)
        left.plot(
            rows["seconds"],
            y,
            marker="*P"[i % 2] if ours else "os^vD<>"[i % 7],
            markersize=11 if ours else 6,
            linewidth=0.8,
            color="C3" if ours else f"C{[0, 1, 2, 4, 5, 6, 7, 8, 9][i % 9]}",
            alpha=1 if ours else 0.8,
            label=family,
        )
        for _, row in rows[rows["failures"] > 0].iterrows():
            note = f"{row['failures']} failed"
            at = row["seconds"], max(row["excess_reached"], FLOOR)
            left.annotate(note, at, fontsize=7, xytext=(4, 4), textcoords="offset points")
    left.set(xscale="log", yscale="log", xlabel="seconds", ylabel="mean excess over the best (%)")
    left.set_title("Distance against time (grey: the Pareto front)")
    left.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    rows = images[(images["net"] == net) & (images["goal"] == goal)]
    best = rows.groupby("image")["l2"].transform("min")
    rows = rows.assign(excess=(100 * (rows["l2"] / best - 1)).clip(lower=FLOOR))
    reach = rows.loc[np.isfinite(rows["l2"]) & (rows["method"] == "closest"), "l2"].max()
    for i, method in enumerate(CURVES):
        for axes, column in ((middle, "l2"), (right, "excess")):
            sorted_ = np.sort(rows.loc[rows["method"] == method, column])
            if len(sorted_):
                at = np.linspace(0, len(sorted_) - 1, POINTS).astype(int)
                share = 100 * (at + 1) / len(sorted_)
                style = {"color": f"C{i}", "linewidth": 1.2, "label": method}
                axes.step(sorted_[at], share, where="post", **style)
    middle.set(xlim=(0, 1.1 * reach), ylim=(0, 100), xlabel="L2", ylabel="images reached (%)")
    middle.set_title("Images whose answer changes within a distance")
    right.set(xscale="log", xlim=(FLOOR, 100), ylim=(0, 100), xlabel="excess over the best (%)")
    right.set(ylabel="images (%)", title="Images within an excess")
    middle.legend(fontsize=8)
    right.legend(fontsize=8)
    figure.suptitle(f"{net}, {GOALS[goal]}")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


FLOOR = 1e-3
"""Percent of excess below which the picture does not distinguish methods."""
POINTS = 200
"""Points of a curve; more make the file larger and look the same."""
CURVES = (
    "closest",
    "closest, quick",
    "lbfgs",
    "SciPy L-BFGS-B",
    "DDN 100",
    "DDN 1000",
    "PDGD 1000",
    "SuperDeepFool",
)
"""Methods whose curves are drawn."""


def main(docs: str, *folders: str) -> None:
    """Write the page of the comparisons in some folders."""
    images = pd.concat([pd.read_parquet(Path(f, "images.parquet")) for f in folders])
    scaling = [Path(f, "scaling.parquet") for f in folders]
    found = [pd.read_parquet(path) for path in scaling if path.exists()]
    table = summary(images.reset_index(drop=True))
    write(Path(docs), table, images, pd.concat(found) if found else None, MAIN)


if __name__ == "__main__":
    main(*sys.argv[1:])
