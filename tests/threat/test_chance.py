"""Stochastic nets: shares over draws, fresh draws, seeds."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from blindspots.attacks import closest
from blindspots.bounds.networks import layer_bounds
from blindspots.families import minimal
from blindspots.files import weights
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, AttackResult, Box, InputError, Status, UnsupportedError
from blindspots.jobs.attacking import attack_all
from blindspots.threat.answers import answers
from blindspots.threat.chance import by_chance, draws_of, repeats_itself, seeded
from blindspots.threat.judge import judge
from blindspots.threat.trial import trial

DRAWS, N = 400, 6


class Coin(nn.Module):
    """A net with answer 1 by the first pixel as its probability, otherwise 0; or sometimes 2."""

    def __init__(self, rejects=0.0):
        super().__init__()
        self.rejects = rejects

    def forward(self, x):
        first = x.flatten(1)[:, 0]
        chance = torch.rand(len(first), 2, device=x.device)
        heads = (chance[:, 0] < first).to(x)
        rejected = 2.0 * (chance[:, 1] < self.rejects).to(x)
        return torch.stack([1 - heads, heads, rejected], dim=1) + 0 * x.flatten(1)[:, :1]


def coin(draws=DRAWS, **settings):
    return by_chance(Coin(**settings), draws)


def pictures(*first, shape=(1, 2, 2)):
    images = torch.zeros(len(first), *shape)
    images[:, 0, 0, 0] = torch.tensor(first)
    return images


def between(share, probability, draws=DRAWS):
    """Return whether a share is within the middle 1 - 1e-9 of its binomial distribution."""
    low, high = stats.binom.interval(1 - 1e-9, draws, probability)
    return low <= round(share * draws) <= high


def test_shares_are_those_of_the_draws_and_add_up_to_one():
    images, labels = pictures(0.0, 0.2, 0.5, 0.9, 1.0), torch.zeros(5, dtype=torch.int64)
    with seeded(3, "test"):
        seen = answers(coin(rejects=0.25), images, labels, 2, 5)
    for right, wrong, rejected, p in zip(
        seen.right, seen.wrong, seen.rejected, (0, 0.2, 0.5, 0.9, 1), strict=True
    ):
        assert between(wrong, 0.75 * p) and between(right, 0.75 * (1 - p))
        assert between(rejected, 0.25)
        assert right + wrong + rejected == pytest.approx(1, abs=1e-12)
    assert seen.outcomes.tolist()[::4] == ["RIGHT", "WRONG"]
    assert seen.predictions.tolist()[3:] == [1, 1]
    assert not seen.mistaken.any()


def test_shares_are_exactly_those_of_the_same_draws_made_by_hand():
    images, labels = pictures(0.3, 0.6), torch.tensor([0, 1])
    with seeded(1, "test"):
        seen = answers(coin(5), images, labels, 2, 2)
    with seeded(1, "test"):
        heads = np.stack([Coin()(images).argmax(dim=1).numpy() for _ in range(5)])
    assert seen.wrong.tolist() == [heads[:, 0].mean(), 1 - heads[:, 1].mean()]
    assert seen.margins.tolist() == pytest.approx([1 - 2 * seen.wrong[0], 1 - 2 * seen.wrong[1]])
    most = (heads.mean(axis=0) > 0.5).astype(int)
    assert seen.predictions.tolist() == most.tolist()


def test_equal_frequencies_are_ordered_and_what_is_no_number_is_no_draw():
    class Alternating(nn.Module):
        """A model with logits that are right, wrong, NaN, and so on."""

        def forward(self, x):
            self.count = getattr(self, "count", -1) + 1
            logits = [[1.0, 0.0], [0.0, 1.0], [torch.nan, 0.0]][self.count % 3]
            return torch.tensor([logits]).expand(len(x), 2)

    seen = answers(
        by_chance(Alternating(), 6), pictures(0.0), torch.zeros(1, dtype=torch.int64), 2, 1
    )
    assert seen.right.tolist() == pytest.approx([1 / 3])
    assert seen.wrong.tolist() == pytest.approx([1 / 3])
    assert (seen.outcomes.tolist(), seen.statuses.tolist()) == (["RIGHT"], ["ANSWERED"])
    assert seen.predictions.tolist() == [0]
    assert seen.confidences.tolist() == pytest.approx([float(torch.tensor([1.0, 0]).softmax(0)[0])])


def test_a_net_without_draws_has_no_shares():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    seen = answers(linear, pictures(0.1), torch.zeros(1, dtype=torch.int64), 2, 1)
    assert seen.right.mask.all() and seen.wrong.mask.all() and seen.rejected.mask.all()


def test_seeds_are_of_a_purpose_and_the_generator_is_put_back():
    before = torch.get_rng_state()
    drawn = []
    for seed, purpose in ((0, "a"), (0, "a"), (0, "b"), (1, "a")):
        with seeded(seed, purpose):
            drawn.append(torch.rand(4).tolist())
    assert drawn[0] == drawn[1]
    assert len({tuple(numbers) for numbers in drawn}) == 3
    assert torch.equal(before, torch.get_rng_state())


def test_a_trial_lets_chance_pass_with_draws_alone():
    with pytest.raises(InputError, match=r"say how many draws .*draws: k"):
        trial(Coin(), (1, 2, 2))
    before = torch.get_rng_state()
    assert trial(coin(), (1, 2, 2)).shape == (3, 3)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("draws", [0, -1, 1.5, True, "3"])
def test_draws_are_a_whole_number(draws):
    with pytest.raises(InputError, match="expected a whole number of 1 or more"):
        by_chance(Coin(), draws)


def test_what_answers_the_same_each_time_is_found_out():
    assert repeats_itself(nn.Flatten(), pictures(0.5))
    assert not repeats_itself(Coin(), pictures(*[0.5] * 64))


def test_the_judge_counts_draws_and_makes_no_witness():
    images = pictures(0.0, 0.2, 0.8, 1.0)
    with seeded(0, "judge"):
        seen = judge(
            coin(), images, images, torch.zeros(4, dtype=torch.int64), None, classes=2, box=UNIT_BOX
        )
    assert all(map(between, seen.share, (0, 0.2, 0.8, 1)))
    assert seen.success.tolist() == [False, False, True, True]
    assert seen.met.tolist() == seen.success.tolist()
    assert not seen.mistaken.any() and not seen.certain.any()
    assert seen.rounded_success[::3].tolist() == [False, True]


def test_draws_have_no_bounds():
    linear = by_chance(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), 2)
    with pytest.raises(UnsupportedError, match="found one with draws"):
        layer_bounds(linear, (1, 2, 2))


@minimal("l2")
def lucky(model, images, labels, targets):
    """An attack that reports a success if one draw was wrong."""
    found = images.clone()
    found[:, 0, 0, 0] = 0.4
    with torch.no_grad():
        lucky.seen = model(found).argmax(dim=1)
    success, each = lucky.seen == 1, torch.ones_like(labels)
    return AttackResult(
        images, found, success, Status.CONVERGED * each, forwards=each, backwards=0 * each
    )


def columns(attack, model, first, chunk=N, **settings):
    data = Images(
        stack=pictures(*first), labels=torch.zeros(len(first), dtype=torch.int64), file="test",
        rows=np.arange(len(first)), classes=2, box=Box(0.0, 1.0), dataset="coins",
    )  # fmt: skip
    return attack_all(
        attack, model, data, others=data, target="any", seed=5, chunk=chunk,
        settings=settings,
    )  # fmt: skip


def test_success_is_that_of_fresh_draws_and_failures_are_the_originals():
    found = columns(lucky, coin(), [0.0] * N)
    assert all(between(share, 0.4) for share in found["success_share"])
    assert not found["success"].any()
    assert np.ma.getmaskarray(found["l2"]).all()
    assert (found["image"] == pictures(*[0.0] * N).numpy()).all()
    assert (found["status"] == "NO_SUCCESS").all()


def test_an_attack_with_few_draws_is_judged_by_other_draws_than_its_own():
    found = columns(lucky, coin(1), [0.0] * 64, chunk=64)
    own, fresh = lucky.seen.numpy().astype(bool), found["success_share"].astype(bool)
    assert 0 < (own != fresh).sum() < 64


def test_the_attacks_of_the_package_take_such_a_net_and_repeat_themselves():
    class Noisy(nn.Module):
        """A linear net with noise on its logits."""

        def forward(self, x):
            z = 4 * x.flatten(1)[:, 0] - 2
            return torch.stack([torch.zeros_like(z), z + 0.1 * torch.randn_like(z)], dim=1)

    model = by_chance(Noisy(), 50)
    before = torch.get_rng_state()
    first, again = (columns(closest, model, [0.1, 0.2, 0.3]) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    for name, column in first.items():
        assert np.ma.allequal(column, again[name]), name
    assert first["outcome"].tolist() == ["RIGHT"] * 3
    assert first["success_share"].count() == 3
    assert draws_of(model) == 50
    assert not first["mistaken"].any()


def made(shape, classes):
    return Coin()


def test_a_file_says_how_many_draws_its_net_is_judged_by(tmp_path):
    method, path = f"{__name__}:made", tmp_path / "coin.safetensors"
    with pytest.raises(InputError, match="draws: k of a net"):
        weights.create(method, {}, (1, 2, 2), 3)
    model, spec = weights.create(method, {}, (1, 2, 2), 3, draws=4)
    assert draws_of(model) == 4
    weights.save(path, model, spec)
    assert draws_of(weights.load(path, own=[method])) == 4
    for wrong in (0, "2", None):
        weights.save(path, model, spec | {"draws": wrong})
        with pytest.raises(InputError, match="expected a spec of a model"):
            weights.load(path, own=[method])
