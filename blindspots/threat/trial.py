"""Trial of a module as a model: its answer to an image depends on that image alone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.interface import UNIT_BOX, Box, InputError
from blindspots.threat.chance import draws_of, seeded
from blindspots.threat.outcomes import widened

ROUNDING = 1e-4
"""Share of the largest answer by which answers may differ between batches."""


def trial(
    model: nn.Module, shape: Sequence[int], *, box: Box = UNIT_BOX, like: Tensor | None = None
) -> Tensor:
    """Try a model in evaluation mode on three images of noise.

    They are shown together, each among copies of itself, and one alone: 13 images in all. For a
    stochastic model (`chance.by_chance`) only the form of the answers is checked.

    Args:
        model: images (n, *shape) to answers (n, …).
        shape: shape of an image.
        box: range of a pixel.
        like: tensor with the type and the device of images; float32 on the CPU by default.

    Returns:
        (3, …) of the images' type; a single logit becomes two (`outcomes.widened`).

    Raises:
        InputError: a model that returns something else, changes its images or itself, or whose
            answer to an image depends on chance or on the others.
    """
    images = _noise(shape, box).to(torch.float32 if like is None else like)
    before = {name: buffer.clone() for name, buffer in _buffers(model).items()}
    with torch.no_grad():
        if draws_of(model) is not None:
            return widened(_by_chance(model, images, before))
        found = _answers(model, images)
        drawn = _random_states(images.device)  # only now: a first call may compile something
        among = [_answers(model, image.repeat(3, *[1] * image.ndim)) for image in images]
        alone = model(images[:1].clone())
    _check_buffers(model, before)
    if drawn != _random_states(images.device):
        raise InputError(
            "expected answers that do not depend on chance, found that the model draws random "
            "numbers; call model.eval(), take out what is random, or say how many draws it is to "
            "be judged by (draws: k of a net, threat.chance.by_chance)"
        )
    pairs = [(alone, found[:1])]
    pairs += [(copies, one.expand_as(copies)) for copies, one in zip(among, found, strict=True)]
    if any(
        answer.shape != wanted.shape
        or not (answer - wanted).abs().max() <= ROUNDING * found.abs().max()
        for answer, wanted in pairs
    ):
        raise InputError(
            "expected the same finite logits for an image alone and among others, as of a model "
            "after model.eval(), found others"
        )
    return widened(found)


def _by_chance(model: nn.Module, images: Tensor, before: Mapping[str, Tensor]) -> Tensor:
    """Answers of a stochastic model to three images (3, …), once."""
    with seeded(0, "trial"):
        found = _answers(model, images)
        alone = model(images[:1].clone())
    _check_buffers(model, before)
    if alone.shape != found[:1].shape or not found.isfinite().all():
        raise InputError(
            "expected finite logits for an image alone as well as among others, found others"
        )
    return found


def _noise(shape: Sequence[int], box: Box) -> Tensor:
    """Three images, each darker than the last, which reveals a dependence on the batch's mean."""
    low, high = (np.asarray(torch.as_tensor(end).cpu(), np.float64) for end in box)
    lower = np.where(np.isfinite(low), low, np.minimum(0.0, high - 1))
    upper = np.where(np.isfinite(high), high, lower + 1)
    noise = np.random.default_rng(0).uniform(size=(3, *shape))
    noise *= np.array([1.0, 0.5, 0.25]).reshape(-1, *[1] * len(shape))
    return torch.from_numpy(lower + (upper - lower) * noise)


def _answers(model: nn.Module, images: Tensor) -> Tensor:
    """Answers of a model to three images (3, …)."""
    shown = images.clone()
    found = model(shown)
    if not isinstance(found, Tensor) or found.dtype != images.dtype or len(found) != 3:
        kind, remedy = "", "return the logits alone"
        if isinstance(found, Tensor):
            kind = f" {tuple(found.shape)} {found.dtype}"
            remedy = "return a row for each image, .to(x.dtype) of the images x"
        raise InputError(
            f"expected a {str(images.dtype).removeprefix('torch.')} tensor with a row for each of "
            f"three images, found {type(found).__name__}{kind}; {remedy}"
        )
    if not torch.equal(shown, images):
        raise InputError("expected images that stay as they are, found that it changes them")
    return found


def _buffers(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_buffers()) if isinstance(model, nn.Module) else {}


def _check_buffers(model: nn.Module, before: Mapping[str, Tensor]) -> None:
    """Refuse a model that has changed its buffers, and restore them."""
    after = _buffers(model)
    changed = [
        name
        for name, old in before.items()
        if name in after and after[name].shape == old.shape and _differ(old, after[name])
    ]
    for name in changed:
        after[name].copy_(before[name])
    if changed:
        raise InputError(
            f"expected a model that stays as it is, found that it changes {changed[0]!r}; call "
            "model.eval()"
        )


def _differ(a: Tensor, b: Tensor) -> bool:
    return bool(((a != b) & (a == a)).any())  # NaN stays NaN


def _random_states(device: torch.device) -> list[object]:
    """The states of the generators that a model may draw from."""
    of_numpy: Any = np.random.get_state(legacy=False)  # any generator that it has
    states: list[object] = [torch.get_rng_state().numpy().tobytes(), random.getstate()]
    inside = of_numpy["state"].values()
    states += [v.tobytes() if isinstance(v, np.ndarray) else v for v in inside]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device).numpy().tobytes())
    return states
