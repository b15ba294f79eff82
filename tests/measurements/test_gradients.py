import numpy as np
import torch

from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX
from blindspots.measurements.gradients import alignment, input_gradients


def test_a_softmax_nets_gradient_is_its_weights_times_what_it_is_wrong_by(digits, softmax_net):
    images, labels = digits[0][:7], digits[1][:7]
    direction, length = input_gradients(softmax_net, images, labels)
    found = (direction * length[:, None]).float()
    wrong_by = softmax_net(images).softmax(dim=1) - torch.nn.functional.one_hot(labels, 10)
    assert torch.allclose(found, wrong_by @ softmax_net[1].weight, atol=1e-6)


def test_the_table_is_what_numpy_says(digits, softmax_net, sigmoid_net):
    data = Images(digits[0][:20], digits[1][:20], np.arange(20), "train", 10, UNIT_BOX)
    models = {"A": softmax_net, "B": sigmoid_net}
    table = alignment(data, models, ["A"], ["A", "B"], 3, chunk=6).to_pandas()
    (a, _), (b, length) = (input_gradients(m, data.images, data.labels) for m in models.values())
    assert np.isclose(table["cosine"][0], 1)
    assert np.isclose(table["cosine"][1], (a * b).sum(dim=1).mean().item())
    assert np.isclose(table["victim_gradient"][1], length.mean().item())
    assert table["seed"].eq(3).all()


def test_a_net_that_is_sure_of_itself_has_cosine_1_with_itself(digits, softmax_net):
    sure = torch.nn.Sequential(softmax_net, Times(1000.0))
    data = Images(digits[0][:50], digits[1][:50], np.arange(50), "train", 10, UNIT_BOX)
    table = alignment(data, {"A": sure}, ["A"], ["A"], 0, chunk=50)
    assert np.isclose(table["cosine"][0].as_py(), 1)


def test_where_a_net_has_no_gradient_there_is_no_direction_to_compare(digits, softmax_net):
    data = Images(digits[0][:6].clone() + 0.01, digits[1][:6], np.arange(6), "train", 10, UNIT_BOX)
    data.images[0] = 0  # there the square root has none that is finite
    models = {
        "plain": softmax_net,
        "root": torch.nn.Sequential(Root(), softmax_net),
        "rounded": torch.nn.Sequential(Rounded(), softmax_net),
        "constant": torch.nn.Sequential(Constant(), softmax_net),
    }
    table = alignment(data, models, ["plain"], list(models), 0, chunk=4)
    assert table["compared"].to_pylist() == [6, 5, 0, 0]
    cosines = table["cosine"].to_pylist()
    assert np.isclose(cosines[0], 1) and 0 < cosines[1] < 1
    assert cosines[2:] == [None, None]
    assert table["victim_gradient"].to_pylist()[2:] == [0, 0]


class Root(torch.nn.Module):
    def forward(self, x):
        return x.sqrt()


class Rounded(torch.nn.Module):
    def forward(self, x):
        return x.round()


class Constant(torch.nn.Module):
    def forward(self, x):
        return x.detach()


def test_a_net_without_a_gradient_by_the_images_has_none(digits, softmax_net):
    images, labels = digits[0][:7], digits[1][:7]
    for blind in (lambda x: softmax_net(x).detach(), lambda x: softmax_net(x.detach())):
        direction, length = input_gradients(blind, images, labels)
        assert direction.shape == (7, 64)
        assert not direction.any() and not length.any()


class Times(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x
