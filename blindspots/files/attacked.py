"""The attacked images in a table of attacks, as a trainer takes them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from blindspots.files import tables


class Attacked(NamedTuple):
    """Attacked images of one net.

    Attributes:
        images: (n, *image); the original where a minimal attack failed.
        labels: (n,) int64.
        success: (n,) bool, whether the attack met its goal.
        eps: (n,) float64, the radius; NaN of a minimal attack.
        rows: (n,) int64, the place of each original in the prepared file.
    """

    images: Tensor
    labels: Tensor
    success: Tensor
    eps: Tensor
    rows: Tensor


def read(path: str | Path, n: int, device: torch.device | str = "cpu") -> Attacked:
    """Read the first rows of a table of attacks.

    Args:
        path: path of the table.
        n: how many rows.
        device: where the tensors go.

    Raises:
        InputError: no such table, or a damaged one.
    """
    rows = tables.read(path).slice(0, n)
    columns = {
        "labels": rows["label"].to_numpy().astype(np.int64),
        "success": rows["success"].to_numpy(),
        "eps": rows["eps"].to_pandas().to_numpy(np.float64),
        "rows": rows["index"].to_numpy().astype(np.int64),
    }
    found = {name: torch.as_tensor(values, device=device) for name, values in columns.items()}
    return Attacked(torch.from_numpy(tables.images(rows)).to(device), **found)
