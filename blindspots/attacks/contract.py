"""The contract of attacks: how one is called, and what it must return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.attacks._room import checked_box, shown_range
from blindspots.attacks.controls import Unclipped
from blindspots.config.methods import accepted
from blindspots.families import Family, family_of
from blindspots.files.images import Images
from blindspots.interface import AttackResult, InputError, Status
from blindspots.threat.judge import Judgement, chosen, is_better, judge, reach
from blindspots.threat.norms import NORMS

Attack = Callable[..., AttackResult | Tensor]
Aimed = tuple[AttackResult, Tensor]
"""A result, and the targets that it was for."""


def call(
    attack: Attack,
    model: nn.Module | None,
    data: Images,
    targets: Tensor | None,
    *,
    seed: int,
    others: Tensor,
    settings: Mapping[str, Any],
    parents: Mapping[str, nn.Module] | None = None,
    mask: Tensor | None = None,
) -> AttackResult:
    """Attack images.

    Args:
        attack: of the attacks' contract. It returns an `AttackResult`, or perturbed images alone:
            (n, *image), or (k, n, *image) of which the judge keeps the best for each.
        model: images to logits; None for a control that needs no model.
        data: what is attacked.
        targets: (n,), or None.
        seed: of the attack's own draws.
        others: (k, *image) all images of the job, of which `data` may be a part.
        settings: of the attack; `eps` is one radius.
        parents: further models that the attack works with, by the name that it knows them by.
        mask: (*image) bool, the features that may change; None: all.

    Raises:
        InputError: what it returns is not what the contract says.
    """
    # An attack may change what it is given: it gets copies, by which nothing is judged.
    offered = accepted(
        attack, box=data.box, classes=data.classes, seed=seed, rows=data.rows.copy(),
        others=others, parents=dict(parents or {}), mask=None if mask is None else mask.clone(),
    )  # fmt: skip
    if "others" in offered:
        offered["others"] = others.clone()
    images, labels = data.images.clone(), data.labels.clone()
    aims = None if targets is None else targets.clone()
    with counted(model) as passes:
        found = attack(model, images, labels, aims, **offered, **settings)
    family = family_of(attack)
    norm, eps = norm_of(attack, settings), settings.get("eps")
    if isinstance(found, Tensor) and model is not None:
        found = _judged(model, data, targets, found, passes, family, norm, name_of(attack))
    result = checked(found, data, name_of(attack), boxed=family.kind != "control")
    if mask is not None:
        check_mask(result, data, mask, name_of(attack))
    if family.kind == "budget" and eps is not None:
        check_radius(result, data, norm, eps, name_of(attack))
    return result


def norm_of(attack: Attack, settings: Mapping[str, Any]) -> str:
    """The norm that an attack measures in: its setting `norm`, or the first that it declares."""
    signature = inspect.signature(attack).parameters
    default = signature["norm"].default if "norm" in signature else None
    declared = family_of(attack).norms or ("l2",)
    norm = settings.get("norm", default)
    return norm if norm in NORMS else declared[0]


def name_of(attack: Attack) -> str:
    """What messages call an attack."""
    return getattr(attack, "__name__", "attack")


class Passes:
    """How many images a model was shown, and gradients of how many were taken."""

    def __init__(self) -> None:
        self.forwards = self.backwards = 0

    def shown(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Count a call of the model; its backward pass counts itself."""
        images = inputs[0]
        self.forwards += len(images)
        if images.requires_grad:
            images.register_hook(self._followed)

    def _followed(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)


@contextmanager
def counted(model: nn.Module | None) -> Iterator[Passes]:
    """Count a model's passes from outside, whatever an attack says."""
    passes = Passes()
    hook = model.register_forward_pre_hook(passes.shown) if model is not None else None
    try:
        yield passes
    finally:
        if hook is not None:
            hook.remove()


def _judged(
    model: nn.Module, data: Images, targets: Tensor | None, images: Tensor, passes: Passes,
    family: Family, norm: str, attack: str,
) -> AttackResult:  # fmt: skip
    """The result of an attack that returns images alone, one for each or several to choose from.

    Passes are those of the call, the same share for every image.
    """
    shape = tuple(data.images.shape)
    several = images if images.ndim == len(shape) + 1 else images[None]
    if tuple(several.shape[1:]) != shape or len(several) == 0 or images.dtype != data.images.dtype:
        raise InputError(
            f"{attack}: expected images {shape} of {data.images.dtype}, or several times as many, "
            f"found {tuple(images.shape)} of {images.dtype}"
        )
    several = several.detach().to(data.images.device)
    minimal = family.kind == "minimal"
    best, known = None, None
    for candidate in several:
        seen = judge(
            model, data.images, candidate, data.labels, targets,
            classes=data.classes, box=data.box,
        )  # fmt: skip
        if best is None or known is None:
            best, known = candidate.clone(), seen
            continue
        better = is_better(seen, known, norm if minimal else None)
        best[torch.from_numpy(better)] = candidate[torch.from_numpy(better)]
        known = chosen(seen, known, better)
    assert best is not None and known is not None
    success = torch.from_numpy(known.success).to(best.device)
    if minimal:
        best[~success] = data.images[~success]
    status = torch.where(success, int(Status.CONVERGED), int(Status.NO_SUCCESS))
    each = torch.full_like(status, 1)
    return AttackResult(
        originals=data.images,
        images=best,
        success=success,
        status=status,
        forwards=-(-passes.forwards // len(status)) * each,
        backwards=-(-passes.backwards // len(status)) * each,
    )


def call_for_best(
    attack: Attack,
    model: nn.Module,
    data: Images,
    candidates: Tensor,
    **settings: Any,
) -> tuple[AttackResult, Tensor]:
    """Attack every image towards each of several targets, and keep the best.

    That is the nearest success of a minimal attack; of one with a radius a success before none,
    then that whose target leads by more.

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
        part = data.at(rows.cpu().numpy())
        found = call(attack, model, part, aimed, **settings)
        better = _is_better(attack, model, part, (found, aimed), (best, targets), rows, settings)
        for name in fields:
            if name in ("forwards", "backwards"):
                fields[name][rows] += getattr(found, name)
            elif name != "originals":
                fields[name][rows[better]] = getattr(found, name)[better]
        targets[rows[better]] = target
        best = AttackResult(**fields)
    return best, targets


def _is_better(
    attack: Attack, model: nn.Module, data: Images, found: Aimed, best: Aimed, rows: Tensor,
    settings: Mapping[str, Any],
) -> Tensor:  # fmt: skip
    """Where a result (k,) is better than the best of the images `rows` (k,) so far."""
    result, targets = found
    before = best[0].success[rows]
    if family_of(attack).kind != "budget":
        norm = NORMS[norm_of(attack, settings["settings"])]
        far = norm.length((best[0].images - best[0].originals)[rows].double())
        near = norm.length((result.images - result.originals).double())
        return result.success & (~before | (near < far))
    both = ((result.images, targets), (best[0].images[rows], best[1][rows]))
    new, old = (
        judge(
            model, data.images, images, data.labels, aims, classes=data.classes, box=data.box
        ).margin
        for images, aims in both
    )
    leads = torch.from_numpy(new > old).to(before.device)
    return (result.success & ~before) | ((result.success == before) & leads)


def checked(found: Any, data: Images, attack: str, *, boxed: bool) -> AttackResult:
    """What an attack returned, refused where it is not what the contract says.

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
        norm: of the radius.
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
    """Refuse successes that are none when the images are shown to the model again.

    Args:
        found: what the attack returned.
        targets: (n,) to be reached; None: any wrong class.
        seen: of its images.
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
