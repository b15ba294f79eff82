"""Witnesses: nearest images that a network gets wrong, among those not made by its own attack.

Like the images of its own attack, images made for other networks, amplified ones, scaled ones and
noise bound from above the smallest perturbation that changes a network's answer. Those that are
nearer in any norm are kept, in the form of an attack's table, as witnesses of the ledger. An image
outside the box is not a witness; if it is nearer than all images inside, it is kept as evidence
against certificates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.attacks import table
from blindspots.files import tables
from blindspots.files.images import Images, Stack, some
from blindspots.interface import Status
from blindspots.measurements.exhibits import Exhibit
from blindspots.threat.answers import answers
from blindspots.threat.chance import draws_of
from blindspots.threat.judge import are_inside, judge, lengths
from blindspots.threat.outcomes import WRONG

NEARER = 0.99
"""Factor on the distance of the net's own attack below which an image is kept."""

Lengths = Mapping[str, np.ndarray]


class Clean(NamedTuple):
    """Answers of a network to the originals, as columns (n,) of the table."""

    prediction: np.ma.MaskedArray
    outcome: np.ndarray
    confidence: np.ma.MaskedArray


class Witnesses:
    """Collection of the nearest images that one network gets wrong, for each original."""

    def __init__(self, net: str, seed: int, data: Images) -> None:
        """Begin without images.

        Args:
            net: name of the network.
            seed: seed of the network.
            data: the originals.
        """
        self.net, self.seed, self.data = net, seed, data
        self.norms = list(lengths(torch.zeros(1, *data.shape)))
        self.own = {norm: np.full(len(data), np.inf) for norm in self.norms}
        self.inside, self.outside = (_Nearest(len(data), self.norms) for _ in range(2))
        self._order = np.argsort(data.rows)

    def know(self, shown: Exhibit, wrong: np.ndarray) -> None:
        """Record the distances of the net's own attack, whose images are in the ledger anyway.

        Args:
            shown: k images made from some of the originals.
            wrong: (k,) bool, whether the network is `goals.mistaken`.
        """
        _, places, within, found = self._seen(shown, wrong)
        for norm, known in self.own.items():
            length = np.where(within, found[norm], np.inf)
            known[places] = np.minimum(known[places], length)

    def show(self, name: str, shown: Exhibit, wrong: np.ndarray) -> None:
        """Keep the images that are nearer than those kept before.

        Args:
            name: origin of the images, such as "lbfgs of FC10".
            shown: k images made from some of the originals.
            wrong: (k,) bool, whether the network is `goals.mistaken`.
        """
        at, places, within, found = self._seen(shown, wrong)
        stack, moved = some(shown.stack, at), found["linf"] > 0
        self.inside.keep(name, stack, places, found, within & moved)
        self.outside.keep(name, stack, places, found, ~within)

    def _seen(
        self, shown: Exhibit, wrong: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Lengths]:
        """Return the wrong images' positions, their originals, if they are in the box, and lengths.

        Their lengths in float64 take longer than a network's answers, so no others are measured.
        """
        at = np.flatnonzero(wrong)
        rows, images = shown.data.rows[at], shown.images[at]
        places = self._order[np.searchsorted(self.data.rows[self._order], rows)]
        change = images.double() - shown.data.images[at].double()
        return at, places, are_inside(images, self.data.box), lengths(change)

    def tables(self, model: nn.Module, chunk: int) -> Iterator[pa.Table]:
        """Yield the kept images, with `attacks.table.schema`; `success` is being in the box.

        Originals that the network gets wrong are left out, as they are their own witnesses. A
        stochastic network has no witnesses.

        Args:
            model: the network.
            chunk: images at a time.

        Yields:
            An empty table, then rows, at most `chunk` at a time.
        """
        data = self.data
        yield table.schema(data.shape).empty_table()
        if draws_of(model) is not None:
            return
        clean = self._clean(model, chunk)
        unlike = clean.outcome != WRONG
        limits = {norm: NEARER * known for norm, known in self.own.items()}
        near = self.inside.below(limits, unlike)
        limits = {n: np.minimum(self.inside.length[n], self.own[n]) for n in self.norms}
        far = self.outside.below(limits, unlike)
        for kept, entries in ((self.inside, near), (self.outside, far)):
            for first in range(0, len(entries), chunk):
                yield self._rows(model, kept, entries[first : first + chunk], clean)

    def _clean(self, model: nn.Module, chunk: int) -> Clean:
        each = []
        for part in self.data.chunks(chunk):
            found = answers(model, part.images, part.labels, part.classes, chunk)
            assert found is not None  # a victim that does not classify has been refused
            each.append((found.predictions, found.outcomes, found.confidences))
        prediction, outcome, confidence = zip(*each, strict=True)
        return Clean(
            np.ma.concatenate(prediction), np.concatenate(outcome), np.ma.concatenate(confidence)
        )

    def _rows(
        self, model: nn.Module, kept: _Nearest, entries: np.ndarray, clean: Clean
    ) -> pa.Table:
        """Rows of kept images, for `entries` as `_Nearest.below` returns them."""
        places, names, images = kept.entries(entries)
        data = self.data.at(places).held()
        images = images.to(data.images)
        seen = judge(
            model, data.images, images, data.labels, None, classes=data.classes, box=data.box
        )
        columns = seen.lengths | {
            "net": self.net,
            "seed": self.seed,
            "attack": names,
            "dataset": data.dataset,
            "norm": None,
            "eps": None,
            "file": data.file,
            "index": data.rows,
            "label": data.labels.cpu().numpy(),
            "target": None,
            "prediction": clean.prediction[places],
            "outcome": clean.outcome[places],
            "confidence": clean.confidence[places],
            "attacked_prediction": seen.prediction,
            "attacked_outcome": seen.outcome,
            "attacked_confidence": seen.confidence,
            "mistaken": seen.mistaken,
            "certain": seen.certain,
            "inside": seen.inside,
            "success": kept is self.inside,
            "success_share": None,
            "status": Status.CONVERGED.name,
            "distortion": seen.lengths["l2"] / images[0].numel() ** 0.5,
            "rounded_outcome": seen.rounded_outcome,
            "rounded_success": seen.rounded_success,
            "penalty": None,
            "forwards": 0,
            "backwards": 0,
            "image": images.cpu().numpy(),
        }
        return tables.build(columns, table.schema(data.shape))


class _Block(NamedTuple):
    """Images that were shown together and are still kept.

    Attributes:
        name: origin of the images.
        places: (k,) places of their originals, ascending.
        stack: (k, *image) images; in memory, or made again when they are needed.
    """

    name: str
    places: np.ndarray
    stack: Stack


class _Nearest:
    """Images that are nearest to their originals in some norm, each kept once.

    Attributes:
        block: number (n,) of the block with the image nearest to each original, by norm; -1: no
            image.
        length: distance (n,) of the nearest image, by norm; infinite: no image.
    """

    def __init__(self, n: int, norms: list[str]) -> None:
        self.block = {norm: np.full(n, -1) for norm in norms}
        self.length = {norm: np.full(n, np.inf) for norm in norms}
        self._in_l2 = {norm: np.full(n, np.inf) for norm in norms}  # L2 distance of the same images
        self._blocks: list[_Block] = []

    def keep(
        self, name: str, stack: Stack, places: np.ndarray, found: Lengths, wanted: np.ndarray
    ) -> None:
        """Keep the `wanted` images that are nearer than the kept ones in some norm.

        Args:
            name: origin of the images.
            stack: (k, *image) images.
            places: (k,) places of their originals.
            found: distances (k,) by norm.
            wanted: (k,) bool, images that may be kept.
        """
        better = {norm: wanted & self._nearer(norm, places, found) for norm in self.block}
        new = np.flatnonzero(np.any(list(better.values()), axis=0))
        if len(new) == 0:
            return
        new = new[np.argsort(places[new])]
        replaced: set[int] = set()
        for norm, at in better.items():
            replaced |= {*self.block[norm][places[at]].tolist()}
            self.block[norm][places[at]] = len(self._blocks)
            self.length[norm][places[at]] = found[norm][at]
            self._in_l2[norm][places[at]] = found["l2"][at]
        self._blocks.append(_Block(name, places[new], some(stack, new)))
        for number in replaced - {-1}:
            self._forget(number)

    def _nearer(self, norm: str, places: np.ndarray, found: Lengths) -> np.ndarray:
        """Return whether images (k,) are nearer in a norm; L2 decides ties, which L0 can have."""
        known, in_l2 = self.length[norm][places], self._in_l2[norm][places]
        return (found[norm] < known) | ((found[norm] == known) & (found["l2"] < in_l2))

    def _forget(self, number: int) -> None:
        """Drop the images of a block that are no longer the nearest in any norm."""
        block = self._blocks[number]
        of = [self.block[norm][block.places] == number for norm in self.block]
        used = np.flatnonzero(np.any(of, axis=0))
        stack = some(block.stack, used)
        self._blocks[number] = block._replace(places=block.places[used], stack=stack)

    def below(self, limits: Lengths, where: np.ndarray) -> np.ndarray:
        """Find the kept images that are nearer than the limit in some norm.

        Args:
            limits: limits (n,) on the distance, by norm.
            where: (n,) bool, originals to include.

        Returns:
            (k, 2) place of the original, and number of the block, in the originals' order.
        """
        found = [np.empty((0, 2), int)]
        for norm, limit in limits.items():
            at = np.flatnonzero(where & (self.length[norm] < limit))
            found.append(np.stack([at, self.block[norm][at]], axis=1))
        return np.unique(np.concatenate(found), axis=0)

    def entries(self, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray, Tensor]:
        """Places of originals (k,), names (k,) and images (k, *image), for a result of `below`."""
        places, numbers = entries.T
        names, images = np.full(len(entries), None, object), [torch.empty(0)] * len(entries)
        for number in np.unique(numbers):
            block, at = self._blocks[number], np.flatnonzero(numbers == number)
            inside = np.searchsorted(block.places, places[at])
            names[at] = block.name
            for place, image in zip(at, some(block.stack, inside)[:], strict=True):
                images[place] = image
        return places, names, torch.stack(images)
