"""Names of aten operators as authors of models write them: layers and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from blindspots.interface import InputError

aten = torch.ops.aten


def _attention(query: Tensor, key: Tensor, value: Tensor, *more: Any, **named: Any) -> Tensor:
    _assert_fit(key.shape[-2] == value.shape[-2], "attention")
    return aten.scaled_dot_product_attention(query, key, value, *more, **named)


def _flash_attention(query: Tensor, key: Tensor, value: Tensor, *more: Any, **named: Any) -> Any:
    _assert_fit(query.shape[:2] == key.shape[:2] == value.shape[:2], "attention")
    _assert_fit(key.shape[-2] == value.shape[-2], "attention")
    return aten._scaled_dot_product_flash_attention_for_cpu(query, key, value, *more, **named)


def _normalised(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, var: Tensor, *more: Any
) -> Any:
    vectors = [vector for vector in (weight, bias, mean, var) if vector is not None]
    _assert_fit(all(vector.shape == x.shape[1:2] for vector in vectors), "batch normalisation")
    return aten._native_batch_norm_legit_no_training(x, weight, bias, mean, var, *more)


def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    norm = torch.norm_except_dim(v, 2, dim)
    _assert_fit(g.numel() == norm.numel(), "weight normalisation")
    return torch._weight_norm(v, g, dim)


def _bilinear(x: Tensor, size: list[int], align: bool, *scales: float | None) -> Tensor:
    _assert_scaled(x, size, scales)
    return aten._upsample_bilinear2d_aa(x, size, align, *scales)


def _bicubic(x: Tensor, size: list[int], align: bool, *scales: float | None) -> Tensor:
    _assert_scaled(x, size, scales)
    return aten._upsample_bicubic2d_aa(x, size, align, *scales)


def _assert_scaled(x: Tensor, size: list[int], scales: tuple[float | None, ...]) -> None:
    for before, after, scale in zip(x.shape[2:], size, scales, strict=False):
        _assert_fit(scale is None or abs(before * scale - after) <= 1, "resizing")


def _assert_fit(is_fitting: bool, what: str) -> None:
    if not is_fitting:
        raise InputError(f"expected arguments of {what} whose sizes fit each other, found others")


CHECKED: dict[str, Callable[..., Any]] = {
    "scaled_dot_product_attention.default": _attention,
    "_scaled_dot_product_flash_attention_for_cpu.default": _flash_attention,
    "_native_batch_norm_legit_no_training.default": _normalised,
    "_weight_norm.default": _weight_norm,
    "_upsample_bilinear2d_aa.default": _bilinear,
    "_upsample_bicubic2d_aa.default": _bicubic,
}
"""Operators that would read memory outside their tensors if sizes do not fit: PyTorch leaves the
checks to the functions that call them, which a file need not use."""

OPERATIONS: dict[str, Any] = CHECKED | {
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
    "empty.memory_format": torch.zeros,  # instead of uninitialised memory
}
"""Functions and methods in their usual form, for which Lipschitz bounds are known."""

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
"""Layers by operator, from its tensors, the rank of its input, and its settings."""
