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
        family: what it is a setting of, "ours" or a library and its attack.
        run: the attack.
        targeted: whether it can aim at a class.
        slow: whether it is left out on all nets but the main one.
        setting: for people to read.
    """

    family: str
    run: Attack
    targeted: bool = True
    slow: bool = False
    setting: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is this project's."""
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


def foolbox(name: str, **settings: Any) -> Attack:
    """An attack of foolbox."""

    def run(model, images, labels, targets):
        import foolbox

        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        if targets is None:
            criterion = foolbox.criteria.Misclassification(labels)
        else:
            criterion = foolbox.criteria.TargetedMisclassification(targets)
        attack = getattr(foolbox.attacks, name)(**settings)
        found, _, _ = attack(wrapped, images, criterion, epsilons=None)
        return found

    return run


def brendel_bethge(steps: int) -> Attack:
    """Foolbox's Brendel-Bethge attack, begun where DDN ends, as its authors begin at a success."""

    def run(model, images, labels, targets):
        import foolbox

        start = adv_lib("ddn", steps=20, levels=None)(model, images, labels, targets)
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        criterion = (
            foolbox.criteria.Misclassification(labels)
            if targets is None
            else foolbox.criteria.TargetedMisclassification(targets)
        )
        attack = foolbox.attacks.L2BrendelBethgeAttack(steps=steps)
        found, _, _ = attack(wrapped, images, criterion, epsilons=None, starting_points=start)
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


METHODS = {
    "closest": Method("blindspots closest", ours("closest")),
    "closest, fast": Method("blindspots closest", ours("closest", rounds=3), setting="3 rounds"),
    "lbfgs": Method("blindspots lbfgs", ours("lbfgs")),
    "SciPy L-BFGS-B": Method(
        "SciPy L-BFGS-B", scipy_lbfgs(12, 3.0, 4.0), slow=True, setting="12 values of c"
    ),
    **{
        f"DDN {steps}": Method("adv-lib ddn", adv_lib("ddn", steps=steps, levels=None))
        for steps in (20, 50, 100, 300, 1000)
    },
    **{
        f"ALMA {steps}": Method("adv-lib alma", adv_lib("alma", num_steps=steps, distance="l2"))
        for steps in (100, 300, 1000)
    },
    **{
        f"FMN {steps}": Method("adv-lib fmn", adv_lib("fmn", norm=2, steps=steps))
        for steps in (100, 1000)
    },
    **{
        f"PDGD {steps}": Method("adv-lib pdgd", adv_lib("pdgd", num_steps=steps))
        for steps in (100, 300, 1000)
    },
    "PDPGD 1000": Method("adv-lib pdpgd", adv_lib("pdpgd", norm=2, num_steps=1000)),
    "TR 100": Method("adv-lib tr", adv_lib("tr", iter=100), targeted=False),
    **{
        f"FAB {steps}": Method("adv-lib fab", adv_lib("fab", norm=2, n_iter=steps), targeted=False)
        for steps in (20, 100)
    },
    "SuperDeepFool": Method("adv-lib sdf", adv_lib("sdf"), targeted=False),
    "C&W 9 × 100": Method(
        "adv-lib carlini_wagner_l2",
        adv_lib("carlini_wagner_l2", max_iterations=100, learning_rate=0.1),
    ),
    "C&W 9 × 1000": Method(
        "adv-lib carlini_wagner_l2", adv_lib("carlini_wagner_l2", max_iterations=1000), slow=True
    ),
    **{
        f"Brendel-Bethge {steps}": Method(
            "foolbox L2BrendelBethgeAttack", brendel_bethge(steps), slow=True
        )
        for steps in (20, 100)
    },
    "foolbox DDN 100": Method("foolbox DDNAttack", foolbox("DDNAttack", steps=100)),
    "foolbox C&W 9 × 1000": Method(
        "foolbox L2CarliniWagnerAttack", foolbox("L2CarliniWagnerAttack", steps=1000), slow=True
    ),
    "torchattacks CW 1000": Method("torchattacks CW", torchattacks("CW", c=1, steps=1000)),
    "torchattacks DeepFool": Method(
        "torchattacks DeepFool", torchattacks("DeepFool"), targeted=False, slow=True
    ),
}
