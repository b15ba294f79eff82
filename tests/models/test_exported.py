import io
import json
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots import models
from blindspots.attacks import closest, lbfgs
from blindspots.bounds.networks import layer_bounds, network_bound
from blindspots.files import weights
from blindspots.interface import InputError
from blindspots.models.exported import exported
from blindspots.models.lenet import lenet

SHAPE = (1, 12, 12)
ANY = ({0: torch.export.Dim.DYNAMIC},)


class Residual(nn.Module):
    """A model with constants, batch normalisation, in-place changes, and a view by sizes."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding="same")
        self.second = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(144, 10)
        self.scale = nn.Parameter(torch.rand(10))
        self.register_buffer("mean", torch.tensor(0.5), persistent=False)
        nn.init.normal_(self.norm.weight)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)

    def forward(self, x):
        y = self.first((x - self.mean) / torch.tensor([0.3]))
        functional.relu(y, inplace=True)
        y = functional.avg_pool2d(y + functional.relu(self.norm(self.second(y))), 2)
        y = functional.dropout(y.view(x.shape[0], -1), 0.5, self.training)
        left, right = (self.head(y) * self.scale).chunk(2, dim=1)
        return torch.cat([right, left + torch.arange(5.0)], dim=1)


def export(model, path, shape=SHAPE, dynamic=ANY):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own
        program = torch.export.export(model, (torch.rand(4, *shape),), dynamic_shapes=dynamic)
        torch.export.save(program, path)
    return str(path)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Models, and the files of their exported programs."""
    folder = tmp_path_factory.mktemp("programs")
    torch.manual_seed(0)
    made = {"lenet": lenet(SHAPE, 10).eval(), "residual": Residual().eval()}
    return {name: (model, export(model, folder / f"{name}.pt2")) for name, model in made.items()}


@pytest.mark.parametrize("name", ["lenet", "residual"])
def test_a_program_has_its_models_answers_gradients_and_names_to_the_bit(programs, name):
    model, file = programs[name]
    program = exported(SHAPE, 10, file=file)
    for n in (1, 7):
        x = torch.rand(n, *SHAPE, requires_grad=True)
        slopes = [torch.autograd.grad(net(x).square().sum(), x)[0] for net in (model, program)]
        assert torch.equal(model(x), program(x))
        assert torch.equal(*slopes)
    tensors = program.state_dict()
    assert all(torch.equal(tensors[key], value) for key, value in model.state_dict().items())
    assert not program.training


def test_a_program_has_its_models_lipschitz_bounds(programs):
    model, file = programs["lenet"]
    program = exported(SHAPE, 10, file=file)
    assert [b.product for b in layer_bounds(program, SHAPE)] == [
        b.product for b in layer_bounds(model, SHAPE)
    ]
    assert network_bound(program, SHAPE) == network_bound(model, SHAPE)
    with pytest.raises(InputError, match=r"layer 'mul' \(mul\)|chunk"):
        network_bound(exported(SHAPE, 10, file=programs["residual"][1]), SHAPE)


@pytest.mark.parametrize(("attack", "settings"), [(closest, {}), (lbfgs, {"max_searches": 4})])
def test_an_attack_finds_the_same_on_a_program_as_on_its_model(programs, attack, settings):
    model, file = programs["residual"]
    images = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    labels = model(images).argmax(dim=1)
    found, expected = (
        attack(net, images, labels, **settings) for net in (exported(SHAPE, 10, file=file), model)
    )
    assert expected.success.any()
    assert torch.equal(found.images, expected.images)


def test_the_file_of_a_net_is_read_with_its_program(programs, tmp_path):
    model, file = programs["residual"]
    program, spec = weights.create("exported", {"file": file}, SHAPE, 10)
    weights.save(tmp_path / "weights.safetensors", program, spec)
    x = torch.rand(3, *SHAPE)
    assert torch.equal(models.load(tmp_path / "weights.safetensors")(x), model(x))


def test_a_program_for_one_batch_size_is_refused_with_the_remedy(programs, tmp_path):
    file = export(programs["lenet"][0], tmp_path / "fixed.pt2", dynamic=None)
    with pytest.raises(InputError, match=r"batches of any size \(dynamic_shapes.*4 images; export"):
        exported(SHAPE, 10, file=file)


def test_a_program_of_training_is_refused(tmp_path):
    file = export(Residual().train(), tmp_path / "training.pt2")
    with pytest.raises(InputError, match="evaluation mode, found one in training"):
        exported(SHAPE, 10, file=file)
    dropout = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(144, 10)).train()
    file = export(dropout, tmp_path / "dropout.pt2")
    with pytest.raises(InputError, match="evaluation mode, found one in training"):
        exported(SHAPE, 10, file=file)


def test_a_program_for_other_images_or_too_few_classes_is_refused(programs):
    file = programs["lenet"][1]
    with pytest.raises(InputError, match=r"shape \(3, 12, 12\).*found a program for \(1, 12, 12\)"):
        exported((3, 12, 12), 10, file=file)
    with pytest.raises(InputError, match=r"logits \(3, 11\) for three images, found \(3, 10\)"):
        exported(SHAPE, 11, file=file)


def changed(file, path, change):
    """Copy a program; `change` maps the end of a member's name and its bytes to new bytes."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name.partition("/")[2], old.read(name)))
    return str(path)


class Trap:
    """An object that runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_in_a_program_is_unpickled(programs, tmp_path):
    model, file = programs["lenet"]
    trap = tmp_path / "sprung"

    def in_sample_inputs(name, content):
        return pickle.dumps(Trap(trap)) if name.endswith("sample_inputs/model.pt") else content

    def in_weights(name, content):
        if name.endswith("model_weights_config.json"):
            return content.replace(b'"use_pickle": false', b'"use_pickle": true')
        buffer = io.BytesIO()
        torch.save(Trap(trap), buffer)
        return buffer.getvalue() if name.endswith("weights/weight_0") else content

    harmless = exported(SHAPE, 10, file=changed(file, tmp_path / "a.pt2", in_sample_inputs))
    x = torch.rand(2, *SHAPE)
    assert torch.equal(harmless(x), model(x))
    with pytest.raises(InputError, match=r"expected plain tensors, found .* as a pickle"):
        exported(SHAPE, 10, file=changed(file, tmp_path / "b.pt2", in_weights))
    assert not trap.exists()


TRAP = "__import__('pathlib').Path({!r}).touch()"


def test_nothing_in_a_program_is_evaluated_and_other_operators_are_refused(programs, tmp_path):
    model, file = programs["lenet"]
    trap = tmp_path / "sprung"

    def rewritten(path, change):
        def in_json(name, content):
            if not name.endswith("models/model.json"):
                return content
            told = json.loads(content)
            change(told, told["graph_module"]["graph"])
            return json.dumps(told)

        return changed(file, tmp_path / path, in_json)

    def expression(told, graph):
        told["guards_code"] = [TRAP.format(str(trap))]
        for value in graph["tensor_values"].values():
            for size in value["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = TRAP.format(str(trap))

    harmless = exported(SHAPE, 10, file=rewritten("a.pt2", expression))
    x = torch.rand(2, *SHAPE)
    assert torch.equal(harmless(x), model(x))

    def operator(name, text=None):
        def change(told, graph):
            node = graph["nodes"][1]
            node["target"] = name
            if text is not None:
                node["inputs"] = [{"name": "filename", "arg": {"as_string": text}, "kind": 1}]

        return change

    for name, text in [
        ("torch.hub.load", None),
        ("torch.ops.aten.__class__.mro", None),
        ("_operator.methodcaller", None),
        ("torch.ops.higher_order.cond", None),
        ("torch.ops.aten.from_file.default", str(trap)),
    ]:
        with pytest.raises(InputError, match="expected operators on tensors and numbers"):
            exported(SHAPE, 10, file=rewritten("b.pt2", operator(name, text)))
    assert not trap.exists()

    def injected(name, content):
        return content.replace(
            b'"7.weight"', json.dumps(f'7"); {TRAP.format(str(trap))} #').encode()
        )

    with pytest.raises(InputError, match="expected tensors named as attributes of modules are"):
        exported(SHAPE, 10, file=changed(file, tmp_path / "d.pt2", injected))

    def keyword(told, graph):
        told = f"input={TRAP.format(str(trap))}, input"
        graph["nodes"][1]["inputs"][0] |= {"name": told, "kind": 2}

    with pytest.raises(InputError, match="expected names of arguments"):
        exported(SHAPE, 10, file=rewritten("e.pt2", keyword))
    assert not trap.exists()

    def version(told, graph):
        told["schema_version"]["major"] = 9

    with pytest.raises(InputError, match="expected version 8 of PyTorch's schema, found version 9"):
        exported(SHAPE, 10, file=rewritten("c.pt2", version))


def test_a_file_that_is_no_program_is_named(programs, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pt2: expected a file written by torch\.export"):
        exported(SHAPE, 10, file=str(tmp_path / "nowhere.pt2"))
    damaged = tmp_path / "damaged.pt2"
    damaged.write_bytes(Path(programs["lenet"][1]).read_bytes()[:2000])
    with pytest.raises(InputError, match=r"damaged\.pt2: .*cannot be read \(BadZipFile"):
        exported(SHAPE, 10, file=str(damaged))
    with zipfile.ZipFile(tmp_path / "empty.pt2", "w"):
        pass
    with pytest.raises(InputError, match=r"empty\.pt2: .*cannot be read \(IndexError"):
        exported(SHAPE, 10, file=str(tmp_path / "empty.pt2"))
    other = tmp_path / "other.pt2"
    torch.save({"weight": torch.zeros(3)}, other)
    with pytest.raises(InputError, match=r"other\.pt2: expected a program of torch\.export\.save"):
        exported(SHAPE, 10, file=str(other))


def test_a_program_that_takes_or_returns_something_else_is_refused(tmp_path):
    class Double(nn.Module):
        def forward(self, x):
            return x.flatten(1).double()

    with pytest.raises(
        InputError, match=r"double\.pt2: expected a float32 tensor .* torch.float64"
    ):
        exported(SHAPE, 10, file=export(Double(), tmp_path / "double.pt2"))

    class Two(nn.Module):
        def forward(self, x):
            return x.flatten(1), x.mean(dim=(1, 2, 3))

    with pytest.raises(InputError, match="one batch of images to logits, found 1 inputs and 2"):
        exported(SHAPE, 10, file=export(Two(), tmp_path / "two.pt2"))
