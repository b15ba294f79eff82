"""The nearest images that a network gets wrong among those that its own attack did not find.

Images made for other networks, amplified ones, scaled ones and noise bound the smallest
perturbation that changes a network's answer from above, as its own attack's do. Where they are
nearer in any norm they are kept, in the form of an attack's table: as witnesses of the ledger. One
outside the box is no witness; where it is nearer than any inside, it is kept as evidence against
certificates.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.attacks import table
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import Status
from blindspots.threat.answers import Answers, answers
from blindspots.threat.chance import draws_of
from blindspots.threat.judge import are_inside, judge, lengths
from blindspots.threat.outcomes import WRONG

NEARER = 0.99
"""An image is kept that is nearer than so much of the distance that the own attack found."""

Lengths = Mapping[str, np.ndarray]


class Witnesses:
    """Nearest images shown to one network that it gets wrong, for each original."""

    def __init__(self, net: str, seed: int, data: Images) -> None:
        """Begin with none.

        Args:
            net: name of the network.
            seed: of the network.
            data: the originals.
        """
        self.net, self.seed, self.data = net, seed, data
        self.norms = list(lengths(torch.zeros_like(data.images[:1])))
        self.own = {norm: np.full(len(data.rows), np.inf) for norm in self.norms}
        self.inside, self.outside = (_Nearest(data, self.norms) for _ in range(2))

    def know(self, images: Tensor, wrong: np.ndarray) -> None:
        """Note how far what the own attack found is, which is in the ledger as it is.

        Args:
            images: (k, *image) made from the first originals.
            wrong: (k,) bool, where the network is `goals.mistaken`.
        """
        within, found = self._seen(images)
        for norm, known in self.own.items():
            length = np.where(wrong & within, found[norm], np.inf)
            known[: len(length)] = np.minimum(known[: len(length)], length)

    def show(self, name: str, images: Tensor, wrong: np.ndarray) -> None:
        """Keep the images that are nearer than what is known.

        Args:
            name: what they are, such as "lbfgs of FC10".
            images: (k, *image) made from the first originals.
            wrong: (k,) bool, where the network is `goals.mistaken`.
        """
        within, found = self._seen(images)
        moved = found["linf"] > 0
        self.inside.keep(name, images, found, wrong & within & moved)
        self.outside.keep(name, images, found, wrong & ~within)

    def _seen(self, images: Tensor) -> tuple[np.ndarray, Lengths]:
        """Return whether images are in the box, and how far from their originals."""
        originals = self.data.images[: len(images)]
        return are_inside(images, self.data.box), lengths(images.double() - originals.double())

    def table(self, model: nn.Module, chunk: int) -> pa.Table:
        """The kept images, with `attacks.table.schema`; success is that one is in the box.

        Originals that the network gets wrong are left out: these are their own witnesses. One that
        answers by chance has none.

        Args:
            model: the network.
            chunk: images that it is shown at a time.
        """
        data = self.data
        if draws_of(model) is not None:
            return table.schema(data.images.shape[1:]).empty_table()
        clean = answers(model, data.images, data.labels, data.classes, chunk)
        assert clean is not None  # a victim that does not classify has been refused
        unlike = clean.outcomes != WRONG
        limits = {norm: NEARER * known for norm, known in self.own.items()}
        near = self.inside.below(limits, unlike)
        limits = {n: np.minimum(self.inside.lengths(n), self.own[n]) for n in self.norms}
        far = self.outside.below(limits, unlike)
        parts = [
            self._rows(model, chunk, kept, at, clean)
            for kept, at in ((self.inside, near), (self.outside, far))
        ]
        return pa.concat_tables(parts).combine_chunks()

    def _rows(
        self, model: nn.Module, chunk: int, kept: _Nearest, at: np.ndarray, clean: Answers
    ) -> pa.Table:
        """The rows of images `at` of those that are kept."""
        places = kept.places[at]
        data, images = self.data.at(places), kept.images[at].to(self.data.images)
        schema = table.schema(images.shape[1:])
        if len(at) == 0:
            return schema.empty_table()
        seen = judge(
            model, data.images, images, data.labels, None,
            classes=data.classes, box=data.box, chunk=chunk,
        )  # fmt: skip
        columns = seen.lengths | {
            "net": self.net,
            "seed": self.seed,
            "attack": kept.names[at],
            "dataset": data.dataset,
            "norm": None,
            "eps": None,
            "file": data.file,
            "index": data.rows,
            "label": data.labels.cpu().numpy(),
            "target": None,
            "prediction": clean.predictions[places],
            "outcome": clean.outcomes[places],
            "confidence": clean.confidences[places],
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
        return tables.build(columns, schema)


class _Nearest:
    """The images that are nearest to their originals in some norm, each kept once.

    Attributes:
        images: (k, *image) on the CPU, in the order in which they were shown.
        places: (k,) of their originals.
        names: (k,) what they are.
        nearest: by norm (n,) the image nearest to each original; -1: none.
    """

    def __init__(self, data: Images, norms: list[str]) -> None:
        self.images, self.places = data.images[:0].cpu(), np.zeros(0, int)
        self.names = np.zeros(0, object)
        self.nearest = {norm: np.full(len(data.rows), -1) for norm in norms}
        self._lengths = {norm: np.zeros(0) for norm in norms}

    def lengths(self, norm: str) -> np.ndarray:
        """(n,) of the nearest image to each original; infinite where there is none."""
        return np.append(self._lengths[norm], np.inf)[self.nearest[norm]]

    def keep(self, name: str, images: Tensor, found: Lengths, wanted: np.ndarray) -> None:
        """Keep those of images (k, *image) of the first originals that are nearer in some norm."""
        n = len(images)
        better = {norm: wanted & self._nearer(norm, found) for norm in self.nearest}
        new = np.flatnonzero(np.any(list(better.values()), axis=0))
        if len(new) == 0:
            return
        number = np.full(n, -1)
        number[new] = len(self.places) + np.arange(len(new))
        for norm, at in better.items():
            self.nearest[norm][:n][at] = number[at]
            self._lengths[norm] = np.append(self._lengths[norm], found[norm][new])
        self.images = torch.cat([self.images, images[new].cpu()])
        self.places = np.append(self.places, new)
        self.names = np.append(self.names, np.full(len(new), name, object))
        self._forget()

    def _nearer(self, norm: str, found: Lengths) -> np.ndarray:
        """Return whether images (k,) are nearer in a norm; ties (of counts) are decided in L2."""
        known = self.lengths(norm)[: len(found[norm])]
        in_l2 = np.append(self._lengths["l2"], np.inf)[self.nearest[norm]][: len(known)]
        return (found[norm] < known) | ((found[norm] == known) & (found["l2"] < in_l2))

    def _forget(self) -> None:
        """Drop the images that are the nearest in no norm any more."""
        used = np.unique(np.concatenate(list(self.nearest.values())))
        used = used[used >= 0]
        renamed = np.full(len(self.places) + 1, -1)
        renamed[used] = np.arange(len(used))
        self.images, self.places, self.names = (
            self.images[used],
            self.places[used],
            self.names[used],
        )
        for norm in self.nearest:
            self.nearest[norm] = renamed[self.nearest[norm]]
            self._lengths[norm] = self._lengths[norm][used]

    def below(self, limits: Lengths, where: np.ndarray) -> np.ndarray:
        """The images, in the originals' order, that are nearer than a limit (n,) of some norm.

        Args:
            limits: by norm.
            where: (n,) bool, originals that count.
        """
        found = [self.nearest[norm][where & (self.lengths(norm) < limits[norm])] for norm in limits]
        at = np.unique(np.concatenate(found))
        return at[np.argsort(self.places[at], kind="stable")]
