"""An exported program: a file that `torch.export.save` wrote, with its weights inside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO

from torch import nn

from blindspots.interface import InputError
from blindspots.limits import OwnWeights
from blindspots.models._aten import network
from blindspots.models._program import read, refusal
from blindspots.threat.trial import trial


def exported(shape: Sequence[int], classes: int, *, file: OwnWeights) -> nn.Module:
    """A program exported from PyTorch, which needs no Python code.

    It must have been exported in evaluation mode, with a batch of any size. Nothing in the file is
    unpickled or evaluated (see `_program`); the operators that it names are called like those of
    any model.

    Args:
        shape: shape of an image.
        classes: least number of logits.
        file: file that `torch.export.save` wrote.

    Returns:
        Images (n, *shape) to logits (n, classes or more).

    Raises:
        InputError: a file that cannot be read, a program for images of another shape, for batches
            of one size, or with operators that are not PyTorch's own.
    """
    program = read(file)
    if program.sizes[:1] != (None,):
        raise refusal(
            file,
            "a program for batches of any size (dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))",
            f"one for batches of {next(iter(program.sizes), 'no')} images",
        )
    sizes = program.sizes[1:]
    if len(sizes) != len(shape) or any(
        own not in (None, given) for own, given in zip(sizes, shape, strict=True)
    ):
        raise refusal(
            file,
            f"images of shape {tuple(shape)}, as the dataset has them",
            f"a program for {sizes}",
        )
    try:
        model = network(program)
        held = list(model.state_dict(keep_vars=True).values())
        versions = [tensor._version for tensor in held]
        with redirect_stderr(StringIO()):  # torch.fx prints errors as well as raising them
            logits = trial(model, shape)
        if versions != [tensor._version for tensor in held]:
            raise InputError("expected weights that stay as they are, found that it changes them")
    except InputError as error:
        raise InputError(f"{file}: {error}; export the model again, or bring its code") from None
    except Exception as error:  # any error of PyTorch for an arbitrary file
        reason = " ".join(str(error).split())[:200]
        raise refusal(
            file, "a program that runs on three images", f"{type(error).__name__}: {reason}"
        ) from None
    if logits.ndim != 2 or logits.shape[1] < classes:
        raise refusal(file, f"logits (3, {classes}) for three images", str(tuple(logits.shape)))
    return model
