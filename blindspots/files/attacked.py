"""Read attacked images from a table of attacks, in the form that a trainer takes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from blindspots.files.images import Deferred, Stack
from blindspots.files.rows import Rows


class Attacked(NamedTuple):
    """Attacked images of one net.

    Attributes:
        images: (n, *image), in memory or read on demand; the original where a minimal attack
            failed.
        labels: (n,) int64.
        success: (n,) bool, whether the attack met its goal.
        eps: (n,) float64 radius; NaN for a minimal attack.
        rows: (n,) int64 row of each original in the prepared file.
    """

    images: Stack
    labels: Tensor
    success: Tensor
    eps: Tensor
    rows: Tensor


def read(path: str | Path, n: int, device: torch.device | str = "cpu") -> Attacked:
    """Read the first rows of a table of attacks; the images on demand.

    Args:
        path: path of the table.
        n: number of rows.
        device: device of the tensors.

    Raises:
        InputError: no such table, a damaged one, or one of fewer rows.
    """
    device, places, pictures = torch.device(device), np.arange(n), Rows(path, ["image"])
    rows = Rows(path, ["label", "success", "eps", "index"]).take(places)

    def make(places: np.ndarray) -> Tensor:
        return torch.from_numpy(pictures.images(places)).to(device)

    shape = tuple(pictures.schema.field("image").type.shape)
    columns = {
        "labels": rows["label"].to_numpy().astype(np.int64),
        "success": rows["success"].to_numpy(),
        "eps": rows["eps"].to_pandas().to_numpy(np.float64),
        "rows": rows["index"].to_numpy().astype(np.int64),
    }
    found = {name: torch.tensor(values, device=device) for name, values in columns.items()}
    return Attacked(Deferred(make, places, shape, device), **found)
