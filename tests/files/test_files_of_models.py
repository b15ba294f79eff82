import json
import sys
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from blindspots import models
from blindspots.files import weights
from blindspots.interface import InputError

SHAPE = (1, 8, 8)


def saved(path, method="mlp", settings=None, **keywords):
    settings = {"hidden": [5]} if settings is None else settings
    model, spec = weights.create(method, settings, SHAPE, 10, **keywords)
    weights.save(path, model, spec)
    return model


def test_a_file_says_what_model_it_holds(tmp_path):
    model = saved(tmp_path / "w.safetensors", settings={"hidden": [4, 3], "activation": "relu"})
    loaded = models.load(tmp_path / "w.safetensors")
    x = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), loaded(x))
    assert not loaded.training


def test_a_model_built_from_another_is_whole_in_its_own_file(tmp_path):
    saved(tmp_path / "ae.safetensors", "autoencoder", {"hidden": 6})
    parents = {"encoder": tmp_path / "ae.safetensors"}
    model = saved(tmp_path / "w.safetensors", "encoded", {}, parents=parents)
    (tmp_path / "ae.safetensors").unlink()
    x = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), models.load(tmp_path / "w.safetensors")(x))


def test_initial_weights_depend_on_the_seed_alone_and_the_global_state_stays():
    state = torch.random.get_rng_state()
    first, again, other = (
        weights.create("mlp", {"hidden": []}, SHAPE, 10, seed=seed)[0][1].weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_users_model_is_built_by_dotted_path(tmp_path):
    model = saved(tmp_path / "w.safetensors", "tests.nets:two_layers", {"width": 3})
    assert model[1].out_features == 3
    loaded = models.load(tmp_path / "w.safetensors", own=["tests.nets:two_layers"])
    assert loaded[1].out_features == 3


def test_weights_of_another_shape_name_the_tensor(tmp_path):
    saved(tmp_path / "w.safetensors", settings={"hidden": [5]})
    other, _ = weights.create("mlp", {"hidden": [7]}, SHAPE, 10)
    with pytest.raises(InputError, match=r"w\.safetensors: tensor '1\.bias': expected 7, found 5"):
        weights.load_weights(other, tmp_path / "w.safetensors")


def test_weights_of_another_architecture_name_what_is_missing(tmp_path):
    saved(tmp_path / "w.safetensors", settings={"hidden": []})
    other, _ = weights.create("mlp", {"hidden": [7]}, SHAPE, 10)
    with pytest.raises(InputError, match=r"tensor '1\.bias': expected 7, found 10"):
        weights.load_weights(other, tmp_path / "w.safetensors")


def test_a_pth_file_of_weights_is_read_and_one_with_code_is_refused(tmp_path):
    model, _ = weights.create("mlp", {"hidden": []}, SHAPE, 10, seed=3)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    other, _ = weights.create("mlp", {"hidden": []}, SHAPE, 10)
    weights.load_weights(other, tmp_path / "w.pth")
    assert torch.equal(model[1].weight, other[1].weight)
    torch.save(model, tmp_path / "whole.pth")
    with pytest.raises(InputError, match=r"pickled Python objects \(torch.nn.*are not opened; sav"):
        weights.load_weights(other, tmp_path / "whole.pth")


@pytest.mark.parametrize("kept", [0, 5, 200])
def test_a_truncated_file_is_refused(tmp_path, kept):
    path = tmp_path / "w.safetensors"
    saved(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"w\.safetensors: expected a (whole )?file of weights, f"):
        models.load(path)


def test_weights_without_a_spec_do_not_make_a_model(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="expected a file with a spec of its model"):
        models.load(tmp_path / "w.safetensors")


def test_published_weights_are_read_from_where_torchvision_keeps_them(tmp_path, monkeypatch):
    wanted, _ = weights.create("alexnet", {}, (3, 64, 64), 1000, seed=1)
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    torch.save(wanted.state_dict(), tmp_path / "hub/checkpoints/alexnet-owt-7be5be79.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found, _ = weights.create("alexnet", {}, (3, 64, 64), 1000, seed=2)
    weights.load_weights(found, "torchvision:AlexNet_Weights.IMAGENET1K_V1")
    assert torch.equal(found.features[0].weight, wanted.features[0].weight)


def test_published_weights_without_a_torchvision_that_fits_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    model, _ = weights.create("alexnet", {}, (3, 64, 64), 1000)
    with pytest.raises(InputError, match=r"that fits PyTorch, found none .*; install a pair, or"):
        weights.load_weights(model, "torchvision:AlexNet_Weights.IMAGENET1K_V1")


def test_published_weights_that_cannot_be_had_are_refused_with_a_remedy(tmp_path, monkeypatch):
    def unreachable(*arguments, **settings):
        raise URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    model, _ = weights.create("alexnet", {}, (3, 64, 64), 1000)
    with pytest.raises(InputError, match=r"expected to download .*alexnet.*give its file as wei"):
        weights.load_weights(model, "torchvision:AlexNet_Weights.IMAGENET1K_V1")
    with pytest.raises(InputError, match="that torchvision publishes, such as AlexNet_Weights"):
        weights.load_weights(model, "torchvision:AlexNet_Weights.IMAGENET")


def test_the_untrained_model_of_a_file_is_the_one_created_with_that_seed(tmp_path):
    path = tmp_path / "w.safetensors"
    saved(path)
    spec = weights.spec_of(path)
    created, _ = weights.create(
        spec["method"], spec["settings"], spec["shape"], spec["classes"], seed=7
    )
    found, trained = weights.untrained(path, seed=7), models.load(path)
    for mine, expected, other in zip(
        found.parameters(), created.parameters(), trained.parameters(), strict=True
    ):
        assert torch.equal(mine, expected)
        assert mine.ndim == 1 or not torch.equal(mine, other)


class Own(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.layer, self.answer = nn.Linear(64, 10), answer

    def forward(self, x):
        return self.answer(self.layer, x)


OWN = {
    "no module": (lambda: None, "expected a torch.nn.Module, found NoneType"),
    "a tuple": (lambda: Own(lambda f, x: (f(x.flatten(1)), x)), "three images, found tuple;"),
    "other numbers": (
        lambda: Own(lambda f, x: f(x.flatten(1)).double()),
        r"expected a float32 tensor .* found Tensor \(3, 10\) torch.float64",
    ),
    "one row": (lambda: Own(lambda f, x: f(x.flatten(1)).flatten()), r"found Tensor \(30,\)"),
    "chance": (lambda: Own(lambda f, x: functional.dropout(f(x.flatten(1)))), "random numbers"),
    "the others": (lambda: Own(lambda f, x: f((x - x.mean(0)).flatten(1))), "alone and among oth"),
    "no numbers": (lambda: Own(lambda f, x: f(x.flatten(1)) / 0 * 0), "the same finite logits"),
    "changed": (lambda: Own(lambda f, x: f(x.clamp_(0, 0.5).flatten(1))), "that it changes them"),
    "double weights": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double(), "float32"),
    "another size": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        r"images \(n, 1, 8, 8\), found that it cannot take them \(mat1",
    ),
}


@pytest.mark.parametrize("made", OWN)
def test_a_function_of_ones_own_that_makes_no_model_of_these_images_is_named(monkeypatch, made):
    make, message = OWN[made]
    monkeypatch.setattr("tests.nets.two_layers", lambda shape, classes: make())
    with pytest.raises(InputError, match=f"^tests.nets:two_layers: .*{message}"):
        weights.create("tests.nets:two_layers", {}, SHAPE, 10)


CALLED = []


def called(shape, classes, **settings):
    """A function that a malicious file names; it must not be called."""
    CALLED.append(shape)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


SPEC = {"method": "mlp", "settings": {}, "shape": list(SHAPE), "classes": 10, "parents": {}}
CALLS = f"{__name__}:called"


def with_spec(path, spec):
    text = spec if isinstance(spec, str) else json.dumps(spec)
    save_file({"1.weight": torch.zeros(10, 64), "1.bias": torch.zeros(10)}, path, {"spec": text})
    return path


@pytest.mark.parametrize(
    "spec",
    [
        SPEC | {"method": CALLS},
        SPEC | {"method": "encoded", "parents": {"encoder": SPEC | {"method": CALLS}}},
    ],
    ids=["the model", "a parent"],
)
def test_a_file_calls_no_function_that_its_reader_does_not_name(tmp_path, spec):
    path = with_spec(tmp_path / "w.safetensors", spec)
    for read in (
        models.load,
        lambda path: models.load(path, own=["my_lab:net"]),
        lambda path: weights.untrained(path, seed=0),
        lambda path: weights.create("encoded", {}, SHAPE, 10, parents={"encoder": path}),
    ):
        with pytest.raises(InputError, match=rf"w\.safetensors: .* {CALLS!r}, which could run"):
            read(path)
    with pytest.raises(InputError, match="with method 'mlp', as the config says"):
        weights.check_spec(path, SPEC)
    assert not CALLED


@pytest.mark.parametrize(
    "spec",
    [
        "no JSON", "{}", "[1]", "null", "[" * 10_000, '{"parents": ' * 10_000,
        SPEC | {"method": 3}, SPEC | {"settings": []}, SPEC | {"shape": 3},
        SPEC | {"shape": [1, -8, 8]}, SPEC | {"classes": 1.5}, SPEC | {"parents": [SPEC]},
        SPEC | {"parents": {"encoder": {}}},
    ],
)  # fmt: skip
def test_a_broken_spec_is_named_with_its_file(tmp_path, spec):
    path = with_spec(tmp_path / "w.safetensors", spec)
    for read in (models.load, lambda path: weights.check_spec(path, SPEC)):
        with pytest.raises(InputError, match=r"w\.safetensors: expected a spec of a model \(meth"):
            read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {"hidden": [10**12]}}, r"expected the \d+ numbers of the model .* found 650"),
        (
            {"settings": {"hiden": [3]}},
            r"expected settings of the model 'mlp', found \{'hiden'.*TypeError",
        ),
        ({"settings": {"hidden": "wide"}}, r"expected settings of the model 'mlp', found \{'hi"),
        ({"method": "mpl"}, "expected one of .* found 'mpl'"),
        ({"method": "exported", "settings": {"file": 3}}, "expected settings of the model 'expor"),
    ],
)
def test_a_spec_of_another_model_than_that_of_the_weights_takes_no_memory(
    tmp_path, change, message
):
    path = with_spec(tmp_path / "w.safetensors", SPEC | change)
    for read in (models.load, lambda path: weights.untrained(path, seed=0)):
        with pytest.raises(InputError, match=rf"w\.safetensors: {message}"):
            read(path)


def test_a_bit_that_changed_in_the_weights_is_found(tmp_path):
    path = tmp_path / "a.safetensors"
    model, spec = weights.create("mlp", {"hidden": [3]}, (1, 4, 4), 3)
    weights.save(path, model, spec)
    whole = path.read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    for place in (begin, (begin + len(whole)) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError, match="another SHA-256 than it says"):
            weights.load(path)
    path.write_bytes(whole)
    weights.load(path)


def test_the_same_weights_give_the_same_bytes(tmp_path):
    model, spec = weights.create("mlp", {"hidden": [3]}, (1, 4, 4), 3)
    found = set()
    for number in range(8):  # safetensors writes metadata in random order
        weights.save(tmp_path / f"{number}.safetensors", model, spec)
        found.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(found) == 1
    assert weights.spec_of(tmp_path / "0.safetensors") == spec
