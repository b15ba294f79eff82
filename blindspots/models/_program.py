"""Read a file that `torch.export.save` wrote, as numbers and text alone.

`torch.export.load` unpickles what such a file asks it to unpickle and evaluates expressions in it,
so that a file can run any code. Here only its JSON and its raw numbers are read; only PyTorch's own
operators on tensors are accepted, and nothing in the file is executed.
"""

from __future__ import annotations

import json
import keyword
import re
import zipfile
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from blindspots.files import given
from blindspots.interface import InputError

SCHEMA = 8
"""Major version of the JSON; PyTorch 2.14 writes 8.20."""

DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
    6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""Types of tensors by their codes in the JSON."""

SHARED = 16
"""Largest average number of tensors that share a number; above it the sizes are forged."""

REMEDY = "export the model again: see docs/bring-your-own/model.md"


class Program(NamedTuple):
    """An exported program.

    Attributes:
        graph: inputs, outputs and nodes, as the JSON has them.
        tensors: parameters, buffers and constants by their names in the model.
        parameters: the names of those that are trained.
        lifted: the name of a tensor by the argument of the graph that stands for it.
        images: the argument that stands for the images.
        sizes: sizes of the images; None for one that may be any.
    """

    graph: dict[str, Any]
    tensors: dict[str, Tensor]
    parameters: frozenset[str]
    lifted: dict[str, str]
    images: str
    sizes: tuple[int | None, ...]


def read(file: str | Path) -> Program:
    """Read a program that takes a batch of images and returns one tensor.

    Args:
        file: path of a file that `torch.export.save` wrote.

    Raises:
        InputError: no such file, a damaged one, one of another version, or a program that takes or
            returns something else, changes its own buffers, or holds pickles.
    """
    given.check(file, "a file written by torch.export.save")
    try:
        with zipfile.ZipFile(file) as archive:
            return _program(archive, str(file))
    except InputError:
        raise
    except Exception as error:  # any error of an arbitrary file
        raise InputError(
            f"{file}: expected a file written by torch.export.save, found one that cannot be read "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); {REMEDY}"
        ) from None


def refusal(file: str, expected: str, found: str) -> InputError:
    """Reason to refuse a program, with the remedy."""
    return InputError(f"{file}: expected {expected}, found {found}; {REMEDY}")


def _program(archive: zipfile.ZipFile, file: str) -> Program:
    folder = archive.namelist()[0].split("/")[0]
    if f"{folder}/models/model.json" not in archive.namelist():
        raise refusal(file, "a program of torch.export.save", f"none in the archive {folder!r}")
    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
        raise refusal(file, "an archive as torch.export.save writes it", "a compressed one")
    model = json.loads(archive.read(f"{folder}/models/model.json"))
    version = model["schema_version"]["major"]
    if version != SCHEMA:
        raise refusal(file, f"version {SCHEMA} of PyTorch's schema", f"version {version}")
    graph, signature = model["graph_module"]["graph"], model["graph_module"]["signature"]
    tensors = {
        name: tensor
        for kind in ("weights", "constants")
        for name, tensor in _tensors(archive, f"{folder}/data/{kind}", kind, file).items()
    }
    lifted, parameters, images = {}, set(), []
    for spec in signature["input_specs"]:
        ((kind, value),) = spec.items()
        if kind == "user_input":
            images.append(value["arg"].get("as_tensor", {"name": None})["name"])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            lifted[value["arg"]["name"]] = value[f"{kind}_name"]
            parameters |= {value[f"{kind}_name"]} if kind == "parameter" else set()
        else:
            raise refusal(file, "a program of tensors", f"an input of kind {kind!r}")
    odd = [name for name in [*tensors, *lifted.values()] if not _is_name(name)]
    if odd:
        raise refusal(file, "tensors named as attributes of modules are, no keywords", repr(odd[0]))
    kinds = [next(iter(spec)) for spec in signature["output_specs"]]
    if any("mutation" in kind for kind in kinds):
        raise refusal(
            file, "a model exported in evaluation mode (model.eval())", "one that changes itself"
        )
    if len(images) != 1 or images[0] is None or kinds != ["user_output"]:
        found = f"{len(images)} inputs and {len(kinds)} outputs"
        raise refusal(file, "a program from one batch of images to logits", found)
    meta = graph["tensor_values"][images[0]]
    if DTYPES.get(meta["dtype"]) != torch.float32:
        raise refusal(file, "images of float32", f"dtype {DTYPES.get(meta['dtype'])}")
    sizes = tuple(size.get("as_int") for size in meta["sizes"])
    return Program(graph, tensors, frozenset(parameters), lifted, images[0], sizes)


def _is_name(name: str) -> bool:
    """Return whether the graph's generated code can use a name: self.a, or "block-1"."""
    parts = name.split(".")
    return all(re.fullmatch(r"[\w-]+", part) and not keyword.iskeyword(part) for part in parts)


def _tensors(archive: zipfile.ZipFile, folder: str, kind: str, file: str) -> dict[str, Tensor]:
    """Tensors by name, from the raw numbers in a folder of the archive."""
    described = json.loads(archive.read(f"{folder}/model_{kind}_config.json"))["config"]
    tensors, room = {}, SHARED * sum(member.file_size for member in archive.infolist())
    for name, payload in described.items():
        meta = payload["tensor_meta"]
        if payload["use_pickle"] or meta is None or meta["layout"] != 7:
            raise refusal(file, "plain tensors", f"{name!r} as a pickle, which is not opened")
        sizes, strides = ([n["as_int"] for n in meta[key]] for key in ("sizes", "strides"))
        room -= prod(sizes) * DTYPES[meta["dtype"]].itemsize
        if room < 0:
            raise refusal(file, "tensors of the numbers in the file", "more than it has room for")
        raw = bytearray(archive.read(f"{folder}/{payload['path_name']}"))
        flat = torch.frombuffer(raw, dtype=DTYPES[meta["dtype"]]) if raw else torch.empty(0)
        tensors[name] = flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"]).clone()
    return tensors
