import pytest
import torch

from blindspots.files import weights
from blindspots.interface import InputError, Status
from blindspots.trainers.sgd import sgd


def trained(digits, seed=0, **settings):
    model, _ = weights.create("mlp", {"hidden": [30], "activation": "relu"}, (1, 8, 8), 10)
    return model, *sgd(model, *digits, seed=seed, **settings)


def test_learns_digits(digits):
    model, rows, status = trained(digits, epochs=30, batch=32)
    assert status == Status.COMPLETED
    assert len(rows) == 30
    error = (model(digits[0]).argmax(dim=1) != digits[1]).double().mean()
    assert error < 0.01
    assert rows[-1]["loss"] < rows[0]["loss"] / 5


def test_a_seed_gives_the_same_weights_and_another_others(digits):
    first, second, other = (trained(digits, seed, epochs=1)[0] for seed in (0, 0, 1))
    assert torch.equal(first[1].weight, second[1].weight)
    assert not torch.equal(first[1].weight, other[1].weight)


def test_draws_no_global_random_number_and_leaves_no_gradient(digits):
    state = torch.random.get_rng_state()
    model, _, _ = trained(digits, epochs=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())


def test_steps_on_all_images_are_gradient_descent(digits):
    images, labels = digits[0][:50], digits[1][:50]
    model, _ = weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)
    before = model[1].weight.detach().clone()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, model[1].weight)
    sgd(model, images, labels, learning_rate=1e-3, momentum=0.0, decay=0.0, epochs=2, batch=50)
    change = (model[1].weight.detach() - before).flatten()
    cosine = -(change @ gradient.flatten()) / change.norm() / gradient.norm()
    assert cosine > 0.999


def test_one_batch_in_one_epoch_is_enough(digits):
    _, rows, status = trained((digits[0][:5], digits[1][:5]), epochs=1)
    assert status == Status.COMPLETED
    assert rows[0]["iteration"] == 1


def test_a_loss_that_is_not_finite_is_a_status(digits):
    _, _, status = trained(digits, epochs=3, learning_rate=1e30)
    assert status == Status.NON_FINITE


def test_refuses_no_images(digits):
    model, _ = weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)
    with pytest.raises(InputError, match="at least one training image"):
        sgd(model, digits[0][:0], digits[1][:0])
