"""Attacks: model, images, labels, targets to perturbed images; upper bounds on the smallest one."""

from blindspots.attacks.closest import closest
from blindspots.attacks.gaussian import gaussian
from blindspots.attacks.lbfgs import lbfgs

__all__ = ["closest", "gaussian", "lbfgs"]
