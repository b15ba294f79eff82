"""Making examples, and replacing them in a pool, without any training."""

import pytest
import torch

from blindspots.interface import UNIT_BOX, Box
from blindspots.trainers import _levels, _pools
from blindspots.trainers._examples import examples, lengths


@pytest.mark.parametrize("level", [0, 1, 2])
def test_examples_are_wrong_or_as_long_as_allowed_and_in_the_box(level, sigmoid_net, digits):
    images, labels = digits[0][:200], digits[1][:200]
    levels = _levels.Levels(sigmoid_net)
    points = levels.below(level)(images).detach()
    settings = {"steps": 12, "generator": torch.Generator()}
    above, box = levels.above(level), levels.box(level, UNIT_BOX)
    for factor, strength in ((1.0, 0.05), (2.0, 0.1), (1.0, 10.0)):
        made = examples(
            "closest", above, points, labels, box, factor=factor, strength=strength, **settings
        )
        length = lengths(made - points)
        wrong = above(made).argmax(dim=1) != labels
        assert made.min() >= 0 and made.max() <= 1
        assert length.max() <= strength * (1 + 1e-5)
        if factor == 1:
            assert (wrong | (length > 0.999 * strength) | (length < strength / 1e3)).all()
    assert wrong.double().mean() > 0.95  # without a limit


def test_a_factor_moves_the_nearest_examples_as_many_times_as_far(sigmoid_net, digits):
    images, labels = digits[0][:100], digits[1][:100]
    settings = {"strength": 10.0, "steps": 12, "generator": torch.Generator()}
    near, far = (
        examples("closest", sigmoid_net, images, labels, UNIT_BOX, factor=f, **settings)
        for f in (1.0, 2.0)
    )
    assert torch.allclose(far, (images + 2 * (near - images)).clamp(0, 1), atol=1e-6)
    assert lengths(far - images).mean() > 1.3 * lengths(near - images).mean() > 0


def test_noise_is_as_long_as_the_nearest_examples_and_goes_elsewhere(sigmoid_net, digits):
    images, labels = digits[0][:100], digits[1][:100]
    settings = {"strength": 0.08, "factor": 1.5, "steps": 12}
    near, noise = (
        examples(
            kind, sigmoid_net, images, labels, UNIT_BOX, **settings, generator=torch.Generator()
        )
        for kind in ("closest", "noise")
    )
    assert torch.allclose(lengths(noise - images), lengths(near - images), rtol=1e-4)
    assert noise.min() >= 0 and noise.max() <= 1
    changes = [(x - images).flatten(1) for x in (near, noise)]
    assert torch.nn.functional.cosine_similarity(*changes).abs().mean() < 0.2


def test_a_sign_step_is_of_the_stated_size_in_every_pixel_and_raises_the_loss(sigmoid_net, digits):
    images, labels = digits[0][:100], digits[1][:100]
    made = examples(
        "sign", sigmoid_net, images, labels, Box(-1.0, 2.0), strength=0.05, factor=1.0, steps=1,
        generator=torch.Generator(),
    )  # fmt: skip
    assert torch.allclose((made - images).abs(), torch.full_like(images, 0.05), atol=1e-6)
    before, after = (
        torch.nn.functional.cross_entropy(sigmoid_net(x), labels) for x in (images, made)
    )
    assert after > before


def test_a_refresh_replaces_the_share_asked_for_at_random_places():
    seen = []

    def make(rows):
        """Points that encode their image, and lengths that encode when they were made."""
        seen.append(rows)
        return rows[:, None].float(), torch.full((len(rows),), float(len(seen)))

    pool = _pools.Pool(0, 100, 500, make, torch.Generator().manual_seed(0))
    pool.fill()
    places = torch.zeros(100, dtype=torch.int64)
    for time in range(2, 52):
        rows, made = pool.rows.clone(), pool.lengths.clone()
        pool.refresh(0.1)
        is_new = pool.lengths == time
        assert is_new.sum() == 10
        assert torch.equal(pool.rows[is_new].sort().values, seen[-1].sort().values)
        assert torch.equal(pool.rows[~is_new], rows[~is_new])
        assert torch.equal(pool.lengths[~is_new], made[~is_new])
        assert torch.equal(pool.points[:, 0], pool.rows.float())
        places += is_new
    assert [len(rows) for rows in seen] == [100] + [10] * 50
    assert (places > 0).sum() > 90  # all but a share of 0.9^50
    assert len(torch.cat(seen).unique()) > 300  # of 500 images, drawn 600 times
