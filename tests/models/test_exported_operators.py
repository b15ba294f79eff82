"""Exported programs may call operators that compute tensors from tensors, and nothing else."""

import json
import warnings
import zipfile

import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots.bounds.networks import network_bound
from blindspots.interface import InputError
from blindspots.models import _allowed
from blindspots.models._operators import CHECKED, OPERATIONS
from blindspots.models.exported import exported
from tests.models.test_exported import ANY, changed, export

SHAPE = (3, 8, 8)


class Applied(nn.Module):
    """A function of images as a model."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def ending(layer):
    """A layer with a fully connected one after it."""
    torch.manual_seed(0)
    model = nn.Sequential(layer, nn.Flatten(), nn.LazyLinear(10)).eval()
    model(torch.rand(1, *SHAPE))
    return model


def check_same(model, file, shape=SHAPE):
    program = exported(shape, 10, file=file)
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(program(images), model(images))
    return program


PADDINGS = {
    f"{mode}, {padding}, {side}": nn.Conv2d(3, 4, side, padding=padding, padding_mode=mode)
    for mode in ("zeros", "reflect", "replicate", "circular")
    for padding, side in [(1, 3), ((2, 0), 3), ("same", 3), ("same", 4), ("valid", 3)]
} | {
    "dilated": nn.Conv2d(3, 4, 3, padding="same", dilation=2),
    "reflection": nn.ReflectionPad2d((1, 2, 0, 1)),
    "replication": nn.ReplicationPad2d(1),
    "circular": nn.CircularPad2d(1),
    "constant": nn.ConstantPad2d((1, 0, 2, -1), 0.5),
}


@pytest.mark.parametrize("name", PADDINGS)
def test_paddings_are_the_models(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's, that it copies for an uneven padding
        model = ending(PADDINGS[name])
        program = check_same(model, export(model, tmp_path / "p.pt2", SHAPE))
        if name.startswith(("zeros", "dilated")):
            assert network_bound(program, SHAPE) == network_bound(model, SHAPE)
        elif "valid" not in name:  # pads by an operator of its own
            with pytest.raises(InputError, match="known Lipschitz bound"):
                network_bound(program, SHAPE)


class Attention(nn.Module):
    """Of the pixels of a row to those before them."""

    def forward(self, x):
        rows = x.flatten(1, 2)
        later = torch.ones(24, 24).triu(1).bool()
        scores = (rows @ rows.transpose(1, 2) / 8**0.5).masked_fill(later, -torch.inf)
        return scores.softmax(dim=-1) @ rows


class Rows(nn.Module):
    """A recurrent layer over the rows."""

    def __init__(self, kind):
        super().__init__()
        self.layer = kind(8, 5, batch_first=True)

    def forward(self, x):
        return self.layer(x.flatten(1, 2))[0]


LAYERS = {
    **{
        name: getattr(nn, name)()
        for name in (
            "ELU",
            "CELU",
            "SELU",
            "GELU",
            "SiLU",
            "Mish",
            "Hardtanh",
            "Hardsigmoid",
            "Hardswish",
            "Hardshrink",
            "Softshrink",
            "Tanhshrink",
            "Softplus",
            "Softsign",
            "LogSigmoid",
            "LeakyReLU",
            "ReLU6",
            "PReLU",
            "RReLU",
            "Dropout2d",
            "AlphaDropout",
            "FeatureAlphaDropout",
        )
    },
    "GELU by tanh": nn.GELU("tanh"),
    "LogSoftmax": nn.LogSoftmax(1),
    "GLU": nn.GLU(2),
    "InstanceNorm2d": nn.InstanceNorm2d(3, affine=True),
    "GroupNorm": nn.GroupNorm(3, 3),
    "LayerNorm": nn.LayerNorm(8),
    "LocalResponseNorm": nn.LocalResponseNorm(3),
    "LPPool2d": nn.LPPool2d(2, 2),
    "AdaptiveMaxPool2d": nn.AdaptiveMaxPool2d(2),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "nearest": nn.Upsample(scale_factor=2),
    "PixelUnshuffle": nn.PixelUnshuffle(2),
    "ChannelShuffle": nn.ChannelShuffle(3),
    "ConvTranspose2d": nn.ConvTranspose2d(3, 4, 3, stride=2),
    "Conv1d": nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 3, padding="same")),
    "weight norm": nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
    "attention": Attention(),
    "LSTM": Rows(nn.LSTM),
    "GRU": Rows(nn.GRU),
    "transformer": nn.Sequential(
        nn.Flatten(1, 2), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    ),
    "standardised": Applied(lambda x: (x - x.mean((2, 3), True)) / x.std((2, 3), keepdim=True)),
    "spectrum": Applied(lambda x: torch.fft.rfft2(x, norm="ortho").abs()),
    "einsum": Applied(lambda x: torch.einsum("bchw, bcij -> bhwij", x, x)),
    "rounded": Applied(lambda x: torch.div(x * 255, 2, rounding_mode="floor").clamp_(0, 100)),
    "channels": Applied(lambda x: x[:, [2, 1, 0]].double().float()),
    "positions": Applied(lambda x: torch.cat([x, x.new_zeros(x.shape)], 1) + torch.arange(8)),
    "functional": Applied(lambda x: functional.normalize(functional.pad(x, (1, 1)), dim=1)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_usual_layers_are_the_models(tmp_path, name):
    model = ending(LAYERS[name])
    check_same(model, export(model, tmp_path / "p.pt2", SHAPE))


def torchvision_networks():
    from torchvision import models

    window = {"patch_size": [2, 2], "embed_dim": 12, "depths": [2], "num_heads": [2]}
    return {
        "resnet18": lambda: models.resnet18(num_classes=10),
        "densenet": lambda: models.DenseNet(8, (2, 2), 8, num_classes=10),
        "squeezenet": lambda: models.squeezenet1_1(num_classes=10),
        "mobilenet_v3": lambda: models.mobilenet_v3_small(num_classes=10),
        "efficientnet": lambda: models.efficientnet_b0(num_classes=10),
        "shufflenet": lambda: models.shufflenet_v2_x0_5(num_classes=10),
        "regnet": lambda: models.regnet_y_400mf(num_classes=10),
        "vit": lambda: models.VisionTransformer(32, 8, 2, 4, 32, 64, num_classes=10),
        "swin": lambda: models.SwinTransformer(window_size=[4, 4], num_classes=10, **window),
        "swin_v2": lambda: swin_v2(models, window),
    }


def swin_v2(models, window):
    from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

    blocks = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}
    return models.SwinTransformer(window_size=[4, 4], num_classes=10, **window, **blocks)


NETWORKS = [
    "resnet18", "densenet", "squeezenet", "mobilenet_v3", "efficientnet", "shufflenet", "regnet",
    "vit", "swin", "swin_v2",
]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_usual_networks_are_the_models(tmp_path, name):
    torch.manual_seed(0)
    model = torchvision_networks()[name]().eval()
    for parameter in model.parameters():  # heads that are initialised with zeros
        if not parameter.any():
            nn.init.normal_(parameter)
    check_same(model, export(model, tmp_path / "p.pt2", (3, 32, 32)), (3, 32, 32))


def test_a_program_in_core_operators_is_the_models(tmp_path):
    model = ending(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(model, (torch.rand(4, *SHAPE),), dynamic_shapes=ANY)
        torch.export.save(program.run_decompositions(), tmp_path / "core.pt2")
    check_same(model, str(tmp_path / "core.pt2"))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A program of a convolution, a ReLU and a fully connected layer."""
    model = ending(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    return export(model, tmp_path_factory.mktemp("programs") / "sample.pt2", SHAPE)


def rewritten(file, path, change):
    """A copy of a program in whose JSON `change` may change the nodes."""

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
    """Puts a call in the place of the ReLU; its first argument is what the ReLU's was."""

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


FITTING = {
    "scaled_dot_product_attention.default": [(1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4)],
    "_scaled_dot_product_flash_attention_for_cpu.default": [
        (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4),
    ],
    "_native_batch_norm_legit_no_training.default": [(3, 4, 2), (4,), (4,), (4,), (4,), 0.1, 1e-5],
    "_weight_norm.default": [(6, 4), (6, 1), 0],
    "_upsample_bilinear2d_aa.default": [(1, 3, 8, 8), [4, 12], False, 0.5, 1.5],
    "_upsample_bicubic2d_aa.default": [(1, 3, 8, 8), [4, 12], False, None, None],
}  # fmt: skip
CRASHING = [
    ("scaled_dot_product_attention.default", 2, (1, 2, 50, 4)),
    ("_scaled_dot_product_flash_attention_for_cpu.default", 2, (1, 2, 50, 4)),
    ("_scaled_dot_product_flash_attention_for_cpu.default", 0, (10, 20, 3, 4)),
    *(("_native_batch_norm_legit_no_training.default", place, (1,)) for place in (1, 2, 3, 4)),
    ("_weight_norm.default", 1, (1, 1)),
    ("_upsample_bilinear2d_aa.default", 3, 1e-3),
    ("_upsample_bicubic2d_aa.default", 4, 1e-3),
]


def of_shapes(arguments):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(a, generator=generator) if type(a) is tuple else a for a in arguments]


@pytest.mark.parametrize("name", CHECKED)
def test_an_operator_whose_sizes_are_checked_here_is_pytorchs_where_they_fit(name):
    base, overload = name.split(".")
    arguments = of_shapes(FITTING[name])
    found, expected = (
        call(*arguments)
        for call in (OPERATIONS[name], getattr(getattr(torch.ops.aten, base), overload))
    )
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("name", "place", "other"), CRASHING)
def test_sizes_that_would_read_other_memory_are_refused(name, place, other):
    arguments = [*FITTING[name]]
    arguments[place] = other
    with pytest.raises(InputError, match="whose sizes fit each other"):
        OPERATIONS[name](*of_shapes(arguments))
