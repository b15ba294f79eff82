"""Tighter bounds for chains: linear maps with an elementwise function after each but the last.

Chains are fully connected networks, and small convolutional ones, whose convolutions are written
out as matrices. Every function has slopes in [0, β]; β is moved into the map before it, so that
below all slopes are in [0, 1]. With X_0 = ρ I and diagonal Λ_i > 0 such that, for every hidden
layer,

    X_i = Λ_i − ¼ Λ_i W_i X_{i−1}⁻¹ W_iᵀ Λ_i ≻ 0,

the change Δv of the last hidden layer has Δvᵀ X Δv ≤ ρ ‖Δx‖². So the logits r Δv of some rows r are
√(ρ r X⁻¹ rᵀ)-Lipschitz. The methods differ in the choice of Λ: one number per layer, in closed form
(ECLipsE-Fast), or the best diagonal, by a semidefinite program (LipSDP-Neuron). Whatever the
choice, the bound that follows from it is computed and proven again: no solver is trusted.

Xu and Sivaranjani 2024, "ECLipsE: Efficient compositional Lipschitz constant estimation for deep
neural networks", theorem 2 and algorithm 1; Fazlyab et al. 2019, "Efficient and accurate estimation
of Lipschitz constants for deep neural networks", theorem 2.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from torch import nn

from blindspots.bounds.elementwise import Elementwise, elementwise
from blindspots.bounds.graph import exact, steps
from blindspots.bounds.layers import batch_norm_scales
from blindspots.bounds.matrices import UNIT, largest_eigenvalue, positive_definite
from blindspots.bounds.operators import DENSE_ENTRIES, dense_matrix
from blindspots.bounds.walk import Step, Value
from blindspots.interface import UnsupportedError


class Function(NamedTuple):
    """Function after a matrix: v = ψ(W x + b), with ψ(y) = φ(y / β).

    Attributes:
        offset: b, multiplied by β like W.
        apply: φ.
        known: the function φ with its slopes.
    """

    offset: np.ndarray
    apply: Callable[[torch.Tensor], torch.Tensor]
    known: Elementwise

    def values(self, y: np.ndarray) -> np.ndarray:
        """ψ(y)."""
        return self.apply(torch.from_numpy(y / self.known.slope)).numpy()

    def slopes(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Bounds on the slopes of ψ in intervals, at most 1."""
        β = self.known.slope
        return np.minimum(self.known.within(low / β, high / β) / β, 1)


class Chain(NamedTuple):
    """A network as matrices (outputs, inputs) in float64.

    Attributes:
        hidden: hidden layers, each followed by a function of slopes in [0, 1].
        last: the map from the last hidden layer to the logits.
        functions: those functions; bounds that hold everywhere do not need them.
    """

    hidden: list[np.ndarray]
    last: np.ndarray
    functions: Sequence[Function] = ()


class Metric(NamedTuple):
    """Proven bound on the change Δv of the last hidden layer: Δvᵀ X Δv ≤ ρ ‖Δx‖²."""

    X: np.ndarray
    rho: float

    def carried(self, rows: np.ndarray) -> np.ndarray:
        """Rows as long as rows @ (last hidden layer) is steep: √ρ L⁻¹ of each, with X = L Lᵀ.

        The bound of several rows together is the norm of their matrix.
        """
        half = cholesky(self.X, lower=True)
        steep = np.sqrt(self.rho) * (1 + SLACK)
        return steep * solve_triangular(half, rows.T, lower=True).T


SLACK = 1e-9
"""Relative outward rounding, with a wide margin for solving with a well conditioned X in
float64."""

Choice = Callable[[int, np.ndarray], np.ndarray]
"""A method: map from the number of a hidden layer and its W X⁻¹ Wᵀ to the diagonal of Λ."""


def metric(network: Chain, choice: Choice, rho: float = 1.0) -> Metric:
    """Bound on a chain that follows from a choice of Λ and ρ.

    Raises:
        UnsupportedError: no bound follows from them.
    """
    if not network.hidden:
        return Metric(np.eye(network.last.shape[1]), 1.0)
    for _ in range(40):
        diagonals, X = recursion(network, choice, rho)
        for slack in (1e-7, 1e-6, 1e-5):
            claimed = None if X is None else (1 - slack) * X
            if claimed is not None and _is_proven(network, diagonals, rho, claimed):
                return Metric(claimed, rho)
        rho *= 1.001  # a solver's ρ may be too small for its Λ
    raise UnsupportedError(
        "expected weights Λ that bound the network, found none; use another method"
    )


def eclipse_fast(layer: int, passed: np.ndarray) -> np.ndarray:
    """One number per layer: λ_i = 2 / ‖W_i X_{i−1}⁻¹ W_iᵀ‖ (ECLipsE-Fast)."""
    # the output of a layer of zeros is constant: any λ will do
    return np.full(len(passed), 2 / (largest_eigenvalue(passed) * (1 + 1e-6) or 2))


def recursion(
    network: Chain, choice: Choice, rho: float
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Λ of all layers and X of the last hidden one; None if an X is not positive definite."""
    diagonals: list[np.ndarray] = []
    X = half = None
    for i, W in enumerate(network.hidden):
        solved = W.T / np.sqrt(rho) if X is None else solve_triangular(half, W.T, lower=True)
        passed = solved.T @ solved
        Λ = choice(i, passed)
        diagonals.append(Λ)
        X = np.diag(Λ) - Λ[:, None] * passed * Λ / 4
        try:
            half = cholesky(X, lower=True)
        except LinAlgError:
            return diagonals, None
    return diagonals, X


def _is_proven(
    network: Chain, diagonals: list[np.ndarray], rho: float, claimed: np.ndarray
) -> bool:
    """Return whether ρ‖Δx‖² ≥ Δvᵀ X Δv is proven for this X: a matrix is positive definite.

    ρ‖Δx‖² − Σ_i Δv_iᵀ Λ_i (W_i Δv_{i−1} − Δv_i) − Δvᵀ X Δv is a quadratic form, whose second term
    slopes in [0, 1] make non-negative. Scaled to a diagonal of about 1; Cholesky's rounding and the
    entries' is at most `2 n²` roundoffs of it.
    """
    scales = [np.full(network.hidden[0].shape[1], rho**-0.5), *(Λ**-0.5 for Λ in diagonals)]
    ends = np.cumsum([0, *map(len, scales)])
    form = np.eye(ends[-1], order="F")
    blocks = [slice(a, b) for a, b in pairwise(ends)]
    for i, (W, Λ) in enumerate(zip(network.hidden, diagonals, strict=True)):
        coupling = -0.5 * scales[i + 1][:, None] * Λ[:, None] * W * scales[i]
        form[blocks[i + 1], blocks[i]] = coupling
        form[blocks[i], blocks[i + 1]] = coupling.T
    form[blocks[-1], blocks[-1]] -= scales[-1][:, None] * claimed * scales[-1]
    form.flat[:: len(form) + 1] -= 4 * len(form) ** 2 * UNIT
    return positive_definite(form)


def chain(model: nn.Module, input_shape: Sequence[int]) -> Chain:
    """The matrices of a network that is a chain.

    Args:
        model: the network, in evaluation mode.
        input_shape: shape of an image, without the batch.

    Raises:
        UnsupportedError: branches, another layer, or one that is too large; names its path.
    """
    hidden: list[np.ndarray] = []
    functions: list[Function] = []
    linear = None  # the maps since the last function, as one
    model = exact(model, input_shape)
    device = next((parameter.device for parameter in model.parameters()), None)
    at_zero = torch.zeros(1, *input_shape, dtype=torch.float64, device=device)
    for i, step in enumerate(steps(model, input_shape)):
        known = elementwise(step.operation)
        if [x.number for x in step.tensors] != [i]:
            raise _unfit(step)
        if known is not None:
            width = step.tensors[0].size
            if linear is None and width**2 > DENSE_ENTRIES:
                raise _unfit(step)
            hidden.append(known.slope * (np.eye(width) if linear is None else linear))
            offset = known.slope * at_zero.flatten().cpu().numpy()
            functions.append(Function(offset, step.run, known))
            linear, at_zero = None, torch.zeros_like(at_zero)
            continue
        with torch.no_grad():
            at_zero = step.run(at_zero)
        if not _keeps_numbers(step):
            own = _matrix(step)
            linear = own if linear is None else own @ linear
    if linear is None:
        raise UnsupportedError(
            "expected a last layer that is linear, found another; use method product"
        )
    if not all(np.isfinite(matrix).all() for matrix in (*hidden, linear)):
        raise UnsupportedError("expected finite matrices, found others: a constant divides by 0")
    return Chain(hidden, linear, functions)


KEEPING = (
    torch.flatten, torch.reshape, torch.clone, "flatten", "view", "reshape", "clone", "contiguous",
    "detach",
)  # fmt: skip
"""Operations that change neither the numbers of a tensor nor their order."""


def _keeps_numbers(step: Step) -> bool:
    """Return whether the step only reshapes, or adds a constant."""
    if isinstance(step.operation, nn.Module):
        kept = (nn.Flatten.forward, nn.Unflatten.forward, nn.Identity.forward, nn.Dropout.forward,
                nn.Dropout2d.forward)  # fmt: skip
        return type(step.operation).forward in kept
    if step.operation in (operator.add, operator.sub, torch.add, torch.sub):
        return step.tensors[0].shape == step.result.shape and step.arguments[0] == step.tensors[0]
    return step.operation in KEEPING


def _matrix(step: Step) -> np.ndarray:
    (x,) = step.tensors
    layer = step.operation
    if x.size * step.result.size > DENSE_ENTRIES:
        raise _unfit(step)
    if not isinstance(layer, nn.Module):
        divides = step.operation is operator.truediv
        if (not divides and step.operation is not operator.mul) or len(step.arguments) != 2:
            raise _unfit(step)
        if x.shape != step.result.shape or (divides and step.arguments[0] != x):
            raise _unfit(step)
        (constant,) = (a for a in step.arguments if not isinstance(a, Value))
        numbers = torch.as_tensor(constant, dtype=torch.float64).detach().cpu()
        if numbers.numel() > 1 and numbers.shape[0] != 1:
            numbers = numbers[None]
        each = numbers.expand(1, *x.shape).flatten().numpy()
        return np.diag(1 / each if divides else each)
    if isinstance(layer, nn.Linear) and len(x.shape) > 1:
        raise _unfit(step)
    if type(layer).forward in (nn.Linear.forward, nn.Conv2d.forward):
        return dense_matrix(layer, x.shape)
    if type(layer).forward is nn.BatchNorm2d.forward:
        scales = batch_norm_scales(layer).cpu().numpy()
        return np.diag(np.repeat(scales, x.size // len(scales)))
    raise _unfit(step)


def _unfit(step: Step) -> UnsupportedError:
    return UnsupportedError(
        f"layer {step.path!r} ({step.kind}): expected a chain of linear layers and elementwise "
        "functions, small enough to be written out, found another step; use method product"
    )
