"""The trainers' loop, against loops written out, and on losses with known minima."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from blindspots.interface import InputError, Status
from blindspots.trainers.adversarial_pools import adversarial_pools
from blindspots.trainers.loop import looped, train
from blindspots.trainers.recipe import Mean, Recipe, Step
from blindspots.trainers.sgd import sgd
from tests.trainings import Falling, assert_equal_weights, falling, net, timeless


def written_out(model, images, labels, optimiser, *, epochs, batch, learning_rate, seed):
    """Mini-batches and one cycle of learning rates, without anything else."""
    steps, rows = math.ceil(len(images) / batch), []
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=epochs * steps, cycle_momentum=False
    )
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        total, wrong = torch.zeros(()), 0
        for at in order.split(batch):
            optimiser.zero_grad()
            logits = model(images[at])
            loss = cross_entropy(logits, labels[at])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.detach() * len(at)
            wrong += int((logits.argmax(dim=1) != labels[at]).sum())
        error = 100 * wrong / len(images)
        loss = total.item() / len(images)
        rows.append({"iteration": (epoch + 1) * steps, "loss": loss, "error": error})
    return rows


@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 5e-4), (0.0, 0.0)])
def test_sgd_is_to_the_bit_the_loop_written_out(digits, momentum, decay):
    settings = {"epochs": 3, "batch": 100, "learning_rate": 0.05, "seed": 3}
    plain, looped = net(), net()
    optimiser = torch.optim.SGD(
        plain.parameters(), lr=0.05, momentum=momentum, weight_decay=decay, nesterov=momentum > 0
    )
    expected = written_out(plain, *digits, optimiser, **settings)
    rows, status = sgd(looped, *digits, momentum=momentum, decay=decay, **settings)
    assert_equal_weights(plain, looped)
    assert timeless(rows) == expected and status == Status.COMPLETED


def test_adversarial_pools_without_pools_is_to_the_bit_the_loop_written_out(digits):
    settings = {"epochs": 3, "batch": 100, "learning_rate": 3e-3, "seed": 3}
    plain, looped = net(hidden=(9, 7)), net(hidden=(9, 7))
    groups = [
        {"params": [p for p in plain.parameters() if (p.ndim > 1) == of_weights],
         "weight_decay": 0.1 * of_weights} for of_weights in (True, False)
    ]  # fmt: skip
    optimiser = torch.optim.AdamW(groups, lr=3e-3, fused=True)
    expected = written_out(plain, *digits, optimiser, **settings)
    rows, _ = adversarial_pools(looped, *digits, layers=[], decay=0.1, **settings)
    assert_equal_weights(plain, looped)
    assert timeless(rows) == expected


class Loader:
    """Images that are read row by row, not a tensor."""

    def __init__(self, images):
        self.images, self.device, self.read = images, images.device, []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, rows):
        self.read.append(len(rows))
        return torch.stack([self.images[row] for row in rows.tolist()])


def test_a_loader_of_rows_trains_as_the_tensor_and_is_read_by_batches(digits):
    images, labels = digits[0][:150], digits[1][:150]
    first, second, loader = net(), net(), Loader(images)
    sgd(first, images, labels, epochs=2, batch=40)
    sgd(second, loader, labels, epochs=2, batch=40)
    assert_equal_weights(first, second)
    assert loader.read == [40, 40, 40, 30] * 2


def test_a_constant_rate_and_one_by_epochs_are_followed_step_by_step():
    model = Falling()
    falling(model, schedule="constant", epochs=3)
    assert model.weight.item() == -0.5 * 15
    model = Falling()
    falling(model, learning_rate=[[0, 0], [1, 1], [2, 0.5]], epochs=3)
    rates = [0, 0.2, 0.4, 0.6, 0.8, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert model.weight.item() == pytest.approx(-sum(rates), abs=1e-12)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_momentum_by_epochs_is_the_same_number_where_it_stays_the_same(optimiser, digits):
    first, second = net(), net()
    sgd(first, *digits, epochs=1, optimiser=optimiser, momentum=0.5)
    sgd(second, *digits, epochs=1, optimiser=optimiser, momentum=[[0, 0.5], [1, 0.5]])
    assert_equal_weights(first, second)
    sgd(second, *digits, epochs=1, optimiser=optimiser, momentum=[[0, 0.5], [1, 0.9]])
    sgd(first, *digits, epochs=1, optimiser=optimiser, momentum=0.5)
    assert not torch.equal(first[1].weight, second[1].weight)


def test_a_setting_by_epochs_is_on_the_lines_between_them():
    step = Step(0, 0.5, torch.arange(0), torch.Generator())
    assert step.value(0.3) == 0.3
    pairs = [[0, 1.0], [1, 3.0], [2, 0.0]]
    values = [step._replace(epoch=epoch).value(pairs) for epoch in (0, 0.5, 1, 1.75, 2, 9)]
    assert values == [1.0, 2.0, 3.0, 0.75, 0.0, 0.0]


def test_a_loss_knows_its_rows_epoch_and_step(digits):
    images, labels = digits[0][:30], digits[1][:30]
    model, seen = net(), []

    def loss(x, y, step):
        assert torch.equal(x, images[step.rows]) and torch.equal(y, labels[step.rows])
        seen.append((step.number, step.epoch))
        return cross_entropy(model(x), y)

    train(model, images, labels, loss, epochs=2, batch=15)
    assert seen == [(0, 0), (1, 0.5), (2, 1), (3, 1.5)]


def test_targets_are_made_once_and_stay_with_their_images(digits):
    images, labels = digits[0][:30], digits[1][:30]
    model, made = net(), []
    soft = torch.rand(30, 10, generator=torch.Generator().manual_seed(0))

    def targets(x, y):
        places = [int((images == one).flatten(1).all(dim=1).nonzero()[0]) for one in x]
        made.extend(places)
        return soft[places]

    def loss(x, y, step):
        assert torch.equal(y, soft[step.rows])
        return cross_entropy(model(x), y)

    train(model, images, labels, Recipe(loss, targets=targets), epochs=3, batch=8)
    assert made == list(range(30))


@pytest.mark.parametrize("what", ["images", "labels"])
def test_other_images_than_labels_are_refused_with_their_numbers(digits, what):
    model, (images, labels) = net(), digits
    own = {"images": images[:40], "labels": labels[:40]}
    recipe = Recipe(lambda x, y, step: cross_entropy(model(x), y), **own)
    train(model, images, labels, recipe, epochs=1)
    half = Recipe(recipe.loss, **{what: own[what]})
    numbers = {"images": (40, len(labels)), "labels": (len(images), 40)}[what]
    line = "a label for each of the {} images of stage 1, found {} labels".format(*numbers)
    with pytest.raises(InputError, match=line):
        train(model, images, labels, [recipe, half], epochs=1)


def test_terms_are_means_over_the_epoch_and_shares_in_percent(digits):
    images, labels = digits[0][:10], torch.arange(10)
    model = net()

    def loss(x, y, step):
        terms = {"label": y, "small": y < 3, "of_my_own": Mean(y.sum(), 2)}
        return model(x).sum() * 0 + 1, terms

    rows, _ = train(model, images, labels, loss, epochs=1, batch=4)
    expected = {"iteration": 3, "loss": 1.0, "label": 4.5, "small": 30.0, "of_my_own": 45 / 6}
    assert timeless(rows) == [expected]


def test_after_a_step_weights_can_be_projected(digits):
    """The update of Parseval networks moves all singular values of a matrix to 1."""
    model = net(hidden=[])
    layer, seen = model[1], []

    def parseval(step):
        assert not torch.is_grad_enabled()
        seen.append(step.number)
        w = layer.weight
        layer.weight.copy_(1.5 * w - 0.5 * w @ w.T @ w)

    recipe = Recipe(lambda x, y, step: cross_entropy(model(x), y), after_step=parseval)
    train(model, *digits, recipe, learning_rate=1e-4, epochs=4, decay=0.0)
    assert torch.linalg.svdvals(layer.weight).tolist() == pytest.approx([1] * 10, abs=1e-2)
    assert seen == list(range(len(seen)))


def test_a_loss_may_take_gradients_of_gradients():
    """For f(x) = w x and the loss f'(x)^2 = w^2, a step of rate 1/4 halves w."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 1, bias=False))
    nn.init.ones_(model[1].weight)
    images, labels = torch.rand(4, 1, 1, 1), torch.zeros(4, dtype=torch.int64)

    def loss(x, y, step):
        x = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        return slope.square().mean(), {"slope": slope.detach().flatten(1).norm(dim=1)}

    settings = {"learning_rate": 0.25, "schedule": "constant", "momentum": 0.0, "decay": 0.0}
    rows, _ = train(model, images, labels, loss, epochs=3, batch=4, **settings)
    assert [row["slope"] for row in rows] == [1, 0.5, 0.25]


def test_a_stage_trains_what_it_names_by_its_own_loss_epochs_and_rate(digits):
    images, labels = digits[0][:40], digits[1][:40]
    model = net(hidden=(9, 7))
    before = [p.detach().clone() for p in model.parameters()]
    seen = []

    def stage(number, parameters=None, **more):
        def loss(x, y, step):
            seen.append((number, step.number, step.epoch))
            assert [p.requires_grad for p in model.parameters()] == wanted[number]
            return cross_entropy(model(x), y)

        return Recipe(loss, trained=parameters, **more)

    first, last = list(model[1].parameters()), list(model[-1].parameters())
    wanted = [[True, True] + [False] * 4, [False] * 4 + [True, True], [True] * 6]
    stages = [
        stage(0, first, epochs=1, learning_rate=[[0, 0.0]]), stage(1, last, epochs=2), stage(2),
    ]  # fmt: skip
    rows, status = train(model, images, labels, stages[:2], batch=20)
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert moved == [False] * 4 + [True, True]  # the first stage at a rate of 0
    assert [(row["stage"], row["iteration"]) for row in rows] == [(0, 2), (1, 4), (1, 6)]
    assert seen == [(0, 0, 0), (0, 1, 0.5), (1, 2, 0), (1, 3, 0.5), (1, 4, 1), (1, 5, 1.5)]
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert status == Status.COMPLETED
    train(model, images, labels, stages, batch=20, epochs=1)
    assert seen[-2:] == [(2, 6, 0), (2, 7, 0.5)]


def test_a_training_starts_with_the_weights_of_the_parent_named_start(digits):
    begun, parent = net(seed=0), net(seed=1)
    sgd(begun, *digits, epochs=1, learning_rate=[[0, 0.0]], parents={"start": parent})
    assert_equal_weights(begun, parent)
    with pytest.raises(InputError, match=r"parents.start: expected a net of the same model"):
        sgd(begun, *digits, parents={"start": net(hidden=(8,))})


def test_what_a_trainer_takes_from_the_model_at_set_up_is_of_the_parent_named_start(digits):
    parent, seen = net(seed=1), {}

    @looped
    def anchored(model, images, labels):
        seen.update({name: weight.clone() for name, weight in model.state_dict().items()})
        with torch.no_grad():
            model[1].weight.zero_()  # what a trainer changes at set-up stays changed
        return lambda x, y, step: cross_entropy(model(x), y)

    model = net(seed=0)
    anchored(model, *digits, epochs=1, learning_rate=[[0, 0.0]], parents={"start": parent})
    assert all(torch.equal(seen[name], weight) for name, weight in parent.state_dict().items())
    assert not model[1].weight.any() and torch.equal(model[-1].weight, parent[-1].weight)


def test_a_trainer_has_the_settings_of_the_loop_with_its_own_defaults(digits):
    called = {}

    @looped
    def mine(model, images, labels, *, strength: float, epochs: int = 2, generator):
        called.update(strength=strength, epochs=epochs, generator=generator)
        assert torch.rand((), generator=generator).item() == called["drawn"]
        return lambda x, y, step: cross_entropy(model(x), y)

    called["drawn"] = torch.rand((), generator=torch.Generator().manual_seed(7)).item()
    rows, _ = mine(net(), *digits, strength=3.0, seed=7)
    assert (called["strength"], called["epochs"], len(rows)) == (3.0, 2, 2)
    rows, _ = mine(net(), *digits, strength=3.0, seed=7, epochs=1, batch=2000)
    assert (len(rows), rows[0]["iteration"]) == (1, 1)
    for wrong in ({"strength": 1.0, "epoch": 3}, {}):
        with pytest.raises(TypeError, match=r"epoch|strength"):
            mine(net(), *digits, **wrong)


def test_nothing_to_train_is_one_line(digits):
    model = net()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(InputError, match="model: expected parameters to train, found none"):
        sgd(model, *digits)
