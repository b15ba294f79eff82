"""A batch of problems, each stepped to its end, against SciPy's solvers."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, minimize, rosen, rosen_der
from torch import Tensor

from blindspots.interface import Status
from blindspots.optim import batch as module
from blindspots.optim.batch import FAILURES, Batch
from blindspots.optim.compiled import CompiledBatch


@pytest.fixture(params=[Batch, CompiledBatch], scope="module")
def kind(request):
    """The plain batch, for all devices, and the compiled one; every test holds for both."""
    return request.param


class Minimum(NamedTuple):
    """The end of each problem.

    Attributes:
        x: (n, d) last iterate, which has the lowest value seen, except for rounding.
        value: (n,) objective there.
        status: (n,) int64, values of `Status`.
        iterations: (n,) int64, steps that succeeded.
        evaluations: (n,) int64, evaluations of the objective and its gradient.
    """

    x: Tensor
    value: Tensor
    status: Tensor
    iterations: Tensor
    evaluations: Tensor


@pytest.fixture(scope="module")
def minimise(kind):
    """Minimise n functions of d variables, each within its own bounds, to its own end."""

    def minimised(
        objective, start, lower, upper, *, max_iterations=100, gradient_tolerance=1e-5,
        value_tolerance=1e-9,
    ):  # fmt: skip
        batch = kind(objective, start, lower, upper, history=10)
        counts = torch.zeros(3, len(start), dtype=torch.int64, device=start.device)
        value = torch.full_like(batch.weight, torch.nan)
        result = Minimum(start.clone(), value, *counts)
        while len(batch.rows):
            before = batch.value.clone()
            batch.step()
            rows, first = batch.rows, before.isinf()
            result.evaluations[rows] += 1
            result.iterations[rows] += (batch.accepted & ~first).long()
            settled = before - batch.value <= value_tolerance * batch.value.abs()
            settled |= projected_gradient(batch).abs().amax(dim=1) <= gradient_tolerance
            status = torch.full_like(rows, -1)
            status[result.iterations[rows] >= max_iterations] = Status.ITERATION_LIMIT
            status[batch.accepted & settled] = Status.CONVERGED
            failed = batch.failures >= FAILURES
            status[failed] = Status.LINE_SEARCH_FAILED
            status[(failed | first) & ~batch.finite] = Status.NON_FINITE
            ended = status >= 0
            at = rows[ended]
            result.x[at], result.value[at] = batch.x[ended], batch.value[ended]
            result.status[at] = status[ended]
            batch.replace(ended)
        return result

    return minimised


def projected_gradient(batch):
    """Return x − P(x − ∇φ), (k, d): 0 at a stationary point."""
    return batch.x - (batch.x - batch._total()).clamp(*batch._bounds(batch.rows))


def rosenbrock(x, rows):
    x = x.detach().requires_grad_()
    value = (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(dim=1)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def quadratics(n, d, seed=0, dtype=torch.float64):
    """n strictly convex quadratics, and the function that evaluates them."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(n, d, d, generator=generator, dtype=dtype)
    hessian = root @ root.mT / d + 0.1 * torch.eye(d, dtype=dtype)
    linear = torch.randn(n, d, generator=generator, dtype=dtype)

    def objective(x, rows):
        product = torch.einsum("nij,nj->ni", hessian[rows], x)
        return (x * product).sum(dim=1) / 2 - (linear[rows] * x).sum(dim=1), product - linear[rows]

    return hessian, linear, objective


def scipy_minimum(hessian, linear, lower, upper):
    """Solve ½ ‖R x − R⁻ᵀ b‖², RᵀR = H, by SciPy's active-set method: its L-BFGS-B may end early."""
    root = np.linalg.cholesky(hessian).T
    x = lsq_linear(
        root, np.linalg.solve(root.T, linear), (lower, upper), method="bvls", tol=1e-14
    ).x
    return x @ hessian @ x / 2 - linear @ x


@pytest.mark.parametrize("bounds", [(-0.5, 0.8), (0.0, 0.5), (0.2, 3.0)])
def test_reaches_scipys_minimum_of_rosenbrock_within_bounds(minimise, bounds):
    starts = torch.from_numpy(np.random.default_rng(0).uniform(-2, 2, (12, 6)))
    found = minimise(rosenbrock, starts, *bounds, max_iterations=500, gradient_tolerance=1e-8)
    for start, value in zip(starts.numpy(), found.value.tolist(), strict=True):
        expected = minimize(
            rosen, start.clip(*bounds), jac=rosen_der, method="L-BFGS-B", bounds=[bounds] * 6
        )
        assert value == pytest.approx(expected.fun, rel=1e-5, abs=1e-7)


@settings(max_examples=25)
@given(
    n=st.integers(1, 5), d=st.integers(1, 12), width=st.floats(0.01, 2.0), seed=st.integers(0, 99)
)
@example(n=5, d=4, width=1.75, seed=4)  # where SciPy's L-BFGS-B ends far above it
def test_reaches_scipys_minimum_of_any_bounded_quadratic(minimise, n, d, width, seed):
    hessian, linear, objective = quadratics(n, d, seed)
    start = torch.zeros(n, d, dtype=torch.float64)
    found = minimise(
        objective,
        start,
        -width,
        width,
        max_iterations=2000,
        value_tolerance=0,
        gradient_tolerance=1e-9,
    )
    assert (found.x.abs() <= width).all()
    for i in range(n):
        expected = scipy_minimum(hessian[i].numpy(), linear[i].numpy(), -width, width)
        assert found.value[i].item() == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_a_problem_does_not_depend_on_the_others_in_its_batch(minimise):
    _, _, objective = quadratics(8, 10)
    start = torch.zeros(8, 10, dtype=torch.float64)
    together = minimise(objective, start, -0.2, 0.2)
    for i in range(8):
        alone = minimise(lambda x, rows, i=i: objective(x, rows + i), start[i : i + 1], -0.2, 0.2)
        assert torch.allclose(alone.x[0], together.x[i], rtol=1e-10, atol=1e-12)
        assert alone.iterations[0] == together.iterations[i]


def test_each_problem_has_its_own_bounds(minimise):
    _, _, objective = quadratics(2, 4)
    upper = torch.tensor([[0.1] * 4, [0.3] * 4], dtype=torch.float64)
    found = minimise(objective, torch.zeros(2, 4, dtype=torch.float64), -upper, upper)
    assert (found.x.abs() <= upper).all()
    assert found.x[1].abs().max() > 0.1


def test_never_ends_above_its_start(minimise):
    starts = torch.from_numpy(np.random.default_rng(1).uniform(-2, 2, (20, 5)))
    before, _ = rosenbrock(starts, None)
    for limit in (1, 2, 5):
        found = minimise(rosenbrock, starts, -2, 2, max_iterations=limit)
        assert (found.value <= before).all()
        assert (found.iterations <= limit).all()


def test_a_start_outside_the_bounds_is_clipped(minimise):
    found = minimise(rosenbrock, torch.full((1, 3), 9.0), 0.0, 0.5)
    assert ((found.x >= 0) & (found.x <= 0.5)).all()


def test_status_tells_converged_from_the_iteration_limit(minimise):
    starts = torch.full((1, 6), -1.0, dtype=torch.float64)
    assert minimise(rosenbrock, starts, -2, 2, max_iterations=3).status == Status.ITERATION_LIMIT
    assert minimise(rosenbrock, starts, -2, 2, max_iterations=500).status == Status.CONVERGED


def test_a_value_that_is_not_finite_ends_its_problem_alone(minimise):
    _, _, objective = quadratics(3, 4)

    def broken(x, rows):
        value, gradient = objective(x, rows)
        return torch.where(rows == 1, torch.nan, value), gradient

    found = minimise(broken, torch.zeros(3, 4, dtype=torch.float64), -1, 1)
    assert found.status.tolist() == [Status.CONVERGED, Status.NON_FINITE, Status.CONVERGED]


def test_counts_its_evaluations(minimise):
    calls = torch.zeros(3, dtype=torch.int64)
    _, _, objective = quadratics(3, 10)

    def counted(x, rows):
        calls[rows] += 1
        return objective(x, rows)

    found = minimise(counted, torch.zeros(3, 10, dtype=torch.float64), -0.1, 0.1)
    assert torch.equal(calls, found.evaluations)


def test_float32_gets_as_near_as_float32_can(minimise):
    hessian, linear, single = quadratics(4, 10, dtype=torch.float32)
    found = minimise(single, torch.zeros(4, 10), -0.3, 0.3)
    for i in range(4):
        expected = scipy_minimum(hessian[i].double().numpy(), linear[i].double().numpy(), -0.3, 0.3)
        assert found.value[i].item() == pytest.approx(expected, rel=1e-5)


def test_a_problem_waits_for_a_place_and_ends_as_it_would_alone(minimise, monkeypatch):
    _, _, objective = quadratics(11, 10)
    start = torch.zeros(11, 10, dtype=torch.float64)
    together = minimise(objective, start, -0.2, 0.2)
    monkeypatch.setattr(module, "WIDTH", 3)
    few = minimise(objective, start, -0.2, 0.2)
    assert torch.allclose(few.x, together.x, rtol=1e-10, atol=1e-12)
    assert torch.equal(few.iterations, together.iterations)


def test_a_proximal_weight_may_change_on_the_way(kind):
    n, d = 4, 8
    hessian, linear, objective = quadratics(n, d)
    start = torch.from_numpy(np.random.default_rng(3).uniform(-1, 1, (n, d)))
    batch = kind(objective, start, -100.0, 100.0, history=8)
    for weight in (5.0, 0.5, 0.05):
        batch.weight[:] = weight
        for _ in range(80):
            batch.step()
        # (H + 2w I) x = b + 2w start; what is left in values is their rounding, 4e-13 for 1e-7 in x
        system = hessian + 2 * weight * torch.eye(d, dtype=torch.float64)
        expected = torch.linalg.solve(system, linear + 2 * weight * start)
        left = batch.x - expected
        above = (left[:, None] @ system @ left[:, :, None])[:, 0, 0] / 2
        assert (above < 1e-12).all()


def test_a_region_without_finite_values_is_stepped_back_from(minimise):
    def objective(x, rows):
        return (x - x.log()).sum(dim=1), 1 - 1 / x

    start = torch.tensor([[0.01, 3.0], [2.0, 0.5]], dtype=torch.float64)
    found = minimise(objective, start, -5.0, 5.0, gradient_tolerance=1e-8)
    assert torch.allclose(found.x, torch.ones(2, 2, dtype=torch.float64), atol=1e-6)


def test_what_moves_a_problem_elsewhere_begins_it_anew_there(kind):
    _, _, objective = quadratics(3, 6)
    batch = kind(objective, torch.zeros(3, 6, dtype=torch.float64), -1.0, 1.0, history=4)
    for _ in range(5):
        batch.step()
    before = batch.x.clone()
    batch.move(torch.tensor([1]), torch.full((1, 6), 0.25, dtype=torch.float64))
    batch.step()
    assert torch.equal(batch.x[1], torch.full((6,), 0.25, dtype=torch.float64))
    assert batch.distance[1].item() == pytest.approx(6 * 0.25**2)
    assert not torch.equal(batch.x[0], before[0])
