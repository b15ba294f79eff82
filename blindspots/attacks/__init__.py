"""Attacks: model, images, labels, targets to perturbed images; upper bounds on the smallest one."""

from blindspots.attacks.closest import closest
from blindspots.attacks.gaussian import gaussian
from blindspots.attacks.identity import identity
from blindspots.attacks.lbfgs import lbfgs
from blindspots.attacks.other_image import other_image
from blindspots.attacks.sphere import sphere

__all__ = ["closest", "gaussian", "identity", "lbfgs", "other_image", "sphere"]
