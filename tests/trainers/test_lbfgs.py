import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from blindspots.bounds.networks import network_bound
from blindspots.files import weights
from blindspots.interface import InputError, Status
from blindspots.trainers.lbfgs import lbfgs


def softmax(seed=0):
    return weights.create("mlp", {"hidden": []}, (1, 8, 8), 10, seed=seed)[0]


@pytest.mark.parametrize("decay", [1e-4, 1e-2, 1.0])
def test_a_softmax_net_reaches_the_optimum_that_scikit_learn_finds(digits, decay):
    images, labels = digits
    model = softmax()
    rows, status = lbfgs(model, images, labels, decay=decay, tolerance=1e-7)
    # mean CE + λ Σ w²/10 is, times n C, scikit-learn's Σ C CE + ½ Σ w² with C = 10 / (2 n λ)
    expected = LogisticRegression(C=10 / (2 * len(images) * decay), tol=1e-8, max_iter=20_000)
    x = images.flatten(1).double().numpy()
    expected.fit(x, labels.numpy())
    probabilities = torch.from_numpy(expected.predict_log_proba(x))
    loss = -probabilities.gather(1, labels[:, None]).mean().item()
    loss += decay * (expected.coef_**2).sum() / 10
    assert status == Status.CONVERGED
    assert rows[-1]["loss"] == pytest.approx(loss, rel=2e-4)


def optimum(images, labels, strength, biases):
    """Return the least mean cross-entropy + strength · Σ w² and where it is, by SciPy in float64.

    The last column of the weights is that of the biases, if there are any; they are decayed only
    if `biases` is "decayed".
    """
    x, hot = images.flatten(1).double().numpy(), np.eye(10)[labels.numpy()]
    if biases != "none":
        x = np.hstack([x, np.ones((len(x), 1))])
    strengths = np.full(x.shape[1], strength)
    if biases == "free":
        strengths[-1] = 0

    def loss(flat):
        w = flat.reshape(10, -1)
        logits = x @ w.T
        logits -= logits.max(axis=1, keepdims=True)
        sums = np.exp(logits).sum(axis=1, keepdims=True)
        found = (np.log(sums)[:, 0] - (logits * hot).sum(axis=1)).mean() + (strengths * w**2).sum()
        slope = (np.exp(logits) / sums - hot).T @ x / len(x) + 2 * strengths * w
        return found, slope.ravel()

    options = {"ftol": 0, "gtol": 1e-9, "maxiter": 10_000, "maxfun": 20_000, "maxcor": 50}
    found = minimize(loss, np.zeros(10 * x.shape[1]), jac=True, method="L-BFGS-B", options=options)
    assert np.abs(found.jac).max() < 1e-7
    return found.fun, found.x.reshape(10, -1)


@pytest.mark.parametrize("biases", ["none", "free", "decayed"])
@pytest.mark.parametrize(("per", "factor", "k"), [("units", 4, 10), ("none", 0.5, 1)])
def test_every_reading_of_the_decay_reaches_the_optimum_that_scipy_finds(
    digits, biases, per, factor, k
):
    images, labels = digits
    expected, at = optimum(images, labels, factor * 0.03 / k, biases)
    model, _ = weights.create("mlp", {"bias": biases != "none"}, (1, 8, 8), 10)
    rows, _ = lbfgs(
        model.double(), images.double(), labels, decay=0.03, decay_per=per, decay_factor=factor,
        decay_biases=biases == "decayed", tolerance=1e-13,
    )  # fmt: skip
    assert rows[-1]["loss"] == pytest.approx(expected, rel=1e-9)
    reached = torch.cat([p.detach().view(10, -1) for p in model.parameters()], dim=1)
    assert reached.shape == at.shape
    assert reached.numpy() == pytest.approx(at, abs=1e-4)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize(("per", "units"), [("units", (7, 10)), ("none", (1, 1))])
def test_the_loss_is_that_of_the_formula_with_a_decay_for_each_layer(digits, biases, per, units):
    images, labels = digits
    model, _ = weights.create("mlp", {"hidden": [7]}, (1, 8, 8), 10)
    sums = []
    for layer in (model[1], model[3]):
        torch.nn.init.uniform_(layer.bias)
        of = [layer.weight, layer.bias] if biases else [layer.weight]
        sums.append(sum(p.detach().double().square().sum() for p in of))
    logits = model(images).double()
    data = torch.nn.functional.cross_entropy(logits, labels).item()
    decay = (0.5 * sums[0] / units[0] + 0.25 * sums[1] / units[1]).item()
    rows, _ = lbfgs(
        model, images, labels, decay=[0.25, 0.125], decay_per=per, decay_factor=2,
        decay_biases=biases, max_iterations=1,
    )  # fmt: skip
    assert rows[0]["data"] == pytest.approx(data, rel=1e-5)
    assert rows[0]["decay"] == pytest.approx(decay, rel=1e-5)
    assert rows[0]["loss"] == pytest.approx(data + decay, rel=1e-5)
    assert rows[0]["error"] == pytest.approx(
        100 * (logits.argmax(dim=1) != labels).double().mean().item()
    )


def test_a_penalty_on_norms_lowers_them_and_the_bound_of_the_network(digits):
    free, held = (weights.create("mlp", {"hidden": [7]}, (1, 8, 8), 10)[0] for _ in range(2))
    rows, _ = lbfgs(held, *digits, decay=1e-5, norm_penalty=0.02, max_iterations=60)
    lbfgs(free, *digits, decay=1e-5, max_iterations=60)
    norms = [torch.linalg.matrix_norm(held[i].weight.detach(), ord=2).item() for i in (1, 3)]
    assert rows[-1]["norm"] == pytest.approx(0.02 * sum(norms), rel=1e-4)
    assert rows[-1]["loss"] == pytest.approx(sum(rows[-1][k] for k in ("data", "decay", "norm")))
    assert network_bound(held, (1, 8, 8)) < 0.5 * network_bound(free, (1, 8, 8))


def test_a_penalty_on_the_norm_of_a_convolution_is_refused(digits):
    model, _ = weights.create("lenet", {}, (1, 28, 28), 10)
    with pytest.raises(InputError, match="norm_penalty: expected fully connected layers"):
        lbfgs(model, torch.rand(2, 1, 28, 28), digits[1][:2], decay=0.0, norm_penalty=0.1)


def test_the_size_of_the_chunks_changes_nothing_but_rounding(digits):
    images, labels = digits
    first, second = softmax(), softmax()
    rows = lbfgs(first, images, labels, decay=1e-2, chunk=100)[0]
    others = lbfgs(second, images, labels, decay=1e-2, chunk=5000)[0]
    assert rows[-1]["loss"] == pytest.approx(others[-1]["loss"], rel=1e-3)


def test_a_frozen_front_stays_as_it_is_and_the_rest_is_trained(digits, tmp_path):
    parent, spec = weights.create("autoencoder", {"hidden": 6}, (1, 8, 8), 10)
    weights.save(tmp_path / "parent.safetensors", parent, spec)
    parents = {"encoder": tmp_path / "parent.safetensors"}
    model, _ = weights.create("encoded", {}, (1, 8, 8), 10, parents=parents)
    head = model.head.weight.clone()
    rows, _ = lbfgs(model, *digits, decay=0.0, max_iterations=50)
    for name, tensor in parent.encoder.state_dict().items():
        assert torch.equal(tensor, model.encoder.state_dict()[name])
    assert not torch.equal(head, model.head.weight)
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    logits = model(digits[0])
    loss = torch.nn.functional.cross_entropy(logits, digits[1]).item()
    assert rows[-1]["data"] == pytest.approx(loss, rel=1e-4)


class Scaled(torch.nn.Sequential):
    """A sequence whose forward does more than apply its parts: its frozen front needs the rest."""

    def forward(self, x):
        return super().forward(x / 2)


def test_the_frozen_front_of_a_model_of_its_own_kind_is_not_taken_apart(digits):
    model = Scaled(torch.nn.Flatten(), torch.nn.Linear(64, 8), torch.nn.Linear(8, 10))
    model[1].requires_grad_(False)
    rows, _ = lbfgs(model, *digits, decay=0.0, max_iterations=20)
    loss = torch.nn.functional.cross_entropy(model(digits[0]), digits[1]).item()
    assert rows[-1]["data"] == pytest.approx(loss, rel=1e-4)


def test_the_loss_is_evaluated_once_at_each_point(digits):
    model, points = softmax(), []
    model.register_forward_pre_hook(lambda *_: points.append(model[1].weight.detach().clone()))
    lbfgs(model, *digits, decay=1e-4, max_iterations=30, chunk=5000)
    assert not any(map(torch.equal, points, points[1:]))


def test_the_history_ends_at_the_limit_and_its_loss_never_rises(digits):
    rows, status = lbfgs(softmax(), *digits, decay=1e-4, max_iterations=30, tolerance=0)
    assert [row["iteration"] for row in rows] == [0, 10, 20, 30]
    assert status == Status.ITERATION_LIMIT
    losses = [row["loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)


def test_a_loss_of_exactly_zero_has_converged():
    images, labels = torch.eye(4).view(4, 1, 2, 2) * 1e3, torch.arange(4)
    model, _ = weights.create("mlp", {"hidden": []}, (1, 2, 2), 4)
    rows, status = lbfgs(model, images, labels, decay=0.0, tolerance=0)
    assert rows[-1]["loss"] == 0
    assert status == Status.CONVERGED
    assert len(rows) < 20


def test_leaves_no_gradients_behind(digits):
    model = softmax()
    lbfgs(model, *digits, decay=1e-4, max_iterations=10)
    assert all(p.grad is None for p in model.parameters())


def test_refuses_as_many_decays_as_there_are_not_layers(digits):
    with pytest.raises(InputError, match="one for each of the 1 weight layers, found 2"):
        lbfgs(softmax(), *digits, decay=[1e-5, 1e-6])


@pytest.mark.parametrize("decay_biases", [False, True])
def test_the_biases_of_layers_that_are_not_trained_are_not_decayed(digits, decay_biases):
    model, _ = weights.create("mlp", {"hidden": [5]}, (1, 8, 8), 10)
    model[1].requires_grad_(False).bias.fill_(1.0)
    head = model[3].weight.detach().double().square().sum().item()  # its biases are 0
    rows, _ = lbfgs(model, *digits, decay=1.0, decay_biases=decay_biases, max_iterations=1)
    assert rows[0]["decay"] == pytest.approx(head / 10, rel=1e-5)


def test_refuses_to_decay_biases_that_the_model_has_not(digits):
    model, _ = weights.create("mlp", {"bias": False}, (1, 8, 8), 10)
    with pytest.raises(InputError, match="decay_biases: expected a model with biases to train"):
        lbfgs(model, *digits, decay=1e-2, decay_biases=True)


def test_refuses_an_empty_training_set(digits):
    with pytest.raises(InputError, match="at least one training image"):
        lbfgs(softmax(), digits[0][:0], digits[1][:0], decay=0)
