"""Measurement of one layer of a network: its arms of directions under every scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.measurements.units import directions, measures
from blindspots.measurements.units.activations import Layer
from blindspots.measurements.units.directions import PCA, PROBE, RANDOM, ROTATION
from blindspots.measurements.units.directions import UNITS as NATURAL
from blindspots.measurements.units.projection import correct_without
from blindspots.measurements.units.settings import Found, Network, Settings
from blindspots.measurements.units.tables import UNIT_ROTATIONS, UNITS, unit_pictures
from blindspots.randomness import derived_seed

SHOWN = 8
"""Number of directions of an arm whose top images are kept for pictures."""
Functionals = dict[str, np.ndarray]
"""Directions (units, directions) by arm."""


class LayerJob:
    """Measurement of the layers of one network on the same images."""

    def __init__(
        self, network: Network, data: Images, shown: measures.Images, settings: Settings,
        no_accuracy: str | None,
    ) -> None:  # fmt: skip
        """Take a network, its images in two forms, settings, and the result of `no_accuracy`."""
        self.network, self.data, self.shown = network, data, shown
        self.settings, self.no_accuracy = settings, no_accuracy

    def run(
        self, layer: Layer, a: np.ndarray, fitted: np.ndarray, fitted_labels: np.ndarray
    ) -> Found:
        """Measure a layer.

        Args:
            layer: layer of the network.
            a: (n, units) activations for the images.
            fitted: (m, units) activations for the images to which probes are fitted.
            fitted_labels: (m,) labels of the images to which probes are fitted.
        """
        origin: dict[str, Any] = {
            "net": self.network.name, "seed": self.network.seed, "trained": self.network.trained,
            "layer": layer.name,
        }  # fmt: skip
        units = directions.chosen(
            layer.units, self.settings.directions, self._rng(layer.name, "choice")
        )
        x = (a - a.mean(axis=0, dtype=np.float64)).astype(np.float32)
        fixed = self._fixed(x, fitted, fitted_labels)
        # Not rounded: rounding must neither make nor break ties at 0.
        natural = measures.measured(a[:, units], self.shown, measures.DEAD)
        measured = {NATURAL: natural} | {arm: self._measured(x, f) for arm, f in fixed.items()}
        frames = {s: directions.Frame(a, units, s) for s in self.settings.scalings}
        drawn = {s: self._drawn(frame, f"{layer.name}/{s}") for s, frame in frames.items()}
        arms = {s: {NATURAL: frames[s].functionals(), **drawn[s], **fixed} for s in frames}
        lost = self._accuracy_lost(layer, frames, arms)
        live = np.isin(units, frames[self.settings.scalings[0]].units)
        # A rotation's mean leaves out the counterparts of units without a value.
        valued = {name: ~np.isnan(of[live]) for name, of in natural.values.items()}
        found: list[list[pa.Table]] = [[], [], []]
        for scaling, frame in frames.items():
            of_arms = measured | {arm: self._measured(x, f) for arm, f in drawn[scaling].items()}
            named = origin | {"kind": layer.kind, "place": layer.place, "scaling": scaling}
            for arm in arms[scaling]:
                of, points = of_arms[arm], lost[scaling, arm]
                which = units if arm == NATURAL else np.arange(len(of.top))
                if arm == NATURAL:  # dead units have no value
                    points = np.full(len(units), np.nan)
                    points[live] = lost[scaling, arm]
                found[0].append(self._rows(named | {"arm": arm}, which, of, points))
                if arm in (NATURAL, RANDOM) and scaling == self.settings.scalings[0]:
                    shown = origin | {"kind": layer.kind, "arm": arm}
                    found[2].append(self._pictures(shown, which, of))
            rng = self._rng(layer.name, scaling, "rotations")
            found[1] += self._rotations(origin | {"scaling": scaling}, frame, x, valued, rng)
        empty = UNIT_ROTATIONS.empty_table()
        rows, rotations, pictures = found
        return Found(
            pa.concat_tables(rows), pa.concat_tables([empty, *rotations]),
            pa.concat_tables([self._picture_schema().empty_table(), *pictures]),
        )  # fmt: skip

    def _rng(self, *purpose: str) -> np.random.Generator:
        name = "/".join(["units", self.network.name, str(self.network.trained), *purpose])
        return np.random.default_rng(derived_seed(self.network.seed, name))

    def _fixed(self, x: np.ndarray, fitted: np.ndarray, labels: np.ndarray) -> Functionals:
        """Arms that do not depend on the scaling."""
        found, limit = {}, self.settings.directions
        if PCA in self.settings.arms:
            found[PCA] = directions.principal(x, limit)
        if PROBE in self.settings.arms:
            found[PROBE] = directions.probe(fitted, labels, np.unique(labels)[:limit])
        return found

    def _drawn(self, frame: directions.Frame, place: str) -> Functionals:
        """Arms that are drawn at random in the space of a scaling."""
        draw = {
            RANDOM: lambda rng: frame.random(rng, len(frame.units)),
            ROTATION: frame.rotated,
        }
        return {a: of(self._rng(place, a)) for a, of in draw.items() if a in self.settings.arms}

    def _measured(self, x: np.ndarray, functionals: np.ndarray) -> measures.Measured:
        return measures.measured(x @ functionals.astype(np.float32), self.shown)

    def _accuracy_lost(
        self, layer: Layer, frames: Mapping[str, directions.Frame], arms: Mapping[str, Functionals]
    ) -> dict[tuple[str, str], np.ndarray]:
        """Accuracy lost without each direction, in points, by scaling and arm.

        All are computed together, so that the layers below are evaluated once. The values are NaN
        if the network has no accuracy to lose.
        """
        keys = [(scaling, arm) for scaling in arms for arm in arms[scaling]]
        functionals = [arms[scaling][arm] for scaling, arm in keys]
        sizes = [f.shape[1] for f in functionals]
        lost = np.full(sum(sizes), np.nan)
        if self.no_accuracy is None and len(lost):
            removals = [frames[s].removal(f) for (s, _), f in zip(keys, functionals, strict=True)]
            first = self.data.first(self.settings.projected_n)
            right, without = correct_without(
                self.network.model, layer, first.images, first.labels,
                np.concatenate(functionals, axis=1), np.concatenate(removals, axis=1),
            )  # fmt: skip
            lost = 100 * (right - without) / len(first.rows)
        return dict(zip(keys, np.split(lost, np.cumsum(sizes)[:-1]), strict=True))

    def _rows(
        self, origin: Mapping[str, Any], which: np.ndarray, of: measures.Measured, lost: np.ndarray
    ) -> pa.Table:
        """Rows of one arm."""
        n = len(self.data.rows)
        images = [n] * len(of.values) + [min(n, self.settings.projected_n)]
        why = of.reasons["auc"].copy()  # why a direction has no measure at all
        why[why == None] = self.no_accuracy  # noqa: E711  elementwise
        values = of.values | {measures.ACCURACY: np.where(why == None, lost, np.nan)}  # noqa: E711
        reasons = of.reasons | {measures.ACCURACY: why}
        columns = {
            "direction": np.tile(which, len(values)),
            "measure": np.repeat(list(values), len(which)),
            "value": np.ma.masked_invalid(np.concatenate(list(values.values()))),
            "reason": np.concatenate([reasons[name] for name in values]),
        }
        return tables.build({**origin, **columns, "n": np.repeat(images, len(which))}, UNITS)

    def _rotations(
        self, origin: Mapping[str, Any], frame: directions.Frame, x: np.ndarray,
        valued: Mapping[str, np.ndarray], rng: np.random.Generator,
    ) -> list[pa.Table]:  # fmt: skip
        """Mean of each measure over the units' frame, rotation by rotation.

        Each mean is over as many directions as there are units with the measure, as means over more
        would vary less.
        """
        means = [
            measures.averages(self._measured(x, frame.rotated(rng)), valued)
            for _ in range(self.settings.rotations if len(frame.units) else 0)
        ]
        number = np.arange(len(means))
        return [
            tables.build(
                {
                    **origin, "measure": name, "rotation": number,
                    "value": np.ma.masked_invalid([of[name] for of in means]),
                },
                UNIT_ROTATIONS,
            )
            for name in (means[0] if means else ())
        ]  # fmt: skip

    def _picture_schema(self) -> pa.Schema:
        return unit_pictures(tables.image_field(self.data.shape))

    def _pictures(
        self, origin: Mapping[str, Any], which: np.ndarray, of: measures.Measured
    ) -> pa.Table:
        """Top images of the first directions that have top images."""
        kept = np.flatnonzero(~np.isnan(of.values["purity"]))[:SHOWN]
        if len(kept) == 0:
            return self._picture_schema().empty_table()
        top, k = of.top[kept].ravel(), self.shown.k
        columns = {
            "direction": np.repeat(which[kept], k),
            "rank": np.tile(np.arange(k), len(kept)),
            "score": of.best[kept].ravel(),
            "dataset": self.data.dataset,
            "file": self.data.file,
            "index": self.data.rows[top],
            "label": self.shown.labels[top],
            "image": self.data.at(top).images.cpu().numpy(),
        }
        return tables.build({**origin, **columns}, self._picture_schema())
