"""Layers that a `forward` calls as functions: `functional.max_pool2d` is `nn.MaxPool2d`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from blindspots.interface import UnsupportedError

POOLED = ("kernel_size", "stride", "padding")

LAYERS: dict[Callable[..., Any], tuple[Callable[..., nn.Module], tuple[str, ...]]] = {
    **dict.fromkeys(
        [functional.max_pool2d, torch.max_pool2d],
        (nn.MaxPool2d, (*POOLED, "dilation", "ceil_mode")),
    ),
    functional.avg_pool2d: (
        nn.AvgPool2d,
        (*POOLED, "ceil_mode", "count_include_pad", "divisor_override"),
    ),
    functional.adaptive_avg_pool2d: (nn.AdaptiveAvgPool2d, ("output_size",)),
    functional.adaptive_max_pool2d: (nn.AdaptiveMaxPool2d, ("output_size",)),
    functional.local_response_norm: (nn.LocalResponseNorm, ("size", "alpha", "beta", "k")),
    functional.gelu: (nn.GELU, ("approximate",)),
    functional.silu: (nn.SiLU, ()),
    functional.elu: (nn.ELU, ("alpha",)),
    functional.leaky_relu: (nn.LeakyReLU, ("negative_slope",)),
    functional.relu6: (nn.ReLU6, ()),
    functional.hardtanh: (nn.Hardtanh, ("min_val", "max_val")),
    functional.softplus: (nn.Softplus, ("beta", "threshold")),
    **dict.fromkeys([functional.softmax, torch.softmax], (nn.Softmax, ("dim",))),
}
"""Modules of functions, with the names of the arguments after the input."""

OF_NO_MODULE = {"inplace", "training", "_stacklevel", "dtype"}


def as_layer(function: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> nn.Module | None:
    """The module that a call corresponds to, in evaluation mode; None for other calls.

    Args:
        function: the called function.
        arguments: positional arguments after the input.
        named: keyword arguments.

    Raises:
        UnsupportedError: dropout that is also applied in evaluation, or invalid arguments.
    """
    if function is functional.dropout:
        training = dict(zip(("p", "training"), arguments, strict=False)) | dict(named)
        if training.get("training", True):
            raise UnsupportedError(
                "expected dropout that is left out in evaluation, found one that is not; pass "
                "training=self.training"
            )
        return nn.Identity()
    if function not in LAYERS:
        return None
    module, names = LAYERS[function]
    settings = dict(zip(names, arguments, strict=False)) | dict(named)
    kept = {name: value for name, value in settings.items() if name not in OF_NO_MODULE}
    try:
        return module(**kept).eval()
    except Exception as error:  # assertions and type errors of PyTorch's own
        raise UnsupportedError(
            f"expected arguments of {module.__name__}, found {kept} ({error})"
        ) from None
