"""Call an attack with its settings, and with those of the workflow's that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.attacks._returned import check_result
from blindspots.interface import AttackResult
from blindspots.methods import accepted, is_control
from blindspots.parts import Images


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
