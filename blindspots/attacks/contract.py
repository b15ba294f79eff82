"""The contract of attacks: how one is called, and what it must return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.attacks.controls import Unclipped
from blindspots.config.methods import accepted, is_control
from blindspots.files.images import Images
from blindspots.interface import AttackResult, InputError, Status
from blindspots.threat.goals import accepted_answers


def call(
    attack: Callable[..., AttackResult],
    model: nn.Module | None,
    data: Images,
    targets: Tensor | None,
    *,
    seed: int,
    others: Tensor,
    settings: Mapping[str, Any],
) -> AttackResult:
    """Attack images.

    Args:
        attack: of the attacks' contract.
        model: images to logits; None for a control that needs no model.
        data: what is attacked.
        targets: (n,), or None.
        seed: of the attack's own draws.
        others: (k, *image) all images of the job, of which `data` may be a part.
        settings: of the attack.

    Raises:
        InputError: what it returns is not what the contract says.
    """
    # An attack may change what it is given: it gets copies, by which nothing is judged.
    offered = accepted(
        attack, box=data.box, classes=data.classes, seed=seed, rows=data.rows.copy(), others=others
    )
    if "others" in offered:
        offered["others"] = others.clone()
    images, labels = data.images.clone(), data.labels.clone()
    aims = None if targets is None else targets.clone()
    found = attack(model, images, labels, aims, **offered, **settings)
    check_result(found, data, name_of(attack), boxed=not is_control(attack))
    return found


def name_of(attack: Callable[..., AttackResult]) -> str:
    """What messages call an attack."""
    return getattr(attack, "__name__", "attack")


def call_for_best(
    attack: Callable[..., AttackResult],
    model: nn.Module,
    data: Images,
    candidates: Tensor,
    **settings: Any,
) -> tuple[AttackResult, Tensor]:
    """Attack every image towards each of several targets, and keep the nearest success.

    Args:
        attack: of the attacks' contract.
        model: images to logits.
        data: what is attacked.
        candidates: (n, classes) bool, at least one for every image.
        **settings: as of `call`.

    Returns:
        The result, with the passes of all attempts, and the (n,) targets that were kept.
    """
    targets = candidates.long().argmax(dim=1)
    best = call(attack, model, data, targets, **settings)
    fields = {name: value for name, value in vars(best).items() if value is not None}
    fields = {name: value.clone() for name, value in fields.items()}
    for target in range(candidates.shape[1]):
        rows = (candidates[:, target] & (targets != target)).nonzero()[:, 0]
        if len(rows) == 0:
            continue
        aimed = torch.full_like(rows, target)
        found = call(attack, model, data.at(rows.cpu().numpy()), aimed, **settings)
        reached = torch.where(fields["success"], best.l2, torch.inf)
        better = found.success & (found.l2 < reached[rows])
        for name in fields:
            if name in ("forwards", "backwards"):
                fields[name][rows] += getattr(found, name)
            elif name != "originals":
                fields[name][rows[better]] = getattr(found, name)[better]
        targets[rows[better]] = target
        best = AttackResult(**fields)
    return best, targets


def check_result(found: Any, data: Images, attack: str, *, boxed: bool) -> None:
    """Refuse what an attack returned where it is not what the contract says.

    Args:
        found: what it returned.
        data: the images that it was given, untouched.
        attack: its name, for the message.
        boxed: whether images must be in the box; those of a control that was asked not to clip need
            not.

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
    lower, upper = (-torch.inf, torch.inf) if free else data.box
    outside = ~((found.images >= lower) & (found.images <= upper)).flatten(1).all(dim=1)
    if outside.any():
        raise InputError(
            f"{attack}: images[{_first(outside)}]: expected pixels in "
            f"[{lower:g}, {upper:g}], found one outside, or not a number; clamp them"
        )
    odd = ~torch.isin(found.status, torch.tensor(list(Status)).to(found.status))
    if odd.any():
        raise InputError(
            f"{attack}: status[{_first(odd)}]: expected a value of Status, found "
            f"{int(found.status[_first(odd)])}"
        )


def check_successes(
    found: AttackResult, targets: Tensor | None, logits: Tensor, data: Images, attack: str
) -> None:
    """Refuse successes that are none when the images are shown to the model again.

    Args:
        found: what the attack returned.
        targets: (n,) to be reached; None: any wrong class.
        logits: (n, logits) of the model for its images.
        data: the images that it was given.
        attack: its name, for the message.

    Raises:
        InputError: names the attack and the image.
    """
    accepted = accepted_answers(data.labels, targets, logits.shape[1], data.classes)
    answers = logits.argmax(dim=1)
    held = accepted.gather(1, answers[:, None])[:, 0] & logits.isfinite().all(dim=1)
    wrong = found.success & ~held
    if wrong.any():
        at = _first(wrong)
        wanted = f"a class other than the label {int(data.labels[at])}"
        if targets is not None:
            wanted = f"the target {int(targets[at])}"
        raise InputError(
            f"{attack}: success[{at}]: expected the answer to image {data.rows[at]} of "
            f"{data.file}, shown to the model again, to be {wanted}, found {int(answers[at])}; "
            "call a success what is one with a margin (goals.SUCCESS_MARGIN)"
        )


def _first(offending: Tensor) -> int:
    return int(torch.nonzero(offending)[0])
