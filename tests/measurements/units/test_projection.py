import numpy as np
import pytest
import torch
from torch import nn

from blindspots.files import weights
from blindspots.measurements.units import projection
from blindspots.measurements.units.activations import layers
from blindspots.measurements.units.projection import correct_without


def by_hand(model, at, images, labels, f, w):
    """The layers of a Sequential up to `at`, less a direction, and the rest."""
    with torch.no_grad():
        a = model[: at + 1](images)
        places = (0, *range(2, a.ndim))
        mean = a.mean(dim=places).double()
        found = []
        for i in range(f.shape[1]):
            shape = (1, -1, *[1] * (a.ndim - 2))
            along, back = (torch.from_numpy(v[:, i]).float().view(shape) for v in (f, w))
            score = (a * along).sum(dim=1, keepdim=True) - float(mean @ torch.from_numpy(f[:, i]))
            answers = model[at + 1 :](a - score * back).argmax(dim=1)
            found.append(int((answers == labels).sum()))
        return int((model(images).argmax(dim=1) == labels).sum()), found


@pytest.mark.parametrize("at", [0, 3, 8])
def test_what_is_lost_is_what_the_upper_layers_get_wrong_on_the_rest(at):
    model, _ = weights.create("lenet", {}, (1, 12, 12), 4)
    images = 30 * torch.randn(50, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    labels = model(images).argmax(dim=1)
    (layer,) = layers(model, images[:1], [str(at)])
    rng = np.random.default_rng(0)
    f = rng.standard_normal((layer.units, 5))
    w = 20 * f / np.square(f).sum(axis=0)  # removes more than the component: something changes
    right, without = correct_without(model, layer, images, labels, f, w)
    expected_right, expected = by_hand(model, at, images, labels, f, w)
    assert right == expected_right
    assert np.abs(without - expected).max() <= 1  # a tie may fall to either side
    assert len(set(expected)) > 1


def test_a_direction_that_nothing_depends_on_costs_nothing_and_the_only_one_costs_all():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[0].weight.data = torch.eye(2)
    model[1].weight.data = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    images = torch.tensor([[1.0, 5.0], [-1.0, 2.0], [2.0, -1.0], [-2.0, 0.0]])
    labels = torch.tensor([0, 1, 0, 1])
    (layer,) = layers(model, images[:1], ["0"])
    right, without = correct_without(model, layer, images, labels, np.eye(2), np.eye(2))
    assert (right, without.tolist()) == (4, [2, 4])


class Residual(nn.Module):
    """What is above the first layer needs the input, too."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.last(x + self.first(x))


def test_a_network_with_a_shortcut_around_the_layer_is_run_direction_by_direction():
    torch.manual_seed(0)
    model, images = Residual(), torch.randn(40, 6)
    labels = model(images).argmax(dim=1)
    (layer,) = layers(model, images[:1], ["first"])
    f = np.eye(6)[:, :4]
    right, without = correct_without(model, layer, images, labels, f, f)
    with torch.no_grad():
        a = model.first(images)
        expected = []
        for i in range(4):
            rest = a.clone()
            rest[:, i] = a[:, i].mean()
            answers = model.last(images + rest).argmax(dim=1)
            expected.append(int((answers == labels).sum()))
    assert (right, without.tolist()) == (40, expected)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_it_is_the_same_whatever_fits_in_a_pass(rows, monkeypatch):
    model, _ = weights.create("mlp", {"hidden": [8]}, (1, 4, 4), 3)
    images = torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(30) % 3
    (layer,) = layers(model, images[:1], ["2"])
    f = np.eye(8)
    expected = correct_without(model, layer, images, labels, f, 3 * f)
    monkeypatch.setattr(projection, "ROWS", rows)
    monkeypatch.setattr(projection, "FEWEST", 1)
    found = correct_without(model, layer, images, labels, f, 3 * f)
    assert found[0] == expected[0] and np.array_equal(found[1], expected[1])


def test_directions_in_groups_cost_what_they_cost_together(monkeypatch):
    model, _ = weights.create("lenet", {}, (1, 12, 12), 4)
    images = 30 * torch.randn(20, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    labels = model(images).argmax(dim=1)
    (layer,) = layers(model, images[:1], ["3"])
    f = np.random.default_rng(0).standard_normal((layer.units, 7))
    w = 20 * f / np.square(f).sum(axis=0)
    right, together = correct_without(model, layer, images, labels, f, w)
    shown = []
    model[3].register_forward_hook(lambda module, given, output: shown.append(len(output)))
    one = model[:4](images[:1]).numel()
    shown.clear()
    for limit in ("NUMBERS", "MOST_NUMBERS"):
        monkeypatch.setattr(projection, limit, 3 * one)
    assert correct_without(model, layer, images, labels, f, w)[0] == right
    assert np.abs(correct_without(model, layer, images, labels, f, w)[1] - together).max() <= 1
    # Twice: one image to see the layer's size, then an image at a time for 3, 3 and 1 directions.
    assert shown.count(1) == 2 * (1 + 20 * 3)
