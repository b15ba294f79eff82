"""What operators of PyTorch's aten are called where people write models: layers and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

OPERATIONS: dict[str, Any] = {
    "relu.default": torch.relu,
    "relu_.default": "relu_",
    "sigmoid.default": torch.sigmoid,
    "tanh.default": torch.tanh,
    "gelu.default": functional.gelu,
    "silu.default": functional.silu,
    "softmax.int": torch.softmax,
    "leaky_relu.default": functional.leaky_relu,
    "max_pool2d.default": functional.max_pool2d,
    "avg_pool2d.default": functional.avg_pool2d,
    "adaptive_avg_pool2d.default": functional.adaptive_avg_pool2d,
    "dropout.default": functional.dropout,
    "flatten.using_ints": torch.flatten,
    "view.default": torch.reshape,
    "reshape.default": torch.reshape,
    "add.Tensor": torch.add,
    "sub.Tensor": torch.sub,
    "mul.Tensor": torch.mul,
    "div.Tensor": torch.div,
    "cat.default": torch.cat,
    "permute.default": "permute",
    "transpose.int": "transpose",
    "unsqueeze.default": "unsqueeze",
    "sym_size.int": "size",
    "empty.memory_format": torch.zeros,  # not what lay in memory before
}
"""The functions and methods that a person would write, which Lipschitz bounds are known for."""

TENSORS = ("weight", "bias", "running_mean", "running_var")
Tensors = Mapping[str, Tensor]


def _linear(tensors: Tensors, rank: int) -> nn.Module:
    outputs, inputs = tensors["weight"].shape
    return nn.Linear(inputs, outputs, "bias" in tensors, device="meta")


def _convolution(tensors: Tensors, rank: int, *, groups: int = 1, **settings: Any) -> nn.Module:
    outputs, inputs, height, width = tensors["weight"].shape
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return nn.Conv2d(
        inputs * groups, outputs, (height, width), groups=groups, bias="bias" in tensors,
        device="meta", **settings,
    )  # fmt: skip


def _batch_norm(tensors: Tensors, rank: int, *, momentum: float, eps: float) -> nn.Module:
    kind = nn.BatchNorm2d if rank == 4 else nn.BatchNorm1d
    layer = kind(len(tensors["weight"]), eps, momentum, device="meta")
    layer.register_buffer("num_batches_tracked", torch.tensor(0))
    return layer


LAYERS: dict[str, Callable[..., nn.Module]] = {
    "linear.default": _linear,
    "conv2d.default": _convolution,
    "conv2d.padding": _convolution,
    "batch_norm.default": _batch_norm,
}
"""By operator: the layer, from its tensors, the rank of its input, and its settings."""
