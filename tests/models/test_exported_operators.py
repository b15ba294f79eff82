"""Exported programs of usual layers and networks give the answers of their models."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots.bounds.networks import network_bound
from blindspots.interface import InputError
from blindspots.models.exported import exported
from tests.models.test_exported import ANY, export

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
    """Attention of a row's pixels to earlier ones."""

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
