"""The attacks that are compared: ours, and peers at several settings each.

A method takes (model, images (n, *image) in [0, 1], labels (n,), targets (n,) or None) to attacked
images. Peers are imported where they are used: they live in an environment of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Attack = Callable[..., Any]


@dataclass(frozen=True)
class Method:
    """An attack at one setting.

    Attributes:
        family: library and attack that it is a setting of, ours or a peer's.
        run: the attack.
        targeted: whether it can aim at a class.
        everywhere: whether it runs on all nets, not only on the main one.
    """

    family: str
    run: Attack
    targeted: bool = True
    everywhere: bool = False

    @property
    def is_ours(self) -> bool:
        """Return whether it is this project's."""
        return self.family.startswith("blindspots ")


def ours(name: str, **settings: Any) -> Attack:
    """An attack of this project."""

    def run(model, images, labels, targets):
        from blindspots import attacks

        return getattr(attacks, name)(model, images, labels, targets, **settings).images

    return run


def adv_lib(name: str, **settings: Any) -> Attack:
    """An attack of adv-lib."""

    def run(model, images, labels, targets):
        import adv_lib.attacks

        attack = getattr(adv_lib.attacks, name)
        if targets is None:
            return attack(model, images, labels, **settings)
        return attack(model, images, targets, targeted=True, **settings)

    return run


def foolbox(name: str, start: Attack | None = None, **settings: Any) -> Attack:
    """An attack of foolbox; one that begins at successes takes those of `start`."""

    def run(model, images, labels, targets):
        import foolbox

        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        if targets is None:
            criterion = foolbox.criteria.Misclassification(labels)
        else:
            criterion = foolbox.criteria.TargetedMisclassification(targets)
        attack = getattr(foolbox.attacks, name)(**settings)
        given = {} if start is None else {"starting_points": start(model, images, labels, targets)}
        found, _, _ = attack(wrapped, images, criterion, epsilons=None, **given)
        return found

    return run


def torchattacks(name: str, **settings: Any) -> Attack:
    """An attack of torchattacks."""

    def run(model, images, labels, targets):
        import torchattacks

        attack = getattr(torchattacks, name)(model, **settings)
        if targets is not None:
            attack.set_mode_targeted_by_label(quiet=True)
            return attack(images, targets)
        return attack(images, labels)

    return run


def scipy_lbfgs(searches: int, first: float, factor: float) -> Attack:
    """SciPy's L-BFGS-B on the paper's objective, image by image, one process per core."""
    from benchmarks.scipy_lbfgs import attack

    return functools.partial(attack, searches=searches, first=first, factor=factor)


def _settings(
    family: str, name: str, settings: dict[str, dict], everywhere=(), targeted: bool = True
) -> dict[str, Method]:
    return {
        label: Method(family, adv_lib(name, **given), targeted, label in everywhere)
        for label, given in settings.items()
    }


METHODS = {
    "closest": Method("blindspots closest", ours("closest"), everywhere=True),
    "closest, quick": Method(
        "blindspots closest",
        ours("closest", steps=20, rounds=3),
        everywhere=True,
    ),
    "lbfgs": Method("blindspots lbfgs", ours("lbfgs"), everywhere=True),
    "SciPy L-BFGS-B": Method("SciPy L-BFGS-B", scipy_lbfgs(12, 3.0, 4.0)),
    **_settings(
        "adv-lib ddn",
        "ddn",
        {f"DDN {n}": {"steps": n, "levels": None} for n in (20, 50, 100, 300, 1000)},
        everywhere=("DDN 100", "DDN 1000"),
    ),
    **_settings(
        "adv-lib alma",
        "alma",
        {f"ALMA {n}": {"num_steps": n, "distance": "l2"} for n in (100, 300, 1000)},
        everywhere=("ALMA 1000",),
    ),
    **_settings(
        "adv-lib fmn",
        "fmn",
        {f"FMN {n}": {"steps": n, "norm": 2} for n in (100, 1000)},
        everywhere=("FMN 1000",),
    ),
    **_settings(
        "adv-lib pdgd",
        "pdgd",
        {f"PDGD {n}": {"num_steps": n} for n in (100, 300, 1000)},
        everywhere=("PDGD 1000",),
    ),
    **_settings("adv-lib pdpgd", "pdpgd", {"PDPGD 1000": {"num_steps": 1000, "norm": 2}}),
    **_settings(
        "adv-lib fab",
        "fab",
        {f"FAB {n}": {"n_iter": n, "norm": 2} for n in (20, 100)},
        everywhere=("FAB 100",),
        targeted=False,
    ),
    **_settings(
        "adv-lib sdf",
        "sdf",
        {"SuperDeepFool": {}},
        everywhere=("SuperDeepFool",),
        targeted=False,
    ),
    **_settings(
        "adv-lib carlini_wagner_l2",
        "carlini_wagner_l2",
        {
            "C&W 9 × 100": {"max_iterations": 100, "learning_rate": 0.1},
            "C&W 9 × 1000": {"max_iterations": 1000},
        },
    ),
    "Brendel-Bethge 20": Method(
        "foolbox L2BrendelBethgeAttack",
        foolbox("L2BrendelBethgeAttack", start=adv_lib("ddn", steps=100, levels=None), steps=20),
    ),
    "foolbox DDN 100": Method("foolbox DDNAttack", foolbox("DDNAttack", steps=100)),
    "foolbox C&W 9 × 100": Method(
        "foolbox L2CarliniWagnerAttack",
        foolbox("L2CarliniWagnerAttack", steps=100, stepsize=0.1),
    ),
    "torchattacks CW 1000": Method("torchattacks CW", torchattacks("CW", c=1, steps=1000)),
    "torchattacks DeepFool": Method(
        "torchattacks DeepFool", torchattacks("DeepFool"), targeted=False
    ),
}
