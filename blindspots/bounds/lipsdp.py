"""LipSDP-Neuron: the best Λ for a chain, by a semidefinite program."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from blindspots.bounds.chains import Chain, Choice, eclipse_fast, recursion
from blindspots.interface import UnsupportedError


def lipsdp(network: Chain) -> tuple[Choice, float]:
    """The diagonals Λ_i and the smallest ρ for which √ρ bounds the network.

    Minimise ρ subject to the block tridiagonal matrix of ρ I, Λ_1, …, Λ_{k−1} − W_kᵀ W_k with
    −½ Λ_i W_i below its diagonal being positive semidefinite (Fazlyab et al. 2019, theorem 2, with
    slopes in [0, 1]). The input enters only by W_1: with W_1ᵀ = Q R it is reduced to R's rows.
    Unknowns are in units of ECLipsE-Fast's answer, so that all are about 1.

    Raises:
        UnsupportedError: the solver ended without an answer.
    """
    if not all(W.any() for W in (*network.hidden, network.last)):
        return eclipse_fast, 1.0  # the network is constant
    start, _ = recursion(network, eclipse_fast, 1.0)
    reduced = [np.linalg.qr(network.hidden[0].T)[1].T, *network.hidden[1:]]
    units = [np.ones(reduced[0].shape[1]), *(Λ**-0.5 for Λ in start)]
    last = network.last * units[-1]
    scale = float(np.linalg.norm(last, 2)) ** 2
    rho = cp.Variable(nonneg=True)
    diagonals = [cp.Variable(len(W), nonneg=True) for W in reduced]
    blocks: list[list[object]] = [[np.zeros((len(a), len(b))) for b in units] for a in units]
    blocks[0][0] = rho * np.eye(len(units[0]))
    for i, (W, Λ) in enumerate(zip(reduced, diagonals, strict=True), start=1):
        blocks[i][i] = cp.diag(Λ)
        scaled = W * units[i - 1] / units[i][:, None]
        blocks[i][i - 1] = -0.5 * cp.diag(Λ) @ scaled
        blocks[i - 1][i] = -0.5 * scaled.T @ cp.diag(Λ)
    blocks[-1][-1] = cp.diag(diagonals[-1]) - last.T @ last / scale
    problem = cp.Problem(cp.Minimize(rho), [cp.bmat(blocks) >> 0])
    try:
        problem.solve(solver=cp.SCS, eps=1e-4, max_iters=20_000)
    except cp.SolverError as error:
        raise UnsupportedError(
            f"method lipsdp: expected a solution, found that the solver failed ({error}); "
            "use method eclipse"
        ) from None
    if rho.value is None:
        raise UnsupportedError(
            f"method lipsdp: expected a solution, found status {problem.status}; use method eclipse"
        )
    found = [Λ.value / unit**2 for Λ, unit in zip(diagonals, units[1:], strict=True)]
    return lambda layer, passed: found[layer], float(rho.value)
