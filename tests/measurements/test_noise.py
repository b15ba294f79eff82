"""Noise as a control: its length is exact, and on a linear net its error has a closed form."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy import special, stats

from blindspots.files.images import Images
from blindspots.interface import UNBOUNDED, Box
from blindspots.measurements import directions, sweep
from blindspots.measurements.controls import NOISE, NOISE_IN_BOX, NOISES
from blindspots.measurements.exhibits import Exhibit

SIDE, DRAWS = 4, 1500
PIXELS = SIDE * SIDE
RANGES = Box(torch.full((1, SIDE, SIDE), -0.5), torch.linspace(1, 2, PIXELS).view(1, SIDE, SIDE))
BOXES = {"unit": Box(0.0, 1.0), "of each feature": RANGES, "none": UNBOUNDED}


def images(n, box=BOXES["unit"]):
    """Images of class 0, some of whose pixels are at the ends of [0, 1]."""
    drawn = torch.rand(n, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 0.5
    drawn = drawn.clamp(0, 1).double()
    return Images(drawn, torch.zeros(n, dtype=torch.int64), np.arange(n) + 7, "test", 2, box, "D")


def shown(data, model, lengths):
    """Return the radii of a source whose perturbations have these lengths (n,), L2, as a frame."""
    distortion = np.asarray(lengths) / PIXELS**0.5
    step = torch.from_numpy(distortion).view(-1, 1, 1, 1)
    found = np.ones(len(data), bool), distortion
    exhibit = Exhibit("A", "steps", None, None, data, data.images + step, *found)
    settings = sweep.Settings("e", [0.1], draws=DRAWS, seed=3, chunk=64)
    parts = sweep.swept(data, [exhibit], {"A": model}, settings)
    return pa.concat_tables(part["radii"] for part in parts if "radii" in part).to_pandas()


def half_space(weight, offset):
    """A net of two classes: the second if weight · x is above the offset."""
    return lambda x: torch.stack(
        [offset - x.flatten(1) @ weight, x.flatten(1) @ weight - offset], 1
    )


def share(distance, length):
    """Share of the sphere of a radius that lies beyond a plane at a distance from its centre."""
    return special.betainc((PIXELS - 1) / 2, 0.5, 1 - (distance / length) ** 2) / 2


def assert_binomial(counts, shares):
    low, high = stats.binom.interval(0.9999, DRAWS, shares)
    assert ((low <= counts) & (counts <= high)).all()


@pytest.mark.parametrize("box", BOXES)
def test_noise_has_exactly_the_length_asked_for_and_leaves_the_box_or_not(box):
    data = images(30, BOXES[box])
    wanted = torch.linspace(0.01, 0.9, 30, dtype=torch.float64)
    seen = list(directions.noise(data, 3, seed=0))
    assert [kind for kind, _ in seen] == [NOISE, NOISE_IN_BOX] * 3
    for kind, direction in seen:
        _, reached, moved = direction.at(wanted)
        length = (moved - data.images).flatten(1).square().mean(dim=1).sqrt()
        assert torch.allclose(length[reached], wanted[reached], rtol=1e-9)
        inside = torch.equal(moved, moved.clamp(*data.box))
        assert inside == (kind == NOISE_IN_BOX or box == "none")
        assert reached.all() or (kind == NOISE_IN_BOX and box != "none")


def test_both_kinds_have_the_same_directions():
    data = images(30)
    seen = list(directions.noise(data, 2, seed=0))
    for (_, free), (_, boxed) in zip(seen[::2], seen[1::2], strict=True):
        unclipped, clipped = (d.at(0.2)[2] - data.images for d in (free, boxed))
        ends = data.images + clipped
        scale = (clipped / unclipped).where((ends > 0) & (ends < 1), torch.nan).flatten(1)
        each = scale.nanmedian(dim=1, keepdim=True)[0]
        assert (scale / each - 1).nan_to_num(0).abs().max() < 1e-9
        assert (each >= 1).all() and (each > 1.1).any()  # the length of pixels that stop


def test_directions_are_uniform_on_the_sphere():
    """A coordinate u of a uniform direction has (u + 1)/2 ~ Beta((m − 1)/2, (m − 1)/2)."""
    data = images(2)
    kinds = directions.noise(data, DRAWS, seed=1)
    ends = [direction.at(0.5)[2] - data.images for kind, direction in kinds if kind == NOISE]
    unit = torch.stack(ends).flatten(2) / (0.5 * PIXELS**0.5)
    assert torch.allclose(unit.norm(dim=2), torch.ones(()).double())
    axis = np.random.default_rng(0).standard_normal(PIXELS)
    along = (unit[:, 0].numpy() @ axis) / np.linalg.norm(axis)
    half = (PIXELS - 1) / 2
    assert stats.kstest((along + 1) / 2, stats.beta(half, half).cdf).pvalue > 1e-4


def test_a_linear_nets_error_under_noise_is_the_share_of_a_sphere_beyond_its_plane():
    data, generator = images(24), torch.Generator().manual_seed(1)
    weight = torch.randn(PIXELS, generator=generator, dtype=torch.float64)
    offset = (data.images.flatten(1) @ weight).max() + 0.3
    distances = ((offset - data.images.flatten(1) @ weight) / weight.norm()).numpy()
    lengths = distances * np.tile([1.05, 1.2, 1.5, 2, 3, 6], 4)
    rows = shown(data, half_space(weight, offset), lengths)
    assert rows["noise_draws"].eq(DRAWS).all()
    assert_binomial(rows["noise_fooled"], share(distances, lengths))


def test_in_the_box_noise_brightens_black_images_and_on_the_sphere_it_does_not():
    """From black, noise in the box is at least its length / √m along the direction to white."""
    data = images(7)
    data.images[:6] = 0
    length = 0.4
    distance = 0.99 * length / PIXELS**0.5
    net = half_space(torch.ones(PIXELS).double(), distance * PIXELS**0.5)
    rows = shown(data, net, [length] * 7)[:6]
    assert (rows["noise_in_box_fooled"] == rows["noise_in_box_draws"]).all()
    assert rows["noise_in_box_draws"].gt(0.99 * DRAWS).all()  # unless no pixel becomes brighter
    assert_binomial(rows["noise_fooled"], share(distance, length))
    assert rows["noise_fooled"].lt(DRAWS / 4).all()


@pytest.mark.parametrize("box", BOXES)
def test_without_a_box_alone_both_kinds_are_the_same_noise(box):
    data, generator = images(12, BOXES[box]), torch.Generator().manual_seed(2)
    weight = torch.randn(PIXELS, generator=generator, dtype=torch.float64)
    rows = shown(data, half_space(weight, (data.images.flatten(1) @ weight).max()), [1.0] * 12)
    counts = [
        [f"{kind}_{of}" for of in ("fooled", "rejected", "draws")] for kind in NOISES.values()
    ]
    one, other = (rows[names].to_numpy() for names in counts)
    assert np.array_equal(one, other) == (box == "none")


def test_noise_that_does_not_fit_in_the_box_is_counted_out_of_it_alone():
    data = images(4)
    net = half_space(torch.ones(PIXELS).double(), 100.0)
    rows = shown(data, net, [3 * PIXELS**0.5] * 4)
    assert rows["noise_draws"].eq(DRAWS).all() and rows["noise_fooled"].notna().all()
    assert rows["noise_in_box_draws"].eq(0).all() and rows["noise_in_box_fooled"].isna().all()
