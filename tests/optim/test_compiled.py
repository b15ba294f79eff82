import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from blindspots.optim.batch import Batch, side_by_side
from blindspots.optim.compiled import CompiledBatch


def quartic(x, rows):
    centred = x - torch.linspace(-1, 1, x.shape[1], dtype=x.dtype)
    value = (centred**4).sum(dim=1) + x.sum(dim=1) ** 2 / 2
    return value, 4 * centred**3 + x.sum(dim=1, keepdim=True)


def test_on_the_processor_the_compiled_steps_are_taken():
    batch = side_by_side(quartic, torch.zeros(2, 3), 0.0, 1.0, history=2)
    assert isinstance(batch, CompiledBatch)


@settings(max_examples=25)
@given(
    n=st.integers(1, 40),
    d=st.integers(1, 12),
    history=st.integers(1, 5),
    weight=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
)
def test_the_compiled_steps_are_those_of_the_plain_batch(n, d, history, weight, seed):
    start = torch.from_numpy(np.random.default_rng(seed).uniform(-2, 2, (n, d)))
    bound = torch.from_numpy(np.random.default_rng(seed + 1).uniform(0.5, 2, (n, d)))
    plain, compiled = (
        kind(quartic, start, -bound, 1.0, history=history) for kind in (Batch, CompiledBatch)
    )
    for batch in (plain, compiled):
        batch.weight[:] = weight
    for _ in range(6):
        plain.step()
        compiled.step()
        for name in ("accepted", "finite", "failures"):
            assert torch.equal(getattr(plain, name), getattr(compiled, name))
        for name in ("x", "value", "gradient", "change", "distance", "damping", "moved", "work"):
            # Sums in another order: six quasi-Newton steps enlarge their roundings.
            one, other = getattr(plain, name), getattr(compiled, name)
            assert torch.allclose(one, other, rtol=1e-6, atol=1e-6), name
