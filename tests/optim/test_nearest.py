import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from blindspots.interface import Status
from blindspots.optim.nearest import nearest


def programs(n, m, d, seed):
    """Projections that have a solution: the constraints hold at a random point of the box."""
    rng = np.random.default_rng(seed)
    centre, inside = rng.uniform(0, 1, (2, n, d))
    normals = rng.standard_normal((n, m, d))
    reach = np.einsum("nmd,nd->nm", normals, inside - centre)
    offsets = reach - rng.exponential(0.1, (n, m))
    return (torch.from_numpy(array) for array in (centre, normals, offsets))


def scipy_nearest(centre, normals, offsets):
    return minimize(
        lambda x: (np.sum((x - centre) ** 2) / 2, x - centre),
        centre,
        jac=True,
        bounds=[(0, 1)] * len(centre),
        constraints={
            "type": "ineq",
            "fun": lambda x: normals @ (x - centre) - offsets,
            "jac": lambda _: normals,
        },
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )


@settings(max_examples=25)
@given(m=st.integers(1, 6), d=st.integers(6, 20), seed=st.integers(0, 1000))
@example(m=5, d=6, seed=29)  # singular Hessians on the way
def test_reaches_scipys_nearest_point(m, d, seed):
    centre, normals, offsets = programs(3, m, d, seed)
    found = nearest(centre, normals, offsets, 0.0, 1.0, max_iterations=50)
    for i in range(3):
        expected = scipy_nearest(centre[i].numpy(), normals[i].numpy(), offsets[i].numpy())
        if not expected.success:
            continue
        assert found.violation[i] < 1e-5
        assert found.status[i] == Status.CONVERGED
        assert np.abs(found.x[i].numpy() - expected.x).max() < 1e-4


def test_a_half_space_without_a_box_has_a_closed_form():
    generator = torch.Generator().manual_seed(0)
    centre = torch.randn(8, 30, generator=generator, dtype=torch.float64)
    normal = torch.randn(8, 30, generator=generator, dtype=torch.float64)
    offset = torch.rand(8, generator=generator, dtype=torch.float64)
    found = nearest(centre, normal[:, None], offset[:, None], -100.0, 100.0)
    expected = centre + (offset / normal.square().sum(dim=1))[:, None] * normal
    assert torch.allclose(found.x, expected, atol=1e-5)


def test_a_centre_that_meets_every_constraint_stays():
    centre, normals, _ = programs(4, 3, 10, 0)
    found = nearest(centre, normals, torch.full((4, 3), -1.0, dtype=torch.float64), 0.0, 1.0)
    assert torch.equal(found.x, centre)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_no_point_of_the_box_meets_is_infeasible_and_the_others_are_solved(dtype):
    centre, normals, offsets = (t.to(dtype) for t in programs(3, 2, 10, 0))
    alone = nearest(centre, normals, offsets, 0.0, 1.0).x
    offsets[1] = 1e3
    found = nearest(centre, normals, offsets, 0.0, 1.0)
    assert found.status.tolist() == [Status.CONVERGED, Status.INFEASIBLE, Status.CONVERGED]
    assert torch.allclose(found.x[[0, 2]], alone[[0, 2]], atol=1e-5)
    assert ((found.x >= 0) & (found.x <= 1)).all()


@pytest.mark.parametrize("flushed", [False, True])
def test_a_constraint_without_a_normal_is_infeasible_and_leaves_the_others_alone(flushed):
    centre = torch.full((1, 6), 0.5)
    normals = torch.stack([torch.zeros(1, 6), torch.eye(6)[:1]], dim=1)
    torch.set_flush_denormal(flushed)
    try:
        found = nearest(centre, normals, torch.tensor([[1.0, 0.25]]), 0.0, 1.0)
        met = nearest(centre, normals, torch.tensor([[-1.0, 0.25]]), 0.0, 1.0)
    finally:
        torch.set_flush_denormal(False)
    assert found.status.tolist() == [Status.INFEASIBLE]
    assert met.status.tolist() == [Status.CONVERGED]
    for one in (found, met):
        assert torch.allclose(one.x, torch.tensor([[0.75, 0.5, 0.5, 0.5, 0.5, 0.5]]))
