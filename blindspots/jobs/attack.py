"""Run an attack on the images of a part, a chunk at a time, and write its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from blindspots.attacks import table
from blindspots.config import methods
from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.files.images import Images
from blindspots.files.parquet import writing
from blindspots.files.rows import Rows
from blindspots.interface import InputError
from blindspots.jobs.attacking import attack_all
from blindspots.jobs.chunks import forget, resumable
from blindspots.jobs.job import own_models, progress, provenance, resume_key, warn
from blindspots.threat.targets import assert_class

SHARD = 256
"""Rows of a shard in memory at a time."""


def attack(snakemake: Any) -> None:
    """Write the table of an attack's job: computed rows, or the joined rows of its shards."""
    output, shards = snakemake.output[0], snakemake.input.get("shards", [])
    parts = _joined_shards(shards) if shards else _computed(snakemake)
    shape = tables.schema_of(snakemake.input.images).field("image").type.shape
    with writing(output, table.schema(shape), provenance(snakemake)) as append:
        success = False
        for part in parts:
            success = success or bool(pc.any(part["success"]).as_py())
            append(part)
    forget(output)
    if not success and snakemake.wildcards.get("first") is None:  # a shard says nothing of the rest
        warn(f"{output}: no success on any of its images")


def _joined_shards(paths: Sequence[str]) -> Iterator[pa.Table]:
    return (part for path in paths for part in Rows(path).chunks(SHARD))


def _computed(snakemake: Any) -> Iterator[pa.Table]:
    """Compute the rows of an attack's job; chunks that a killed job finished are read instead."""
    attack, wildcards = snakemake.params.attack, snakemake.wildcards
    given, machine, own = snakemake.input, snakemake.config["machine"], own_models(snakemake)
    device = pick(machine["device"])
    n = snakemake.params.n
    everyone = images.read(given.images, given.split, wildcards.part, n, device)
    where = f"config: attacks.{wildcards.attack}.target"
    assert_class(attack["target"], everyone.classes, where)
    data = everyone.at(slice(int(wildcards.get("first", 0)), int(wildcards.get("end", n))))
    model = weights.load(given.weights, own=own).to(device)
    parents = {
        name: weights.load(file, own=own).to(device)
        for name, file in zip(attack["parents"], given.get("parents", []), strict=True)
    }
    mask = None if attack["mask"] is None else read_mask(attack["mask"], data.shape).to(device)
    same = {"net": wildcards.net, "seed": int(wildcards.seed), "attack": wildcards.attack}
    schema = table.schema(data.shape)

    def make(part: Images) -> pa.Table:
        columns = attack_all(
            methods.find("attacks", attack["method"]),
            model,
            part,
            others=everyone,
            target=attack["target"],
            seed=same["seed"],
            chunk=machine["chunk"],
            settings=attack["settings"],
            parents=parents,
            mask=mask,
        )
        place = {"dataset": data.dataset, "file": data.file}
        return tables.build(columns | same | place, schema)

    with progress(f"attack {wildcards.net}", "images", len(data)) as show:
        yield from resumable(
            snakemake.output[0], attack_key(snakemake, device), data, machine["chunk"], make,
            every=machine["checkpoint_seconds"], progress=show,
        )  # fmt: skip


def attack_key(snakemake: Any, device: torch.device) -> str:
    """Return the `resume_key` of an attack's job."""
    given = snakemake.input
    files = [given.split, given.weights, *given.get("parents", [])]
    return resume_key(snakemake, device.type, files, shown=images.described(given.images))


def read_mask(path: str | Path, shape: tuple[int, ...]) -> Tensor:
    """Read the mask of features that an attack may change, (*image) bool, from a NumPy file.

    Args:
        path: path of the .npy file.
        shape: shape of an image.

    Raises:
        InputError: not an array of bool of an image's shape.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a mask, an .npy file, found none ({error})") from None
    if not isinstance(found, np.ndarray) or found.dtype != bool or found.shape != shape:
        said = f"{getattr(found, 'dtype', 'several')} of shape {getattr(found, 'shape', ())}"
        raise InputError(f"{path}: expected a bool mask of an image's shape {shape}, found {said}")
    return torch.from_numpy(found)
