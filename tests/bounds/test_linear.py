import numpy as np
import pytest
import torch
from torch import nn

from blindspots.bounds.linear import linear_layers
from blindspots.bounds.operators import dense_matrix
from blindspots.interface import InputError
from blindspots.models.lenet import lenet


def test_the_layers_of_a_network_have_the_norms_of_their_dense_matrices():
    model, done = lenet((1, 14, 14), 5).eval(), []
    found = linear_layers(model, (1, 14, 14), done.append)
    assert [layer.layer for layer in found] == ["0", "3", "7", "9", "11"]
    assert [layer.weights for layer in found] == [
        "1×5×5×6", "6×5×5×16", "16×120", "120×84", "84×5",
    ]  # fmt: skip
    assert done == [1, 2, 3, 4, 5]
    shapes = {"0": (1, 14, 14), "3": (6, 7, 7)}
    for layer in found:
        module = model[int(layer.layer)]
        dense = dense_matrix(module, shapes.get(layer.layer, (layer.inputs,)))
        exact = float(torch.linalg.matrix_norm(torch.from_numpy(dense.copy()), ord=2))
        assert dense.shape == (layer.outputs, layer.inputs)
        assert layer.value == pytest.approx(exact, rel=1e-6)
        assert exact <= layer.upper <= exact * (1 + 1e-6)
        assert (layer.fourier is None) == isinstance(module, nn.Linear)


def test_stride_dilation_and_groups_are_told():
    model = nn.Sequential(nn.Conv2d(4, 6, (3, 2), stride=(2, 1), dilation=2, groups=2))
    (layer,) = linear_layers(model.eval(), (4, 9, 9))
    assert layer.weights == "4×3×2×6, stride 2×1, dilation 2, 2 groups"


def test_a_fault_names_the_layer():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.LayerNorm(4)).eval()
    with pytest.raises(InputError, match=r"layer '2' \(LayerNorm\): expected a layer with a known"):
        linear_layers(model, (1, 2, 2))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(2, 3, 4, padding=1), (2, 7, 7)),  # an even kernel
        (nn.Conv2d(2, 3, 2, stride=3), (2, 8, 8)),  # pixels that no window covers
        (nn.Conv2d(2, 3, 3, padding=1), (2, 1, 1)),  # one pixel
    ],
)
def test_an_even_kernel_a_stride_beyond_it_and_one_pixel_have_the_norms_of_their_matrices(
    layer, shape
):
    (found,) = linear_layers(nn.Sequential(layer).double().eval(), shape)
    exact = np.linalg.norm(dense_matrix(layer, shape), 2)
    assert found.value == pytest.approx(exact, rel=1e-6)
    assert exact <= found.upper <= exact * (1 + 1e-6)
    assert exact <= found.fourier * (1 + 1e-12)


def inside(*layers):
    return nn.Sequential(nn.Identity(), nn.Sequential(*layers)).eval()


def not_finite(layer):
    nn.init.constant_(layer.weight, torch.nan)
    return layer


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (inside(nn.Conv2d(2, 3, 3)), r"layer '1.0' \(Conv2d\): expected an input that the layer"),
        (inside(not_finite(nn.Conv2d(2, 3, 1))), r"layer '1.0' \(Conv2d\): expected finite weig"),
        (inside(nn.ReLU(), nn.GroupNorm(1, 2)), r"layer '1.1' \(GroupNorm\): expected a layer wi"),
    ],
)
def test_what_does_not_fit_one_pixel_or_has_no_norm_is_refused_by_its_path(model, message):
    with pytest.raises(InputError, match=message):
        linear_layers(model, (2, 1, 1))
