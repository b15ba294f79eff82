"""Arguments and surroundings of calls of the package's attacks, such as threads and autocast."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots.attacks import closest, gaussian, identity, lbfgs, other_image, sphere
from blindspots.interface import InputError

ADVERSARIES = [closest, lbfgs]
adversaries = pytest.mark.parametrize("attack", ADVERSARIES, ids=lambda attack: attack.__name__)
everyone = pytest.mark.parametrize(
    "attack",
    [*ADVERSARIES, gaussian, identity, other_image, sphere],
    ids=lambda attack: attack.__name__,
)

TENSORS = {
    "recorded": lambda x: x.clone().requires_grad_(),
    "parameter": lambda x: nn.Parameter(x.clone()),
    "transposed": lambda x: x.mT.contiguous().mT,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
}


@everyone
@pytest.mark.parametrize("kind", TENSORS)
def test_images_of_any_make_are_attacked_as_they_are_plain(attack, arguments, kind):
    plain = attack(**arguments)
    found = attack(**(arguments | {"images": TENSORS[kind](arguments["images"])}))
    assert torch.equal(found.images, plain.images)
    assert not found.images.requires_grad
    assert not found.originals.requires_grad


@adversaries
def test_tensors_made_in_inference_mode_are_attacked(attack, arguments):
    with torch.inference_mode():
        made = {name: arguments[name] + 0 for name in ("images", "labels", "targets")}
    assert torch.equal(attack(**(arguments | made)).images, attack(**arguments).images)


@everyone
def test_a_box_may_be_a_pair(attack, arguments):
    assert torch.equal(attack(**arguments, box=[0, 1]).images, attack(**arguments).images)


@everyone
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"box": 1}, "box: expected the least and the largest value of a pixel, found 1"),
        ({"box": (0, 0.5, 1)}, "box: expected the least and the largest"),
        ({"box": (1, 0)}, r"box: expected the least value first, found \[1, 0\]"),
        ({"images": torch.zeros(12)}, r"images: expected shape \(n, \*image\), found \(12,\)"),
        (
            {"labels": torch.zeros(12, dtype=torch.int64, device="meta")},
            "labels: .* on cpu, .*meta",
        ),
    ],
)
def test_what_cannot_be_meant_is_named(attack, arguments, changed, message):
    with pytest.raises(InputError, match=message):
        attack(**(arguments | changed))


MODELS = {
    "half": (
        lambda net: copy.deepcopy(net).half(),
        r"model: .* float32 images \(n, 1, 8, 8\) on c",
    ),
    "double": (
        lambda net: copy.deepcopy(net).double(),
        "model: .* cannot take them .* to one type",
    ),
    "exact": (
        lambda net: lambda x: copy.deepcopy(net).double()(x.double()),
        r"model: expected a float32 tensor .* torch\.float64; return .* \.to\(x\.dtype\)",
    ),
    "in place": (lambda net: lambda x: net(x.sub_(0.5)), "model: expected images that stay as"),
    "chance": (lambda net: lambda x: net(functional.dropout(x)), "model: .* draws random numbers"),
    "batch": (lambda net: lambda x: net(x - x.mean()), "model: .* alone and among others"),
    "unused": (
        lambda net: lambda x: net(x.detach()),
        "model: expected logits that are differentiable",
    ),
    "no grad": (
        lambda net: torch.no_grad()(net.forward),
        "model: expected logits that are differentiable",
    ),
}


@adversaries
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_that_is_none_is_named_and_the_images_stay(attack, arguments, kind):
    make, message = MODELS[kind]
    before = arguments["images"].clone()
    with pytest.raises(InputError, match=message):
        attack(**(arguments | {"model": make(arguments["model"])}))
    assert torch.equal(arguments["images"], before)


@adversaries
def test_weights_made_in_inference_mode_are_named(attack, arguments):
    with torch.inference_mode():
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(InputError, match=r"model: .* found '1\.weight' made under"):
        attack(**(arguments | {"model": model}))


@adversaries
@pytest.mark.parametrize(
    ("surroundings", "message"),
    [
        (torch.inference_mode, r"expected a call outside torch\.inference_mode\(\)"),
        (lambda: torch.autocast("cpu", torch.bfloat16), r"outside torch\.autocast, .*bfloat16"),
    ],
)
def test_where_no_search_by_gradients_is_possible_it_says_so(
    attack, arguments, surroundings, message
):
    with surroundings(), pytest.raises(InputError, match=message):
        attack(**arguments)


@adversaries
def test_where_one_is_possible_it_finds_the_same(attack, arguments):
    expected = attack(**arguments).images
    with torch.no_grad():
        assert torch.equal(attack(**arguments).images, expected)
    with torch.autograd.set_detect_anomaly(True):
        assert torch.equal(attack(**arguments).images, expected)
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(attack(**arguments).images, expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_random_points_need_a_box_with_ends(arguments):
    with pytest.raises(InputError, match=r"restarts: expected a finite box .* \[0, inf\]"):
        closest(**arguments, box=(0, torch.inf), restarts=1)
    assert closest(**arguments, box=(0, torch.inf)).success.all()


@adversaries
@pytest.mark.parametrize("fewest", [1, 5, 32])
def test_the_model_is_shown_as_many_images_as_said(attack, arguments, fewest):
    shown = []
    model = arguments["model"]
    few = {name: value[:3] for name, value in arguments.items() if name != "model"}
    with model.register_forward_pre_hook(lambda _, inputs: shown.append(len(inputs[0]))):
        found = attack(model, **few, fewest=fewest)
    shown = shown[5:]  # earlier ones are the trial's
    assert all(n >= fewest and n % min(fewest, 16) == 0 for n in shown)
    assert min(shown) == fewest
    if fewest == 1:
        assert sum(shown) == found.forwards.sum()


@adversaries
def test_it_needs_at_least_one_image_at_a_time(attack, arguments):
    with pytest.raises(InputError, match="fewest: expected 1 image or more, found 0"):
        attack(**arguments, fewest=0)
