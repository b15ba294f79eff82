import numpy as np
import torch

from blindspots.gradients import alignment, input_gradients
from blindspots.interface import UNIT_BOX
from blindspots.parts import Images


def test_a_softmax_nets_gradient_is_its_weights_times_what_it_is_wrong_by(digits, softmax_net):
    images, labels = digits[0][:7], digits[1][:7]
    found = input_gradients(softmax_net, images, labels)
    wrong_by = softmax_net(images).softmax(dim=1) - torch.nn.functional.one_hot(labels, 10)
    assert torch.allclose(found, wrong_by @ softmax_net[1].weight, atol=1e-6)


def test_the_table_is_what_numpy_says(digits, softmax_net, sigmoid_net):
    data = Images(digits[0][:20], digits[1][:20], np.arange(20), "train", 10, UNIT_BOX)
    models = {"A": softmax_net, "B": sigmoid_net}
    table = alignment(data, models, ["A"], ["A", "B"], 3, chunk=6).to_pandas()
    a, b = (input_gradients(m, data.images, data.labels).numpy() for m in models.values())
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    assert np.isclose(table["cosine"][0], 1)
    assert np.isclose(table["cosine"][1], np.mean((a * b).sum(axis=1) / norms))
    assert np.isclose(table["victim_gradient"][1], np.linalg.norm(b, axis=1).mean())
    assert table["seed"].eq(3).all()
