import pytest
import torch

from blindspots import checkpoints
from blindspots.interface import UNIT_BOX, Box, InputError, Status
from blindspots.trainers import _examples, _pools, _stages, adversarial_pools
from blindspots.trainers._examples import examples, lengths
from blindspots.trainers.adversarial_pools import adversarial_pools as train


def net(seed=0, hidden=(12, 9), activation="sigmoid"):
    settings = {"hidden": list(hidden), "activation": activation}
    return checkpoints.create("mlp", settings, (1, 8, 8), 10, seed=seed)[0].train()


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
        assert status == Status.CONVERGED
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


def test_a_refresh_replaces_the_share_asked_for_at_random_places():
    model, images = _stages.Stages(net()), torch.rand(500, 1, 8, 8)
    generator = torch.Generator().manual_seed(0)
    seen = []

    def make(rows):
        seen.append(rows)
        return images[rows], torch.zeros(len(rows))

    pool = _pools.Pool(0, 100, len(images), make, generator)
    pool.fill()
    places = torch.zeros(100, dtype=torch.int64)
    for _ in range(50):
        rows, points = pool.rows.clone(), pool.points.clone()
        pool.refresh(0.1)
        changed = (points != pool.points).flatten(1).any(dim=1)
        assert changed.sum() == 10 or (rows != pool.rows).sum() < 10  # an image drawn again
        assert torch.equal(pool.points, images[pool.rows])
        places += changed
    assert [len(rows) for rows in seen] == [100] + [10] * 50
    assert (places > 0).sum() > 90  # all but a share of 0.9^50
    assert len(model.cuts) == 3


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
    logits = _stages.Stages.logits

    def noted(stages, points, level, *others):
        levels.append(level)
        sizes.append(len(points))
        return logits(stages, points, level, *others)

    monkeypatch.setattr(_stages.Stages, "logits", noted)
    images, labels = digits[0][:640], digits[1][:640]
    trained((images, labels), epochs=2, begin=1, mix=0.2)
    assert levels == [0] * 10 + [1, 2, 0, 1, 2, 0, 1, 2, 0, 1]
    assert sizes == [64] * 10 + [80] * 10  # 64 clean images and 16 examples: a share of 0.2
    levels.clear()
    trained((images, labels), epochs=1, begin=0, turns=[3, 1, 2])
    assert levels == [0, 0, 0, 1, 2, 2, 0, 0, 0, 1]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_examples_are_wrong_or_as_long_as_allowed_and_in_the_box(level, sigmoid_net, digits):
    images, labels = digits[0][:200], digits[1][:200]
    stages = _stages.Stages(sigmoid_net)
    points = stages.below(level)(images).detach()
    settings = {"steps": 12, "generator": torch.Generator()}
    above, box = stages.above(level), stages.box(level, UNIT_BOX)
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


def test_dropout_leaves_out_the_share_asked_for_in_training_and_nothing_at_evaluation(digits):
    images = torch.ones(2000, 1, 8, 8)
    stages = _stages.Stages(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 64)))
    with torch.no_grad():
        stages.model[1].weight.copy_(torch.eye(64))
        stages.model[1].bias.zero_()
    shown = stages.logits(images, 0, (0.25, 0.0), torch.Generator().manual_seed(0))
    assert shown.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (shown == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)
    model, _, _ = trained(digits, layers=[], dropout_input=0.2, dropout_hidden=0.5)
    assert torch.equal(model(digits[0][:20]), model.eval()(digits[0][:20]))


def test_hidden_dropout_is_of_hidden_layers_alone():
    stages = _stages.Stages(net())
    images = torch.rand(5, 1, 8, 8)
    plain, left_out = (
        stages.below(1)(images),
        stages.logits(images, 0, (0.0, 0.5), torch.Generator()),
    )
    assert torch.equal(
        stages.logits(images, 0, (0.0, 0.0), torch.Generator()), stages.model(images)
    )
    assert not torch.allclose(left_out, stages.above(1)(plain))


def test_max_norm_holds_for_the_weights_into_every_unit(digits):
    model, _, _ = trained(digits, layers=[], max_norm=1.5, learning_rate=0.05)
    free, _, _ = trained(digits, layers=[], learning_rate=0.05)
    largest = [max(layer.weight.norm(dim=1).max().item() for layer in linear_layers(m))
               for m in (model, free)]  # fmt: skip
    assert largest[0] <= 1.5 * (1 + 1e-6) < largest[1]


def test_decay_shrinks_weights_and_leaves_biases_alone(digits):
    images, labels = digits[0] * 0, digits[1]  # no gradient reaches the first layer's weights
    model = net()
    with torch.no_grad():
        model[1].bias.fill_(1.0)
    before = model[1].weight.detach().clone()
    train(model, images, labels, layers=[1], begin=0, epochs=1, batch=64, pool=20, decay=0.5)
    assert torch.equal(model[1].weight, before)  # below the pool: not even decay
    train(model, images, labels, layers=[], epochs=2, batch=64, decay=0.5)
    assert 0 < model[1].weight.norm() < before.norm()
    assert torch.allclose(model[1].weight / before, (model[1].weight / before)[0, 0])


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
    first, second = (
        trained(digits, layers=[], pool=size, mix=m)[0] for size, m in ((9, 0.1), (50, 0.9))
    )
    assert torch.equal(first[1].weight, second[1].weight)


def test_a_loss_that_is_not_finite_is_a_status(digits):
    rows, status = train(net(hidden=[]), *digits, epochs=3, learning_rate=1e38)
    assert status == Status.NON_FINITE
    assert len(rows) < 3


class Scaled(torch.nn.Sequential):
    """More than its parts in a row."""


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
    train(relu, *digits, layers="input", epochs=1)


def test_a_model_that_is_not_layers_in_a_row_is_refused(digits):
    with pytest.raises(InputError, match="layers one after the other"):
        train(Scaled(*net()), *digits)


def test_refuses_no_images(digits):
    with pytest.raises(InputError, match="at least one training image"):
        train(net(), digits[0][:0], digits[1][:0])
