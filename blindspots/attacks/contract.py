"""The contract of attacks: how one is called, and what it must return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.attacks.controls import unaimed
from blindspots.attacks.returned import check_mask, check_radius, checked
from blindspots.config.methods import accepted
from blindspots.families import Family, family_of
from blindspots.files.images import Images
from blindspots.interface import AttackResult, InputError, Status
from blindspots.threat.judge import chosen, is_better, judge
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
    others: Images,
    settings: Mapping[str, Any],
    parents: Mapping[str, nn.Module] | None = None,
    mask: Tensor | None = None,
) -> AttackResult:
    """Attack images.

    Args:
        attack: attack of the attacks' contract. It returns an `AttackResult`, or perturbed images
            alone: (n, *image), or (k, n, *image) of which the judge keeps the best for each (except
            for controls, which have no goal).
        model: images to logits; None for a control that needs no model.
        data: images to attack.
        targets: (n,), or None.
        seed: seed of the attack's own draws.
        others: all images of the job, of which `data` may be a part; read if the attack takes them.
        settings: settings of the attack; `eps` is one radius.
        parents: further models that the attack uses, by the names that it has for them.
        mask: (*image) bool, the features that may change; None: all.

    Raises:
        InputError: a result that breaks the contract.
    """
    # An attack may change its arguments, so it gets copies, which the judge does not use.
    offered = accepted(
        attack, box=data.box, classes=data.classes, seed=seed, rows=data.rows.copy(),
        others=others, parents=dict(parents or {}), mask=None if mask is None else mask.clone(),
    )  # fmt: skip
    if "others" in offered:
        offered["others"] = others.images.clone()
    images, labels = data.images.clone(), data.labels.clone()
    aims = None if targets is None else targets.clone()
    with counted(model) as passes:
        found = attack(model, images, labels, aims, **offered, **settings)
    family = family_of(attack)
    norm, eps = norm_of(attack, settings), settings.get("eps")
    if isinstance(found, Tensor) and family.kind == "control":
        found = unaimed(data.images, found)
    elif isinstance(found, Tensor) and model is not None:
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
    """Name of an attack in messages."""
    return getattr(attack, "__name__", "attack")


class Passes:
    """Counter of the images shown to a model and of the gradients taken."""

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

    The best is the nearest success of a minimal attack. With a radius, a success is better than a
    failure, and then the image whose target leads by more.

    Args:
        attack: attack of the attacks' contract.
        model: images to logits.
        data: images to attack.
        candidates: (n, classes) bool, at least one for every image.
        **settings: keyword arguments of `call`.

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
    """Return which results (k,) are better than the best so far of the images `rows` (k,)."""
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
