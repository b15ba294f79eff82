"""The nearest images that a network gets wrong among those that its own attack did not find.

Images made for other networks, amplified ones, scaled ones and noise bound the smallest
perturbation that changes a network's answer from above, as its own attack's do. Where they are
nearer they are kept, in the form of an attack's table: as witnesses of the ledger. One outside the
box is no witness; where it is nearer than any inside, it is kept as evidence against certificates.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.attacks import table
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import Status
from blindspots.threat.outcomes import is_wrong, predictions, widened

NEARER = 0.99
"""An image is kept that is nearer than so much of the distance that the own attack found."""


class Witnesses:
    """Of one network: the nearest image shown to it that it gets wrong, for each original."""

    def __init__(self, net: str, seed: int, data: Images) -> None:
        """Begin with none.

        Args:
            net: name of the network.
            seed: of the network.
            data: the originals.
        """
        self.net, self.seed, self.data = net, seed, data
        self.own = np.full(len(data.rows), np.inf)
        self.inside, self.outside = _Nearest(data), _Nearest(data)

    def know(self, l2: np.ndarray) -> None:
        """Note distances (k,) of the first originals at which the own attack succeeded.

        NaN where it did not.
        """
        at = slice(len(l2))
        self.own[at] = np.fmin(self.own[at], l2)

    def show(self, name: str, images: Tensor, wrong: np.ndarray) -> None:
        """Keep the images that are nearer than what is known.

        Args:
            name: what they are, such as "lbfgs of FC10".
            images: (k, *image) made from the first originals.
            wrong: (k,) bool, where the network is `goals.mistaken`.
        """
        originals, box = self.data.images[: len(images)], self.data.box
        l2 = (images.double() - originals.double()).flatten(1).norm(dim=1).cpu().numpy()
        within = ((images >= box.lower) & (images <= box.upper)).flatten(1).all(dim=1).cpu().numpy()
        self.inside.keep(name, images, l2, wrong & within & (l2 > 0))
        self.outside.keep(name, images, l2, wrong & ~within)

    def table(self, model: nn.Module, chunk: int) -> pa.Table:
        """The kept images, with `attacks.table.schema`; success is that one is in the box.

        Originals that the network gets wrong are left out: these are their own witnesses.

        Args:
            model: the network.
            chunk: images that it is shown at a time.
        """
        clean = _answers(model, self.data.images, self.data.classes, chunk)
        right = ~is_wrong(clean, self.data.labels.cpu().numpy())
        near = right & (self.inside.l2 < NEARER * self.own)
        far = right & (self.outside.l2 < np.minimum(self.inside.l2, self.own))
        parts = [
            self._rows(model, chunk, kept, np.flatnonzero(at), clean)
            for kept, at in ((self.inside, near), (self.outside, far))
        ]
        return pa.concat_tables(parts).combine_chunks()

    def _rows(
        self, model: nn.Module, chunk: int, kept: _Nearest, at: np.ndarray, clean: np.ndarray
    ) -> pa.Table:
        data, images = self.data.at(at), kept.images[at]
        schema = table.schema(images.shape[1:])
        if len(at) == 0:
            return schema.empty_table()
        change = (images.double() - data.images.double()).flatten(1)
        columns = {
            "net": self.net,
            "seed": self.seed,
            "attack": kept.names[at],
            "file": data.file,
            "index": data.rows,
            "label": data.labels.cpu().numpy(),
            "target": None,
            "prediction": clean[at],
            "attacked_prediction": _answers(model, images, data.classes, chunk),
            "success": kept is self.inside,
            "status": Status.CONVERGED.name,
            "distortion": change.square().mean(dim=1).sqrt().cpu().numpy(),
            "l2": change.norm(dim=1).cpu().numpy(),
            "linf": change.abs().amax(dim=1).cpu().numpy(),
            "penalty": None,
            "forwards": 0,
            "backwards": 0,
            "image": images.cpu().numpy(),
        }
        return tables.build(columns, schema)


class _Nearest:
    """For each original the nearest image kept, its distance and what it is."""

    def __init__(self, data: Images) -> None:
        self.l2 = np.full(len(data.rows), np.inf)
        self.images, self.names = data.images.clone(), np.full(len(data.rows), "", object)

    def keep(self, name: str, images: Tensor, l2: np.ndarray, wanted: np.ndarray) -> None:
        better = np.flatnonzero(wanted & (l2 < self.l2[: len(l2)]))
        self.l2[better], self.names[better] = l2[better], name
        self.images[better] = images[better]


def _answers(model: nn.Module, images: Tensor, classes: int, chunk: int) -> np.ndarray:
    with torch.no_grad():
        found = [predictions(widened(model(part)), classes) for part in images.split(chunk)]
    return torch.cat(found).cpu().numpy()
