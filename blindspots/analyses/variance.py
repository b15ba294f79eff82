"""Variance components of transfer: architectures, the seeds of source and victim, the split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from blindspots.analyses._pairs import pairs
from blindspots.analyses.kit import cells
from blindspots.files.parts import Frame

CORNER = "component"
"""Heading of the first column (`report.summaries`)."""

COMPONENTS = {
    "source": "architecture of the source",
    "victim": "architecture of the victim",
    "pair": "the two together, beyond their sum",
    "source seed": "seed of the source",
    "victim seed": "seed of the victim",
    "split": "the same split, or another",
    "rest": "the rest: both seeds together, the draw of the images",
}

ROW_NAMES = (
    "source", "victim", "pair", "source seed", "victim seed", "split", "rest",
)  # fmt: skip
COLUMNS = ("deviation", "share")
"""Rows and columns of the table (`config.cells`)."""


def variance(transfer: Frame, clean: Frame) -> pd.DataFrame:
    """Variance components of the excess error, by the method of moments.

    Every source's images are shown to the victims of all seeds. For each pair of two architectures
    the excess errors are a table of source seeds by victim seeds, with both seeds as crossed random
    effects (Searle, Casella and McCulloch 1992, "Variance components", chapter 4); the components
    are averaged over the pairs. Source and victim of the same seed share the split of the images
    and the choice of the attacked images; the effect of the split is the difference in excess error
    between equal and unequal seeds. Architectures are fixed effects: their component is the
    variance of the means of these nets, minus the noise of the means.

    Args:
        transfer: answers to attacked images of an experiment across seeds, with schema
            `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.

    Returns:
        A row per component: its standard deviation in percentage points, and its share of the sum
        of the variances; no value with fewer than three seeds or three nets.
    """
    grids = _grids(transfer, clean)
    seeds = min((len(grid) for grid in grids.values()), default=0)
    nets = {net for pair in grids for net in pair}
    found = None if seeds < 3 or len(nets) < 3 else components(grids)
    rows = []
    for key, label in COMPONENTS.items():
        value = np.nan if found is None else found[key]
        total = np.nan if found is None else sum(max(v, 0) for v in found.values())
        for column, title, unit, cell in (
            ("deviation", "standard deviation", "points", np.sqrt(max(value, 0))),
            ("share", "share of the variance", "%", 100 * max(value, 0) / total if total else 0),
        ):
            rows.append(
                {
                    "row": key, "row_label": label, "column": column, "column_label": title,
                    "unit": unit, "value": value if np.isnan(value) else cell, "n": 0,
                    "networks": seeds,
                    "reason": "needs across_seeds, three seeds and three nets",
                }
            )  # fmt: skip
    return cells(pd.DataFrame(rows), {})


def _grids(transfer: Frame, clean: Frame) -> dict[tuple[str, str], np.ndarray]:
    """Excess errors of each pair of architectures, (source seeds, victim seeds), in points."""
    keys = ["source", "victim", "seed", "victim_seed"]
    every = pairs(transfer, clean, across_seeds=True)
    means = pd.concat([rows.groupby(keys)["excess"].mean() for rows in every]).sort_index()
    grids = {
        pair: of.droplevel([0, 1]).unstack().to_numpy()
        for pair, of in means.groupby(level=[0, 1], sort=False)
    }
    return {pair: grid for pair, grid in grids.items() if np.isfinite(grid).all()}


def components(grids: Mapping[tuple[str, str], np.ndarray]) -> dict[str, float]:
    """Variance components, which may be negative, by the keys of `COMPONENTS`.

    Args:
        grids: (s, s) excess errors of each pair of nets, with the source's seeds as rows and the
            victim's as columns.
    """
    found: dict[str, list[float]] = {key: [] for key in ("source seed", "victim seed", "rest")}
    same, noise = [], []
    for grid in grids.values():
        s = len(grid)
        diagonal = np.eye(s, dtype=bool)
        effect = grid[diagonal].mean() - grid[~diagonal].mean()
        plain = grid - np.where(diagonal, effect, 0)
        down, across = plain.mean(axis=1), plain.mean(axis=0)
        rest = plain - down[:, None] - across[None] + plain.mean()
        left = (rest**2).sum() / ((s - 1) ** 2 - 1)  # one degree of freedom went to the diagonal
        found["rest"].append(left)
        same.append(effect**2 - left / (s - 1))  # minus the noise of the effect
        found["source seed"].append(down.var(ddof=1) - left / s)
        found["victim seed"].append(across.var(ddof=1) - left / s)
        noise.append((down.var(ddof=1) + across.var(ddof=1) - left / s) / s)
    result = {key: float(np.mean(values)) for key, values in found.items()}
    share = 1 / len(next(iter(grids.values())))  # share of pairs with the same split
    result["split"] = float(np.mean(same) * share * (1 - share))
    return _architectures({p: grid.mean() for p, grid in grids.items()}, float(np.mean(noise))) | (
        result
    )


def _architectures(means: Mapping[tuple[str, str], float], noise: float) -> dict[str, float]:
    """Variances of the effects of source, victim and pair, without pairs of a net with itself."""
    pairs = list(means)
    sources, victims = (sorted({pair[i] for pair in pairs}) for i in (0, 1))
    design = np.array(
        [[1.0, *(p[0] == s for s in sources[1:]), *(p[1] == v for v in victims[1:])] for p in pairs]
    )
    values = np.array([means[pair] for pair in pairs])
    effects, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    freedom = len(pairs) - rank
    rest = float(((values - design @ effects) ** 2).sum() / freedom) if freedom else noise
    spread = rest * np.linalg.pinv(design.T @ design)  # of the effects, from the noise of the means

    def variance_of(columns: slice) -> float:
        """Variance of effects whose first is 0, minus the part due to their noise."""
        of = np.array([0.0, *effects[columns]])
        noisy = np.pad(spread[columns, columns], (1, 0))
        centred = np.eye(len(of)) - 1 / len(of)
        return float(of.var(ddof=1) - np.trace(centred @ noisy) / (len(of) - 1))

    return {
        "source": variance_of(slice(1, len(sources))) if len(sources) > 1 else 0.0,
        "victim": variance_of(slice(len(sources), None)) if len(victims) > 1 else 0.0,
        "pair": rest - noise,
    }
