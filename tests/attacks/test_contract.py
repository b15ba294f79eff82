"""The contract of the package's attacks, which are found by name: a new one is tested at once."""

import pytest
import torch

from blindspots.config import methods
from blindspots.interface import AttackResult, InputError, Status
from blindspots.threat.trial import trial

ATTACKS = [methods.find("attacks", name) for name in methods.names("attacks")]
pytestmark = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
N = 12


def test_every_field_has_an_entry_per_image(attack, arguments):
    found = attack(**arguments)
    assert isinstance(found, AttackResult)
    assert found.images.shape == arguments["images"].shape
    assert found.images.dtype == torch.float32
    for field in (found.success, found.status, found.forwards, found.backwards):
        assert field.shape == (N,)
    assert {int(s) for s in found.status} <= {int(s) for s in Status}


def test_stays_in_the_box(attack, arguments):
    found = attack(**arguments)
    assert ((found.images >= 0) & (found.images <= 1)).all()


def test_leaves_its_arguments_and_the_model_alone(attack, arguments):
    before = {k: v.clone() for k, v in arguments.items() if k != "model"}
    weights = [p.clone() for p in arguments["model"].parameters()]
    attack(**arguments)
    assert all(torch.equal(before[name], arguments[name]) for name in before)
    for old, new in zip(weights, arguments["model"].parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None


def test_repeats_itself_and_draws_no_global_random_number(attack, arguments):
    state = torch.random.get_rng_state()
    first, second = attack(**arguments), attack(**arguments)
    assert torch.equal(first.images, second.images)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_distances_are_those_of_the_images(attack, arguments):
    found = attack(**arguments)
    change = (found.images.double() - arguments["images"].double()).flatten(1)
    assert torch.allclose(found.l2, change.square().sum(dim=1).sqrt())
    assert torch.allclose(found.linf, change.abs().amax(dim=1))
    assert torch.allclose(found.distortion, found.l2 / 8)


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("images", 3, 1.5, r"images\[3\]: expected pixels in \[0, 1\]"),
        ("images", 5, float("nan"), r"images\[5\]"),
    ],
)
def test_names_the_first_image_that_offends(attack, arguments, name, index, value, message):
    spoilt = arguments[name].clone()
    spoilt[index] = value
    with pytest.raises(InputError, match=message):
        attack(**(arguments | {name: spoilt}))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("images", torch.Tensor.numpy, r"images: expected a tensor of .*, found ndarray"),
        ("images", torch.Tensor.byte, r"images: .*, found torch\.uint8"),
        ("labels", torch.Tensor.int, r"labels: .* torch\.int64, found torch\.int32"),
        ("targets", torch.Tensor.tolist, r"targets: .*, found list"),
    ],
)
def test_refuses_what_is_no_tensor_of_its_kind(attack, arguments, name, change, message):
    with pytest.raises(InputError, match=message):
        attack(**(arguments | {name: change(arguments[name])}))


def test_refuses_a_target_that_is_the_label(attack, arguments):
    targets = arguments["targets"].clone()
    targets[7] = arguments["labels"][7]
    with pytest.raises(InputError, match=r"targets\[7\]: expected a class other than the label"):
        attack(**(arguments | {"targets": targets}))


def test_refuses_an_empty_batch(attack, arguments):
    empty = {k: v[:0] for k, v in arguments.items() if k != "model"}
    with pytest.raises(InputError, match="images: expected at least one"):
        attack(**(arguments | empty))


def test_its_passes_are_those_of_the_model(attack, arguments):
    shown = 0

    def count(_, inputs):
        nonlocal shown
        # A small batch is filled up with copies (`attacks/_goal.py`), which do not count as passes.
        shown += len(inputs[0].flatten(1).unique(dim=0))

    with arguments["model"].register_forward_pre_hook(count):
        trial(arguments["model"], (1, 8, 8))
        of_trial, shown = shown, 0
        found = attack(**arguments)
    expected = found.forwards.sum()
    assert shown == (expected + of_trial if expected else 0)
