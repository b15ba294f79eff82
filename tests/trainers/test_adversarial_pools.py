"""Training on pools of adversarial examples: examples, their renewal, and the nets it makes."""

import pytest
import torch

from blindspots.files import weights
from blindspots.interface import InputError, Status
from blindspots.trainers import _examples, _levels, _pools, adversarial_pools
from blindspots.trainers._examples import lengths
from blindspots.trainers.adversarial_pools import adversarial_pools as train


def net(seed=0, hidden=(12, 9), activation="sigmoid"):
    settings = {"hidden": list(hidden), "activation": activation}
    return weights.create("mlp", settings, (1, 8, 8), 10, seed=seed)[0].train()


def trained(digits, **settings):
    model = net()
    settings = {"epochs": 3, "batch": 64, "pool": 60, "learning_rate": 0.01} | settings
    return model, *train(model, *digits, **settings)


def linear_layers(model):
    return [layer for layer in model if isinstance(layer, torch.nn.Linear)]


@pytest.fixture
def pools(monkeypatch):
    """The pools of the trainings in a test."""
    made = []

    class Kept(_pools.Pool):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            made.append(self)

    monkeypatch.setattr(_pools, "Pool", Kept)
    return made


def test_learns_digits_with_every_kind_of_example(digits):
    for kind in _examples.KINDS:
        model, rows, status = trained(digits, epochs=40, kind=kind, mix=0.3, batch=32)
        error = (model(digits[0]).argmax(dim=1) != digits[1]).double().mean()
        assert status == Status.COMPLETED
        assert error < 0.1, kind
        assert rows[-1]["loss"] < rows[0]["loss"] / 2


def test_all_layers_have_pools_of_the_size_asked_for_and_input_one_alone(digits, pools):
    trained(digits)
    assert [(pool.level, len(pool.points)) for pool in pools] == [(0, 60), (1, 60), (2, 60)]
    assert [tuple(pool.points.shape[1:]) for pool in pools] == [(1, 8, 8), (12,), (9,)]
    pools.clear()
    trained(digits, layers="input")
    trained(digits, layers=[2])
    trained(digits, layers=[])
    assert [pool.level for pool in pools] == [0, 2]


def test_pools_are_refreshed_after_as_many_batches_as_asked_for(digits, monkeypatch):
    refreshed = []
    monkeypatch.setattr(
        _pools.Pool, "refresh", lambda pool, share: refreshed.append((pool.level, pool.batches))
    )
    _, rows, _ = trained(digits, epochs=3, begin=1, refresh_every=5)
    steps = rows[-1]["iteration"] - rows[0]["iteration"]
    assert refreshed[:6] == [(level, times) for times in (5, 10) for level in rotated(refreshed)]
    assert len(refreshed) == sum(
        -(-(steps - turn) // 3) // 5  # the batches of each pool, whose turn is every third
        for turn in range(3)
    )


def rotated(refreshed):
    """The levels in the order of their turns."""
    levels = [level for level, _ in refreshed[:3]]
    assert sorted(levels) == [0, 1, 2]
    return levels


def test_labels_stay_true(digits, pools, monkeypatch):
    images, labels = digits
    shown = []
    plain = adversarial_pools.cross_entropy

    def noted(logits, truth):
        shown.append(truth)
        return plain(logits, truth)

    monkeypatch.setattr(adversarial_pools, "cross_entropy", noted)
    drawn = []
    draw = _pools.Pool.draw

    def noted_draw(pool, count):
        rows, points = draw(pool, count)
        drawn.append(rows)
        return rows, points

    monkeypatch.setattr(_pools.Pool, "draw", noted_draw)
    _, rows, _ = trained((images, labels), epochs=2, strength=0.3)
    with_examples = shown[rows[0]["iteration"] :]
    assert len(with_examples) == len(drawn) > 0
    for truth, rows in zip(with_examples, drawn, strict=True):
        assert torch.equal(truth[-len(rows) :], labels[rows])
    for pool in pools:  # of level 0: the examples are near the images that the labels are of
        if pool.level == 0:
            change = lengths(pool.points - images[pool.rows])
            assert torch.allclose(change, pool.lengths)
            assert change.max() <= 0.3 + 1e-6


def test_batches_from_a_layers_pool_leave_the_layers_below_as_they_are(digits):
    for level in range(3):
        before, after = net(), net()
        rows, _ = train(
            after, *digits, layers=[level], epochs=1, begin=0, batch=64, pool=40, decay=0.5
        )
        pairs = zip(linear_layers(before), linear_layers(after), strict=True)
        moved = [not torch.equal(a.weight, b.weight) for a, b in pairs]
        assert moved == [place >= level for place in range(3)]
        assert rows[0][f"layer{level}_error"] > 0


def test_clean_images_train_the_layers_below_where_that_is_asked_for_and_examples_never(digits):
    images, labels = digits

    def first_layer(train_below, **settings):
        model = net()
        options = {"epochs": 1, "begin": 0, "batch": 64, "pool": 40} | settings
        train(model, images, labels, layers=[2], train_below=train_below, **options)
        return model[1].weight.detach()

    assert torch.equal(first_layer(False), net()[1].weight)
    assert not torch.equal(first_layer(True), net()[1].weight)
    images = images * 0  # no gradient of clean images reaches the weights of the first layer
    assert torch.equal(first_layer(True), net()[1].weight)


def test_the_pools_take_turns_and_clean_images_are_in_every_batch(digits, monkeypatch):
    levels, sizes = [], []
    logits = _levels.Levels.logits

    def noted(network, points, level, *others):
        levels.append(level)
        sizes.append(len(points))
        return logits(network, points, level, *others)

    monkeypatch.setattr(_levels.Levels, "logits", noted)
    images, labels = digits[0][:640], digits[1][:640]
    trained((images, labels), epochs=2, begin=1, mix=0.2)
    assert levels == [0] * 10 + [1, 2, 0, 1, 2, 0, 1, 2, 0, 1]
    assert sizes == [64] * 10 + [80] * 10  # 64 clean images and 16 examples: a share of 0.2
    levels.clear()
    trained((images, labels), epochs=1, begin=0, turns=[3, 1, 2])
    assert levels == [0, 0, 0, 1, 2, 2, 0, 0, 0, 1]


@pytest.fixture
def grey(digits):
    """The digits dataset between 0.3 and 0.7: far from the ends of the box."""
    return 0.3 + 0.4 * digits[0], digits[1]


def test_the_strength_of_every_pool_is_its_own(grey, pools):
    strengths = [0.03, 0.01, 0.02]
    settings = {"kind": "sign", "epochs": 1, "begin": 0, "refresh_every": 999}
    trained(grey, strength=strengths, **settings)
    for pool, strength in zip(pools, strengths, strict=True):
        assert pool.lengths.tolist() == pytest.approx([strength] * 60, rel=1e-3)
    pools.clear()
    trained(grey, strength=0.015, **settings)
    for pool in pools:
        assert pool.lengths.tolist() == pytest.approx([0.015] * 60, rel=1e-3)


def test_the_examples_of_a_pool_have_its_factor_and_steps(grey, pools):
    settings = {"strength": 10.0, "layers": "input", "pool": 60, "refresh_every": 999}
    for given in ({}, {"factor": 1.5}, {"steps": 1}):
        model = net()
        train(model, *grey, layers=[], epochs=10, batch=64, learning_rate=0.03)
        train(model, *grey, epochs=1, begin=0, **settings, **given)  # made by the same weights
    plain, further, coarse = (pool.lengths for pool in pools)
    assert (plain > 0).sum() > 30
    assert further.mean() == pytest.approx(1.5 * plain.mean().item(), rel=0.05)
    assert not torch.allclose(coarse, plain, rtol=0.05)


def test_dropout_leaves_out_the_share_asked_for_and_scales_up_the_others():
    images = torch.ones(2000, 1, 8, 8)
    levels = _levels.Levels(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 64)))
    with torch.no_grad():
        levels.model[1].weight.copy_(torch.eye(64))
        levels.model[1].bias.zero_()
    shown = levels.logits(images, 0, (0.25, 0.0), torch.Generator().manual_seed(0))
    assert shown.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (shown == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)


def test_after_dropout_in_training_nothing_is_left_out(digits):
    model, _, _ = trained(digits, layers=[], dropout_input=0.2, dropout_hidden=0.5)
    units = digits[0].flatten(1)
    for layer in linear_layers(model):
        logits = units @ layer.weight.T + layer.bias
        units = logits.sigmoid()
    assert torch.allclose(model(digits[0]), logits, atol=1e-5)
    assert torch.allclose(model.eval()(digits[0]), logits, atol=1e-5)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("rates", [(0.25, 0.0), (0.0, 0.5), (0.25, 0.5)])
def test_in_training_each_layer_misses_the_share_of_units_asked_for(grey, level, rates):
    model, missed = net(hidden=[40, 30]), {0: [], 1: [], 2: []}
    for number, layer in enumerate(linear_layers(model)):

        def note(layer, shown, number=number):
            if layer.training:
                missed[number].append((shown[0] == 0).double().mean().item())

        layer.register_forward_pre_hook(note)
    dropout = {"dropout_input": rates[0], "dropout_hidden": rates[1]}
    train(model, *grey, layers=[level], epochs=1, begin=0, batch=64, pool=60, **dropout)
    for number, shares in missed.items():
        if number < level:
            assert shares == []  # below the pool's level nothing is in training
        else:
            mean = sum(shares) / len(shares)
            assert mean == pytest.approx(rates[min(number, 1)], abs=0.02)


def test_max_norm_holds_for_the_weights_into_every_unit(digits):
    model, _, _ = trained(digits, layers=[], max_norm=1.5, learning_rate=0.05)
    free, _, _ = trained(digits, layers=[], learning_rate=0.05)
    largest = [max(layer.weight.norm(dim=1).max().item() for layer in linear_layers(m))
               for m in (model, free)]  # fmt: skip
    assert largest[0] <= 1.5 * (1 + 1e-6) < largest[1]


def test_max_norm_is_kept_to_by_layers_that_are_trained_alone(digits):
    model = net()
    before = [layer.weight.detach().clone() for layer in linear_layers(model)]
    settings = {"layers": [1], "epochs": 1, "begin": 0, "batch": 64, "pool": 40, "max_norm": 0.1}
    train(model, *digits, **settings)
    after = [layer.weight.detach() for layer in linear_layers(model)]
    assert before[0].norm(dim=1).max() > 0.1
    assert torch.equal(after[0], before[0])
    assert all(weight.norm(dim=1).max() <= 0.1 * (1 + 1e-5) for weight in after[1:])


def normalised(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 12), torch.nn.BatchNorm1d(12), torch.nn.Sigmoid(),
        torch.nn.Linear(12, 9), torch.nn.BatchNorm1d(9), torch.nn.Sigmoid(), torch.nn.Linear(9, 10),
    )  # fmt: skip


@pytest.mark.parametrize("train_below", [False, True])
def test_running_statistics_move_where_layers_are_trained_and_nowhere_else(digits, train_below):
    model = normalised()
    settings = {"epochs": 1, "begin": 0, "batch": 64, "pool": 40, "train_below": train_below}
    train(model, *digits, layers=[2], **settings)  # on the outputs of the first sigmoid
    below, above = model[2], model[5]
    assert (below.num_batches_tracked > 0) == train_below
    assert torch.equal(below.running_mean, torch.zeros(12)) == (not train_below)
    assert not torch.equal(above.running_mean, torch.zeros(9))
    assert all(layer.training for layer in model)


def test_decay_shrinks_weights_and_leaves_biases_alone(digits):
    images, labels = digits[0] * 0, digits[1]  # no gradient reaches the first layer's weights
    model = net()
    with torch.no_grad():
        model[1].bias.fill_(100.0)  # the sigmoid's slope is 0 there: no gradient reaches it, either
    before = model[1].weight.detach().clone()
    train(model, images, labels, layers=[1], begin=0, epochs=1, batch=64, pool=20, decay=0.5)
    assert torch.equal(model[1].weight, before)  # below the pool: not even decay
    train(model, images, labels, layers=[], epochs=2, batch=64, decay=0.5)
    assert 0 < model[1].weight.norm() < before.norm()
    assert torch.allclose(model[1].weight / before, (model[1].weight / before)[0, 0])
    assert torch.equal(model[1].bias, torch.full((12,), 100.0))


def test_a_seed_gives_the_same_weights_and_another_others(digits):
    first, second, other = (trained(digits, seed=s, kind="noise")[0] for s in (0, 0, 1))
    assert torch.equal(first[1].weight, second[1].weight)
    assert not torch.equal(first[1].weight, other[1].weight)


def test_draws_no_global_random_number_and_leaves_no_gradient(digits):
    state = torch.random.get_rng_state()
    model, _, _ = trained(digits, dropout_hidden=0.5, kind="noise")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert model.training


def test_without_pools_nothing_depends_on_their_settings(digits):
    first, *others = (
        trained(digits, layers=[], pool=size, mix=m, begin=b, refresh=r)[0]
        for size, m, b, r in ((9, 0.1, 1, 0.2), (50, 0.9, 2, 0.5), (9, 0.001, 3, 0.001))
    )
    assert all(torch.equal(first[1].weight, other[1].weight) for other in others)


def test_a_last_batch_that_is_too_small_for_an_example_is_trained_on_without(digits):
    images, labels = digits[0][:129], digits[1][:129]  # 64, 64 and 1: the third pool's turn
    _, rows, status = trained((images, labels), epochs=2, begin=0, mix=0.2)
    assert status == Status.COMPLETED
    found = [name for name in rows[-1] if name.endswith("_error")]
    assert found == ["layer0_error", "layer1_error"]


def test_a_loss_that_is_not_finite_is_a_status(digits):
    rows, status = train(net(hidden=[]), *digits, epochs=3, learning_rate=1e38)
    assert status == Status.NON_FINITE
    assert len(rows) < 3


class Scaled(torch.nn.Sequential):
    """A sequence whose forward does more than apply its parts."""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": "hidden"}, "layers: expected all, input or a list of numbers, found 'hidden'"),
        ({"layers": [3]}, r"layers: expected 0 \(the input\) to 2 .*, found 3"),
        ({"layers": [1, 1]}, "layers: expected each once"),
        ({"kind": "nearest"}, "kind: expected one of closest, noise, sign, found 'nearest'"),
        ({"strength": [0.1, 0.2]}, "strength: expected one number for each of the 3 pools"),
        ({"turns": [1]}, "turns: expected one number for each of the 3 pools, found 1"),
        ({"mix": 1.0}, "mix: expected a share between 0 and 1"),
        ({"refresh": 0.001}, "refresh: expected at least one example of a pool of 60"),
        ({"mix": 0.007}, "mix: expected at least one example beside 64 .* 0.007"),
        ({"begin": 3}, "begin: expected fewer epochs without pools than the 3 .*, found 3"),
        ({"begin": 4}, "begin: expected fewer epochs without pools than the 3 .*, found 4"),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_one_line_that_names_it(digits, settings, message):
    with pytest.raises(InputError, match=message) as error:
        trained(digits, **settings)
    assert "\n" not in str(error.value)


def test_hidden_layers_without_a_box_are_refused_unless_they_have_no_pool(digits):
    relu = net(activation="relu")
    with pytest.raises(InputError, match="a sigmoid or tanh at the end of layer 1"):
        train(relu, *digits)
    train(relu, *digits, layers="input", epochs=1, begin=0)


def test_a_model_that_is_not_layers_in_a_row_is_refused(digits):
    with pytest.raises(InputError, match="layers one after the other"):
        train(Scaled(*net()), *digits)


def test_refuses_no_images(digits):
    with pytest.raises(InputError, match="at least one training image"):
        train(net(), digits[0][:0], digits[1][:0])
