"""Exported programs may call operators that compute tensors from tensors, and nothing else."""

import json
import zipfile

import pytest
import torch
from torch import nn

from blindspots.interface import InputError
from blindspots.models import _allowed
from blindspots.models.exported import exported
from tests.models.test_exported import changed, export
from tests.models.test_exported_operators import SHAPE, ending


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A program of a convolution, a ReLU and a fully connected layer."""
    model = ending(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    return export(model, tmp_path_factory.mktemp("programs") / "sample.pt2", SHAPE)


def rewritten(file, path, change):
    """Copy a program; `change` changes the nodes in its JSON."""

    def in_json(name, content):
        if not name.endswith("models/model.json"):
            return content
        told = json.loads(content)
        change(told["graph_module"]["graph"]["nodes"])
        return json.dumps(told)

    return changed(file, path, in_json)


def tensor(name):
    return {"as_tensor": {"name": name}}


def call(target, **arguments):
    """Return a change that replaces the ReLU by a call; "first" stands for the ReLU's argument."""

    def change(nodes):
        node = next(node for node in nodes if "relu" in node["target"])
        first = node["inputs"][0]["arg"]
        node["target"] = f"torch.ops.aten.{target}"
        node["inputs"] = [
            {"name": name, "arg": first if arg == "first" else arg, "kind": 1}
            for name, arg in arguments.items()
        ]

    return change


FILE = {"filename": {"as_string": "trap"}, "shared": {"as_bool": True}, "size": {"as_int": 1000}}
REFUSED = {
    "reads a file": call("from_file.default", **FILE),
    "seeds all": call("manual_seed.default", seed={"as_int": 1}),
    "other memory": call("set_.default", self="first"),
    "resized": call("resize_.default", self="first", size={"as_ints": [1]}),
    "uninitialised": call("empty_like.default", self="first"),
    "of chance": call("rand_like.default", self="first"),
    "of chance, in place": call("bernoulli_.float", self="first"),
    "noise": call("normal_.default", self="first"),
    "into another": call("add.out", self="first", other="first", out="first"),
    "of texts": call("add.str", a={"as_string": "a"}, b={"as_string": "b"}),
    "a text": call("gelu.default", self="first", approximate={"as_string": "trap"}),
    "of numbers": call("pow.int_to_int", a={"as_int": 9}, b={"as_int": 9}),
    "an attribute": call("__class__.mro", self="first"),
    "a dunder": call("relu.__call__", self="first"),
    "quantised": call("q_scale.default", self="first"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_operators_are_refused(sample, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    file = rewritten(sample, tmp_path / "p.pt2", REFUSED[name])
    state = torch.random.get_rng_state()
    with pytest.raises(InputError, match=r"p\.pt2: expected operators on tensors and numbers"):
        exported(SHAPE, 10, file=file)
    assert torch.equal(state, torch.random.get_rng_state())
    assert [path.name for path in tmp_path.iterdir()] == ["p.pt2"]


WRONG = {
    "no dimension": (call("softmax.int", self="first", dim={"as_int": 9}), "IndexError"),
    "no argument": (call("relu.default", **{"start_dim.x": "first"}), "expected names of argum"),
    "a keyword": (call("relu.default", **{"lambda": "first"}), "expected names of arguments of re"),
    "chance": (
        call("dropout.default", input="first", p={"as_float": 0.1}, train={"as_bool": True}),
        "expected a model exported in evaluation mode, found one in training",
    ),
    "no number": (call("mul.Scalar", self="first", other={"as_float": "1"}), "expected numbers as"),
    "no node": (call("relu.default", self=tensor("nowhere")), "KeyError"),
    "nothing": (call("relu.default", self={}), "StopIteration"),
}


@pytest.mark.parametrize("name", WRONG)
def test_calls_that_make_no_network_are_named_in_one_line(sample, tmp_path, capsys, name):
    change, message = WRONG[name]
    with pytest.raises(InputError, match=rf"p\.pt2: .*{message}") as caught:
        exported(SHAPE, 10, file=rewritten(sample, tmp_path / "p.pt2", change))
    assert "\n" not in str(caught.value)
    assert not capsys.readouterr().err


def test_a_program_that_changes_its_weights_is_refused(sample, tmp_path):
    def change(nodes):
        place = next(i for i, node in enumerate(nodes) if "relu" in node["target"])
        (weight,) = {
            given["arg"]["as_tensor"]["name"]
            for given in nodes[place - 1]["inputs"]
            if given["name"] == "weight"
        }
        inputs = [("self", tensor(weight)), ("other", {"as_float": 1 - 1e-6})]
        scaled = {
            "target": "torch.ops.aten.mul_.Scalar",
            "inputs": [{"name": name, "arg": arg, "kind": 1} for name, arg in inputs],
            "outputs": [tensor("scaled")],
        }
        nodes.insert(0, scaled)

    with pytest.raises(InputError, match="expected weights that stay as they are, found that it"):
        exported(SHAPE, 10, file=rewritten(sample, tmp_path / "p.pt2", change))


@pytest.mark.parametrize("word", ["lambda", "None", 'a"b', "a b\\n", ""])
def test_a_tensor_whose_name_is_no_name_in_python_is_refused(sample, tmp_path, word):
    def in_json(name, content):
        return content.replace(b'"0.0.weight"', json.dumps(f"0.{word}.weight").encode())

    with pytest.raises(InputError, match=r"p\.pt2: expected tensors named as attributes of modu"):
        exported(SHAPE, 10, file=changed(sample, tmp_path / "p.pt2", in_json))


@pytest.mark.parametrize("word", ["forward", "__class__", "_modules", "training"])
def test_a_tensor_takes_no_name_that_a_module_has(sample, tmp_path, word):
    def in_json(name, content):
        return content.replace(b'"0.0.weight"', json.dumps(f"0.{word}.weight").encode())

    with pytest.raises(InputError, match=rf"p\.pt2: .*'{word}' already exists"):
        exported(SHAPE, 10, file=changed(sample, tmp_path / "p.pt2", in_json))


def test_a_file_that_lies_about_its_size_takes_no_memory(sample, tmp_path):
    def expanded(name, content):
        if not name.endswith("model_weights_config.json"):
            return content
        told = json.loads(content)
        meta = next(iter(told["config"].values()))["tensor_meta"]
        meta["sizes"], meta["strides"] = [{"as_int": 10**13}], [{"as_int": 0}]
        return json.dumps(told)

    with pytest.raises(InputError, match=r"p\.pt2: expected tensors of the numbers in the file"):
        exported(SHAPE, 10, file=changed(sample, tmp_path / "p.pt2", expanded))
    with (
        zipfile.ZipFile(sample) as old,
        zipfile.ZipFile(tmp_path / "zip.pt2", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(InputError, match=r"expected an archive as .* found a compressed one"):
        exported(SHAPE, 10, file=str(tmp_path / "zip.pt2"))


def overloads(name):
    packet = getattr(torch.ops.aten, name, None)
    return [] if packet is None else [getattr(packet, overload) for overload in packet.overloads()]


def test_no_operator_of_the_list_draws_by_chance_or_takes_unlisted_texts():
    assert sum(bool(overloads(name)) for name in _allowed.ALL) > 0.9 * len(_allowed.ALL)
    for name in sorted(_allowed.ALL - _allowed.IN_EVALUATION):
        for operator in overloads(name):
            if _allowed._is_functional(operator, name, name):
                assert torch.Tag.nondeterministic_seeded not in operator.tags, operator
                texts = [a.name for a in operator._schema.arguments if str(a.type) == "str"]
                assert not texts or name in _allowed.TEXTS, operator
