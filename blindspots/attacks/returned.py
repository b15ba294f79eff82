"""Contract of an attack's result: in the box, within radius and mask, successes that are real."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from blindspots.attacks._room import checked_box, shown_range
from blindspots.attacks.controls import Unclipped
from blindspots.files.images import Images
from blindspots.interface import AttackResult, InputError, Status
from blindspots.threat.judge import Judgement, reach
from blindspots.threat.norms import NORMS


def checked(found: Any, data: Images, attack: str, *, boxed: bool) -> AttackResult:
    """Check an attack's result against the contract.

    Args:
        found: what it returned.
        data: the images that it was given, untouched.
        attack: its name, for the message.
        boxed: whether images must be in the box, which is false for a control that was asked not
            to clip.

    Raises:
        InputError: names the attack, and the field and the image that offend.
    """
    images = data.images
    if not isinstance(found, AttackResult):
        raise InputError(f"{attack}: expected an AttackResult, found {type(found).__name__}")
    each: tuple[int, ...] = (len(images),)
    like = tuple(images.shape), {images.dtype}
    expected = dict.fromkeys(("originals", "images"), like)
    expected["success"] = each, {torch.bool}
    expected |= {name: (each, {torch.int64}) for name in ("status", "forwards", "backwards")}
    if found.penalty is not None:
        expected["penalty"] = each, {torch.float32, torch.float64}
    for name, (shape, dtypes) in expected.items():
        value = getattr(found, name)
        if not isinstance(value, Tensor) or value.shape != shape or value.dtype not in dtypes:
            kind = " or ".join(sorted(str(dtype) for dtype in dtypes))
            raise InputError(
                f"{attack}: {name}: expected a tensor {tuple(shape)} of {kind}, found "
                f"{type(value).__name__} {tuple(getattr(value, 'shape', ()))} of "
                f"{getattr(value, 'dtype', 'no type')}"
            )
    if found.images.requires_grad:
        raise InputError(
            f"{attack}: images: expected none that has a gradient, found one; detach it"
        )
    if not torch.equal(found.originals, images):
        raise InputError(
            f"{attack}: originals: expected the images as they were given, found others; change a "
            "clone"
        )
    free = isinstance(found, Unclipped) and not boxed
    lower, upper = (-torch.inf, torch.inf) if free else checked_box(data.box, images)
    outside = ~((found.images >= lower) & (found.images <= upper)).flatten(1).all(dim=1)
    if outside.any():
        raise InputError(
            f"{attack}: images[{_first(outside)}]: expected pixels in "
            f"{shown_range((lower, upper))}, found one outside, or not a number; clamp them"
        )
    odd = ~torch.isin(found.status, torch.tensor(list(Status)).to(found.status))
    if odd.any():
        raise InputError(
            f"{attack}: status[{_first(odd)}]: expected a value of Status, found "
            f"{int(found.status[_first(odd)])}"
        )
    return found


def check_mask(found: AttackResult, data: Images, mask: Tensor, attack: str) -> None:
    """Refuse images of an attack that changed a feature outside its mask (*image).

    Raises:
        InputError: names the attack and the image.
    """
    beyond = ((found.images != data.images) & ~mask).flatten(1).any(dim=1)
    if beyond.any():
        raise InputError(
            f"{attack}: images[{_first(beyond)}]: expected features outside the mask as they were, "
            "found one that changed; it is given the mask as `mask`"
        )


def check_radius(found: AttackResult, data: Images, norm: str, eps: float, attack: str) -> None:
    """Refuse images of a budget attack that are beyond its radius.

    Args:
        found: what the attack returned.
        data: the images that it was given.
        norm: norm of the radius.
        eps: the radius.
        attack: its name, for the message.

    Raises:
        InputError: names the attack and the image.
    """
    change = found.images.double() - data.images.double()
    length = NORMS[norm].length(change)
    beyond = length > reach(data.images, found.images, norm, eps)
    if beyond.any():
        at = _first(beyond)
        raise InputError(
            f"{attack}: images[{at}]: expected a perturbation within eps, {eps:g} in {norm}, found "
            f"one of {float(length[at]):.9g}; project it (threat.norms)"
        )


def check_successes(
    found: AttackResult, targets: Tensor | None, seen: Judgement, data: Images, attack: str
) -> None:
    """Refuse successes that fail when the images are shown to the model again.

    Args:
        found: what the attack returned.
        targets: (n,) classes to reach; None: any wrong class.
        seen: the judgement of its images.
        data: the images that it was given.
        attack: its name, for the message.

    Raises:
        InputError: names the attack and the image.
    """
    wrong = found.success.cpu() & ~torch.from_numpy(seen.met)
    if wrong.any():
        at = _first(wrong)
        wanted = f"a class other than the label {int(data.labels[at])}"
        if targets is not None:
            wanted = f"the target {int(targets[at])}"
        answer = "a rejection" if seen.outcome[at] == "REJECTED" else seen.prediction[at]
        raise InputError(
            f"{attack}: success[{at}]: expected the answer to image {data.rows[at]} of "
            f"{data.file}, shown to the model again, to be {wanted}, found {answer}; "
            "call a success what is one with a margin (goals.SUCCESS_MARGIN)"
        )


def _first(offending: Tensor) -> int:
    return int(torch.nonzero(offending)[0])
