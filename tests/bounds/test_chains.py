"""Bounds of chains: against each other, against ECLipsE's own package, and against slopes found."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.bounds.chains import Chain, _is_proven, chain, eclipse_fast, metric, recursion
from blindspots.bounds.lipsdp import lipsdp
from blindspots.bounds.networks import bound, network_bound
from blindspots.interface import InputError

SHAPE = (1, 4, 4)


def mlp(*widths, activation=nn.ReLU, seed=0, inputs=16):
    torch.manual_seed(seed)
    layers, units = [nn.Flatten()], inputs
    for width in widths:
        layers += [nn.Linear(units, width), activation()]
        units = width
    return nn.Sequential(*layers[:-1]).double()


def convolutional():
    torch.manual_seed(0)
    return (
        nn.Sequential(
            nn.Conv2d(1, 3, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv2d(3, 4, 2, bias=False),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(4, 3),
        )
        .double()
        .eval()
    )


NETS = {
    "linear": mlp(5),
    "one hidden layer": mlp(8, 3),
    "sigmoid": mlp(20, 20, 4, activation=nn.Sigmoid),
    "deep": mlp(10, 12, 9, 5, 4),
    "convolutional": convolutional(),
}


def steepest(net, rows=None):
    """The largest Jacobian norm among random images."""
    generator = torch.Generator().manual_seed(1)
    found = 0.0
    for scale in (0.1, 1.0, 3.0):
        for _ in range(10):
            x = scale * torch.randn(1, *SHAPE, generator=generator, dtype=torch.float64)
            jacobian = torch.autograd.functional.jacobian(net, x)[0].reshape(-1, 16)
            jacobian = jacobian if rows is None else jacobian[[rows[0]]] - jacobian[[rows[1]]]
            found = max(found, np.linalg.norm(jacobian.numpy(), 2))
    return found


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("method", ["product", "eclipse", "lipsdp"])
def test_no_image_is_steeper_than_the_bounds_of_the_network_and_of_each_two_logits(name, method):
    found = bound(NETS[name], SHAPE, method)
    assert steepest(NETS[name]) <= found.network
    assert steepest(NETS[name], (0, 2)) <= found.logits[0, 2] == found.logits[2, 0]
    assert (found.logits <= np.sqrt(2) * found.network * (1 + 1e-6)).all()
    assert (np.diag(found.logits) == 0).all()


@pytest.mark.parametrize("name", NETS)
def test_each_method_is_at_least_as_close_as_the_one_before(name):
    product, eclipse, sdp = (
        network_bound(NETS[name], SHAPE, m) for m in ("product", "eclipse", "lipsdp")
    )
    assert eclipse <= product * (1 + 1e-6)
    assert sdp <= eclipse
    if name == "deep":
        assert sdp < 0.9 * eclipse < 0.9 * product


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("widths", [(8, 3), (10, 12, 9, 5, 4)])
def test_eclipse_fast_agrees_with_its_authors_package(widths):
    from eclipse_nn.LipConstEstimator import LipConstEstimator

    net = mlp(*widths)
    weights = [layer.weight.detach() for layer in net if isinstance(layer, nn.Linear)]
    theirs = LipConstEstimator(weights=weights).estimate(method="ECLipsE_Fast")
    assert network_bound(net, SHAPE, "eclipse") == pytest.approx(float(theirs), rel=1e-5)


def test_a_linear_network_is_bounded_by_its_norm():
    weight = NETS["linear"][1].weight.detach().numpy()
    for method in ("product", "eclipse", "lipsdp"):
        exact = np.linalg.norm(weight, 2)
        assert exact <= network_bound(NETS["linear"], SHAPE, method) <= exact * (1 + 1e-7)
    pair = np.linalg.norm(weight[1] - weight[3])
    assert bound(NETS["linear"], SHAPE).logits[1, 3] == pytest.approx(pair)


def test_the_matrices_of_a_chain_compute_what_the_network_computes():
    class Normalised(nn.Sequential):
        def forward(self, x):
            return super().forward((x - 0.3) / 0.5)

    net = Normalised(*convolutional()).eval()
    net[1].running_var.fill_(2.0)
    found = chain(net, SHAPE)
    assert [m.shape for m in found.hidden] == [(12, 16), (4, 12)]
    x = torch.randn(5, *SHAPE, dtype=torch.float64)
    v = found.hidden[0] @ ((x.numpy().reshape(5, -1) - 0.3).T)
    v = np.tanh(found.hidden[1] @ np.maximum(v, 0))
    expected = found.last @ v + net[-1].bias.detach().numpy()[:, None]
    assert np.allclose(net(x).detach().numpy().T, expected)


def test_no_claim_that_is_false_is_proven():
    network = Chain([np.array([[1.0, 2.0]])], np.array([[1.0]]))  # x ↦ relu(x₁ + 2x₂): L = √5
    diagonals, _ = recursion(network, eclipse_fast, 1.0)
    proven = metric(network, eclipse_fast)
    assert np.linalg.norm(proven.carried(network.last)) == pytest.approx(np.sqrt(5))
    assert _is_proven(network, diagonals, 1.0, proven.X)
    assert not _is_proven(network, diagonals, 1.0, proven.X * (1 + 1e-6))


def test_weights_that_prove_nothing_are_refused():
    network = Chain([np.eye(2)], np.eye(2))
    with pytest.raises(InputError, match="expected weights Λ that bound the network"):
        metric(network, lambda layer, passed: np.full(2, 100.0))


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            nn.Sequential(nn.Conv2d(1, 2, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2)),
            r"layer '1' \(MaxPool2d\): expected a chain",
        ),
        (nn.Sequential(nn.Flatten(), Residual(nn.Linear(16, 16))), r"layer '1.add' \(add\)"),
        (nn.Sequential(nn.Linear(4, 4), nn.Flatten()), r"layer '0' \(Linear\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.Softmax(dim=1)), r"'2' \(Softmax\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU()), "expected a last layer that is"),
    ],
)
def test_a_network_that_is_no_chain_is_refused_by_the_layer(net, message):
    with pytest.raises(InputError, match=message):
        network_bound(net, SHAPE, "eclipse")


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="expected one of product, eclipse, lipsdp, found 'sdp'"):
        network_bound(NETS["linear"], SHAPE, "sdp")


def test_lipsdp_gives_weights_for_every_hidden_layer():
    network = chain(NETS["deep"], SHAPE)
    choice, rho = lipsdp(network)
    diagonals, _ = recursion(network, choice, 1.001 * rho)
    assert [len(Λ) for Λ in diagonals] == [10, 12, 9, 5]
    assert rho > 0
