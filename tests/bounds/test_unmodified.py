"""Layers that compute something else than their class are refused, since bounds would not hold."""

import copy
from types import MethodType

import numpy as np
import pytest
import torch
from torch import fx, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize, prune
from torch.overrides import TorchFunctionMode

from blindspots.bounds.graph import exact
from blindspots.bounds.networks import layer_bounds, network_bound
from blindspots.interface import InputError

SHAPE = (2, 6, 6)


def net():
    """A small network of the usual layers."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 8),
        nn.Tanh(),
        nn.Linear(8, 3),
    ).eval()


def on_the_instance(at, name, function):
    model = net()
    setattr(model[at], name, MethodType(function, model[at]))
    return model


def steeper(self, x):
    return functional.linear(x, 50 * self.weight, self.bias)


def steeper_far_away(self, x):
    """A linear layer that is steeper where no random image reaches."""
    y = functional.linear(x, self.weight, self.bias)
    return torch.where(x.abs().amax() < 1e6, y, 50 * y)


class Standardised(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight / weight.std(), bias)


class Louder(nn.ReLU):
    def __call__(self, x):
        return 50 * super().__call__(x)


class Instead(nn.Linear):
    def __getattr__(self, name):
        found = super().__getattr__(name)
        return 50 * found if name == "weight" else found

    def reset_parameters(self):
        nn.init.ones_(self._parameters["weight"])  # not what it is called
        nn.init.zeros_(self.bias)


def with_layer(at, layer):
    model = net()
    model[at] = layer
    return model.eval()


def with_hook(register):
    model = net()
    getattr(model[5], register)(lambda module, *given: None)
    return model


CHANGED = {
    "forward": (on_the_instance(5, "forward", steeper), r"layer '5' \(Linear\): .* the forward of"),
    "forward, far away": (on_the_instance(5, "forward", steeper_far_away), "the forward of its"),
    "forward of a function": (on_the_instance(2, "forward", lambda self, x: 9 * x), "layer '2'"),
    "_conv_forward": (
        on_the_instance(0, "_conv_forward", lambda self, x, w, b: functional.conv2d(x, 5 * w, b)),
        r"layer '0' \(Conv2d\): expected the _conv_forward of its class",
    ),
    "_call_impl": (on_the_instance(5, "_call_impl", steeper), "the _call_impl of its class"),
    "_conv_forward of a subclass": (
        with_layer(0, Standardised(2, 4, 3, padding=1)),
        r"layer '0' \(Standardised\): expected the _conv_forward of Conv2d, found another",
    ),
    "__call__ of a subclass": (with_layer(2, Louder()), "layer '2'.*the __call__ of ReLU"),
    "__getattr__ of a subclass": (with_layer(5, Instead(36, 8)), "the __getattr__ of Linear"),
    "forward of a subclass": (
        with_layer(5, type("Mine", (nn.Linear,), {"forward": steeper})(36, 8)),
        "layer '5",
    ),
    "hook": (with_hook("register_forward_hook"), r"layer '5' \(Linear\): expected no hooks"),
    "hook before": (with_hook("register_forward_pre_hook"), "expected no hooks, found some"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_layer_that_is_changed_is_refused_by_its_path(name):
    model, message = CHANGED[name]
    with pytest.raises(InputError, match=message) as raised:
        network_bound(model, SHAPE)
    assert "\n" not in str(raised.value)


def test_a_forward_replaced_on_the_whole_model_is_refused():
    model = net()
    model.forward = lambda x: 50 * x.flatten(1)[:, :3]
    with pytest.raises(InputError, match=r"layer '' \(Sequential\): expected the forward of its"):
        network_bound(model, SHAPE)


@pytest.mark.parametrize(
    ("home", "name", "message"),
    [
        (functional, "relu", r"torch\.nn\.functional\.relu: expected PyTorch's own function"),
        (functional, "conv2d", r"torch\.nn\.functional\.conv2d: expected PyTorch's own function"),
        (torch, "tanh", r"torch\.tanh: expected PyTorch's own"),
        (torch.Tensor, "__add__", r"Tensor\.__add__: expected PyTorch's own"),
        (nn.Module, "_call_impl", r"Module\._call_impl: expected PyTorch's own"),
        (nn.Linear, "forward", r"layer '5' \(Linear\)"),
        (nn.Conv2d, "_conv_forward", r"layer '0' \(Conv2d\): Conv2d\._conv_forward: expected"),
    ],
)
def test_a_function_replaced_for_the_whole_process_is_refused(monkeypatch, home, name, message):
    model, own = net(), getattr(home, name)
    monkeypatch.setattr(home, name, lambda *given, **named: 50 * own(*given, **named))
    with pytest.raises(InputError, match=message):
        network_bound(model, SHAPE)


def test_one_function_of_pytorch_in_the_place_of_another_is_refused(monkeypatch):
    monkeypatch.setattr(functional, "relu", functional.elu)
    with pytest.raises(InputError, match=r"functional\.relu: .* found torch\.nn\.functional\.elu"):
        network_bound(net(), SHAPE)


@pytest.mark.parametrize("when", ["forward_hook", "forward_pre_hook"])
def test_hooks_on_all_modules_are_refused(when):
    handle = getattr(nn.modules.module, f"register_module_{when}")(lambda *given: None)
    try:
        with pytest.raises(InputError, match="expected no hooks on all modules"):
            network_bound(net(), SHAPE)
    finally:
        handle.remove()


class Fifty(TorchFunctionMode):
    """A mode that makes rectifiers steeper."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        return 50 * found if function is functional.relu else found


def test_what_is_switched_on_around_a_model_is_seen():
    with Fifty(), pytest.raises(InputError, match=r"layer '2' \(ReLU\): expected what the class"):
        network_bound(net(), SHAPE)
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(InputError, match="layer '0'"):
        network_bound(net(), SHAPE)


class Forward(nn.Module):
    """A test's own forward around a layer."""

    def __init__(self, forward):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.calls, self.way = nn.Linear(6, 3), 0, forward
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        return self.way(self, x)


def at_a_lower_precision(self, x):
    with torch.autocast("cpu", torch.bfloat16):
        return self.layer(x).float()


def counting(self, x):
    self.calls += 1
    return self.layer(x) * (1 + self.calls)


def counting_in_a_buffer(self, x):
    self.seen += 1
    return self.layer(x)


def aware_of_the_trace(self, x):
    return self.layer(x) if isinstance(x, fx.Proxy) else 50 * self.layer(x)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (at_a_lower_precision, "what its trace by torch.fx does"),
        (counting, "whenever it is asked"),
        (counting_in_a_buffer, "leaves the model as it is, found that it changes .*'seen'"),
        (aware_of_the_trace, "what its trace by torch.fx does"),
        (lambda self, x: self.layer(x) + torch.rand(3), "whenever it is asked"),
        (lambda self, x: self.layer(x) + torch.bernoulli(self.seen + 0.5), "whenever it is asked"),
        (lambda self, x: torch.softmax(self.layer(x), dim=0), "for each image by itself"),
        (lambda self, x: self.layer(x.view(1, -1)), "an error for 2 images"),
        (lambda self, x: self.layer(x if len(x) > 1 else 50 * x), "torch.fx can trace"),
        (lambda self, x: self.layer(x if x.shape[0] > 1 else 50 * x), "torch.fx can trace"),
        (lambda self, x: self.layer(x) / self.seen, "what its trace"),  # infinite
        (lambda self, x: self.layer(x.half().float()), r"\(half\): expected a result for each"),
        (lambda self, x: self.layer(x.double()), r"\(double\): expected a result for each"),
        (lambda self, x: self.layer(x.to(torch.bfloat16)), r"\(to\): expected a result for each"),
    ],
)
def test_a_forward_whose_answers_do_not_follow_from_the_image_alone_is_refused(forward, message):
    model = Forward(forward).eval()
    with pytest.raises(InputError, match=message) as raised:
        network_bound(model, (6,))
    assert "\n" not in str(raised.value)


def of_weight(weight):
    layer = nn.Linear(4, 3)
    del layer.weight
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer


class Labelled(torch.Tensor):
    """A tensor type like those of quantisation libraries."""


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (of_weight(torch.zeros(3, 4, dtype=torch.complex64)), "complex64"),
        (of_weight(torch.zeros(3, 4).to_sparse()), "sparse_coo"),
        (of_weight(torch.zeros(3, 4, device="meta")), "meta"),
        (of_weight(torch.zeros(3, 4).as_subclass(Labelled)), "Labelled"),
        (nn.Linear(4, 3).half(), "float16"),
        (nn.Linear(4, 3).bfloat16(), "bfloat16"),
        (nn.LazyLinear(3), "UninitializedParameter"),
    ],
)
def test_weights_that_are_no_plain_numbers_are_refused(layer, found):
    with pytest.raises(InputError, match=rf"layer '1' \(.*weight: expected plain .*{found}"):
        network_bound(nn.Sequential(nn.Flatten(), layer).eval(), (1, 2, 2))


def spectrally_normalised(layer):
    layer = nn.utils.spectral_norm(layer)
    for _ in range(3):
        layer(torch.rand(2, 12))
    return layer


def pruned(layer):
    prune.l1_unstructured(layer, "weight", amount=0.5)
    return layer


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


def parametrised(layer):
    parametrize.register_parametrization(layer, "weight", Doubled())
    return layer


def of_a_view(layer):
    layer.weight = nn.Parameter(torch.rand(1, 12).expand(7, 12)[::1], requires_grad=False)
    return layer


class Own(nn.Linear):
    """A subclass that computes what its class does."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        nn.init.orthogonal_(self.weight)


REWEIGHTED = {
    "weight_norm of old": lambda: nn.utils.weight_norm(nn.Linear(12, 7)),
    "spectral_norm of old": lambda: spectrally_normalised(nn.Linear(12, 7)),
    "weight_norm": lambda: parametrizations.weight_norm(nn.Linear(12, 7)),
    "spectral_norm": lambda: parametrizations.spectral_norm(nn.Linear(12, 7)),
    "orthogonal": lambda: parametrizations.orthogonal(nn.Linear(12, 7)),
    "pruned": lambda: pruned(nn.Linear(12, 7)),
    "parametrised": lambda: parametrised(nn.Linear(12, 7)),
    "a view": lambda: of_a_view(nn.Linear(12, 7)),
    "a subclass": lambda: Own(12, 7),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", REWEIGHTED)
def test_the_weight_that_counts_is_the_one_that_the_layer_applies(name):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), REWEIGHTED[name]()).eval()
    with torch.no_grad():
        applied = (model(torch.eye(12)) - model(torch.zeros(12, 12))).T.double().numpy()
    norm = np.linalg.norm(applied, 2)
    assert network_bound(model, (12,)) == pytest.approx(norm, rel=1e-5)
    assert [bound.kind for bound in layer_bounds(model, (12,))] == ["Flatten", "Linear"]


def test_a_weight_that_was_changed_since_the_last_call_is_bounded_as_it_is_now():
    model = nn.Sequential(pruned(nn.Linear(12, 7))).eval()
    before = network_bound(model, (12,))
    model[0].weight_orig.data *= 3
    assert network_bound(model, (12,)) == pytest.approx(3 * before, rel=1e-6)


def test_weights_made_of_others_are_refused_in_training_in_which_they_change():
    model = nn.Sequential(parametrizations.spectral_norm(nn.Linear(12, 7)))
    with pytest.raises(InputError, match=r"layer '0' \(ParametrizedLinear\): expected evaluation"):
        network_bound(model, (12,))


class Casting(nn.Module):
    def __init__(self, cast):
        super().__init__()
        self.cast, self.net = cast, net()
        self.register_buffer("steps", torch.tensor(3))  # an integer
        self.register_buffer("scale", torch.tensor([2, 3]).view(2, 1, 1))

    def forward(self, x):
        return self.net(self.cast(x) * self.scale)


@pytest.mark.parametrize(
    "cast",
    [
        lambda x: x.float(),
        lambda x: x.to(torch.float32),
        lambda x: x.to(dtype=torch.float32, copy=True),
        lambda x: x.type(torch.float32),
        lambda x: x.to(x.dtype).contiguous().clone(),
        lambda x: x.type_as(x),
    ],
)
def test_a_cast_to_the_type_that_images_have_changes_nothing(cast):
    assert network_bound(Casting(cast).eval(), SHAPE) == network_bound(
        Casting(lambda x: x).eval(), SHAPE
    )


def test_the_network_in_float64_computes_what_the_model_does_and_leaves_it_alone():
    model, images = net(), torch.rand(5, *SHAPE)
    model.register_buffer("unused", torch.zeros(3))
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    names = {path: set(vars(module)) for path, module in model.named_modules()}
    made = exact(model, SHAPE)
    assert exact(made, SHAPE) is made
    with torch.no_grad():
        assert torch.allclose(made(images.double()), model(images).double(), atol=1e-5)
    assert all(tensor.dtype == torch.float64 for tensor in made.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert {path: set(vars(module)) for path, module in model.named_modules()} == names
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_module_used_at_two_places_and_one_that_is_unused_are_fine():
    model = Forward(lambda self, x: self.layer(x[:, :6]) + self.layer(x[:, 6:]))
    weight = model.layer.weight.detach().double().numpy()
    # each half is at most as long as the whole: their outputs may add up
    assert network_bound(model.eval(), (12,)) == pytest.approx(2 * np.linalg.norm(weight, 2))


def test_bounds_may_be_asked_for_where_nothing_is_recorded_for_gradients():
    with torch.inference_mode():
        assert network_bound(net(), SHAPE) == network_bound(net(), SHAPE)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_is_no_module_in_python_is_refused():
    with pytest.raises(InputError, match="expected a model in Python, found one in TorchScript"):
        network_bound(torch.jit.trace(net(), torch.rand(2, *SHAPE)), SHAPE)
    with pytest.raises(InputError, match=r"expected a torch\.nn\.Module, found function"):
        network_bound(lambda x: x, SHAPE)
