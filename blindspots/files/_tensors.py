"""Read the tensors in a file of weights, whose format is recognised by its content.

Pickles are opened with ``weights_only=True``: only tensors, numbers and text, since anything else
could run any code.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from blindspots.files import given
from blindspots.interface import InputError

PUBLISHED = "torchvision:"
"""Prefix of the names of weights that torchvision publishes, such as
AlexNet_Weights.IMAGENET1K_V1."""

DIGEST = "sha256"
"""Key of the tensors' `digest` in the specs of the package's own files.

The digest is part of the spec because safetensors writes several metadata entries in random order.
"""

SAVE = "save model.state_dict() alone, by safetensors.torch.save_file or torch.save"

OTHERS = {
    b"\x89HDF": ("HDF5, as Keras writes it", f"build the model in PyTorch, and {SAVE}"),
    b"\x1f\x8b": ("a compressed file", "unpack it"),
    b"\xfd7zXZ": ("a compressed file", "unpack it"),
    b"7z\xbc\xaf": ("a compressed file", "unpack it"),
}
"""Other kinds of files by their first bytes: description and remedy."""


def tensors(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors or `torch.save` file, by name.

    A training's checkpoint may hold the state_dict as one entry, if it holds only one.

    Args:
        path: path of the file; or `PUBLISHED` and a name, for weights that are downloaded once.

    Raises:
        InputError: no such file or weights, or another kind of file; says which.
    """
    if str(path).startswith(PUBLISHED):
        return _published(str(path).removeprefix(PUBLISHED))
    if is_safetensors(path):
        try:
            found = load_file(path)
        except Exception as error:  # SafetensorError, or PyTorch's error for types that it lacks
            raise unreadable(path, error) from None
        if _digest_in(path) not in (None, digest(found)):
            raise unreadable(path, ValueError("its tensors have another SHA-256 than it says"))
        return found
    return _state(path, _unpickled(path))


def beginning(path: str | Path, begin: str) -> dict[str, Tensor]:
    """Read those tensors of a safetensors file whose names begin so, by the rest of their names.

    Raises:
        InputError: the errors of `tensors`.
    """
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.startswith(begin)]  # noqa: SIM118
            return {name.removeprefix(begin): file.get_tensor(name) for name in names}
    except Exception as error:  # SafetensorError or OSError
        raise unreadable(path, error) from None


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors' names and bytes, sorted by name."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        found.update(name.encode() + b"\0")
        found.update(raw.numpy().data)
    return found.hexdigest()


def _digest_in(path: str | Path) -> str | None:
    """Return the digest of the tensors that a file states; None if it states none."""
    try:
        return json.loads(metadata(path)["spec"])[DIGEST]
    except (KeyError, RecursionError, TypeError, ValueError):
        return None


def metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata of a safetensors file; empty for other files.

    Raises:
        InputError: the errors of `tensors`.
    """
    if not is_safetensors(path):
        return {}
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except Exception as error:  # SafetensorError or OSError
        raise unreadable(path, error) from None


def numbers(path: str | Path) -> int:
    """Count the numbers in a safetensors file by its header.

    Raises:
        InputError: the errors of `tensors`.
    """
    try:
        with safe_open(path, "pt") as file:
            return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except Exception as error:  # SafetensorError or OSError
        raise unreadable(path, error) from None


def is_safetensors(path: str | Path) -> bool:
    """Return whether a file is safetensors; if not, it must be a file of `torch.save`.

    Raises:
        InputError: no file, or a file of another kind.
    """
    given.check(path, "a file of weights")
    with Path(path).open("rb") as file:
        head = file.read(16)
    if len(head) < 16:
        raise unreadable(path, ValueError(f"{len(head)} bytes"))
    if head[8:9] == b"{":  # after the header's length
        return True
    if head.startswith(b"PK\x03\x04"):
        _check_archive(path)
    elif not head.startswith(b"\x80"):  # a pickle's first byte
        raise _of_another_kind(
            path,
            *next(
                (said for start, said in OTHERS.items() if head.startswith(start)),
                (f"a file that begins with {head[:8]!r}", SAVE),
            ),
        )
    return False


def unreadable(path: str | Path, error: Exception) -> InputError:
    """Return the error for a damaged file of weights."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(
        f"{path}: expected a whole file of weights, found one that cannot be read ({reason}); "
        "fetch or save it again, or, if a run wrote it, delete it and run the workflow again"
    )


def _of_another_kind(path: str | Path, found: str, remedy: str) -> InputError:
    return InputError(
        f"{path}: expected weights, as safetensors or of torch.save, found {found}; {remedy}"
    )


def _check_archive(path: str | Path) -> None:
    """Refuse archives that `torch.save` did not write."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # any error of a damaged archive
        raise unreadable(path, error) from None
    names = [member.filename for member in members]
    if any(name.endswith("/constants.pkl") for name in names):
        raise _of_another_kind(
            path, "a TorchScript program", f"{SAVE}; or export the model by torch.export.save"
        )
    if any(name.endswith("models/model.json") for name in names):
        raise _of_another_kind(
            path,
            "a program of torch.export.save, which contains its model",
            "name it as model: {method: exported, file: …} instead",
        )
    if not any(name.endswith("data.pkl") for name in names):
        raise _of_another_kind(path, f"an archive of {names[:3]}", SAVE)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise _of_another_kind(path, "a compressed archive", SAVE)


def _unpickled(path: str | Path) -> Any:
    try:
        with warnings.catch_warnings(), Path(path).open("rb") as file:  # an ending may mislead
            warnings.simplefilter("ignore")  # about such files' contents, which are checked here
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL (\S+)", str(error))
        raise _of_another_kind(
            path,
            f"pickled Python objects ({name[1] if name else 'not by torch.save'}), "
            "which could run any code and are not opened",
            SAVE,
        ) from None
    except Exception as error:  # any error of a damaged file
        raise unreadable(path, error) from None


def _state(path: str | Path, found: Any) -> dict[str, Tensor]:
    """Return the unpickled state_dict, or the only one in a training's checkpoint."""
    if _is_state(found):
        return dict(found)
    inside = found.items() if isinstance(found, Mapping) else ()
    states = {name: dict(entry) for name, entry in inside if _is_state(entry)}
    if len(states) > 1:
        raise _of_another_kind(path, f"several state_dicts: {_listed(states)}", "save one alone")
    if not states:
        kind = f"a mapping of {_listed(found)}" if inside else f"{type(found).__name__}"
        raise _of_another_kind(path, kind, SAVE)
    return next(iter(states.values()))


def _is_state(found: Any) -> bool:
    return (
        isinstance(found, Mapping)
        and len(found) > 0
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items())
    )


def _listed(names: Mapping[Any, Any]) -> str:
    return ", ".join(repr(name)[:40] for name in list(names)[:5])


def _published(name: str) -> dict[str, Tensor]:
    try:
        from torchvision.models import get_weight  # slow to import

        weights = get_weight(name)
    except (ImportError, RuntimeError) as error:  # torchvision for another PyTorch
        raise InputError(
            f"{PUBLISHED}{name}: expected a torchvision that fits PyTorch, found none "
            f"({str(error).splitlines()[0]}); install a pair, or download the weights elsewhere "
            "and give their file"
        ) from None
    except (ValueError, KeyError):
        raise InputError(
            f"{PUBLISHED}{name}: expected weights that torchvision publishes, such as "
            "AlexNet_Weights.IMAGENET1K_V1, found an unknown name; check the spelling"
        ) from None
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{PUBLISHED}{name}: expected to download {weights.url}, found no connection to it "
            f"({str(error).splitlines()[0]}); download it elsewhere and give its file as weights"
        ) from None
