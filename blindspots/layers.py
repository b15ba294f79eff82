"""Layers of the paper's networks that PyTorch does not have."""

from __future__ import annotations

from torch import Tensor, nn

from blindspots.interface import InputError


class ContrastNormalisation(nn.Module):
    """x / (ε + ‖x‖²)^γ of every image as a whole (Szegedy et al. 2013, section 4.3).

    Raises:
        InputError: ε not above 0, or γ outside [½, 1].
    """

    def __init__(self, epsilon: float, gamma: float = 0.5) -> None:
        """Create the layer with epsilon above 0 and gamma in [½, 1]."""
        super().__init__()
        if epsilon <= 0 or not 0.5 <= gamma <= 1:
            raise InputError(
                "expected epsilon above 0 and gamma from 0.5 to 1, "
                f"found epsilon {epsilon} and gamma {gamma}"
            )
        self.epsilon, self.gamma = epsilon, gamma

    def forward(self, x: Tensor) -> Tensor:
        """(n, …) to the same shape."""
        squared = x.flatten(1).square().sum(dim=1)
        return x / (self.epsilon + squared).pow(self.gamma).view(-1, *[1] * (x.ndim - 1))
