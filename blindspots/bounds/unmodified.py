"""Layers that compute what their class does, and those that are changed to compute something else.

A bound holds for a layer's class, weights and settings. Functions that replace PyTorch's, on an
instance, in a subclass or for the whole process, hooks, and weights that are not plain numbers are
refused. Weights that PyTorch computes from others (`weight_norm`, `spectral_norm`, `prune`,
`parametrize`) are used as computed.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import module as every_module
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from blindspots.interface import UnsupportedError

CALLED = (
    "__call__", "_wrapped_call_impl", "_call_impl", "_slow_forward", "forward", "_conv_forward",
    "_check_input_dim", "__getattr__", "__getattribute__",
)  # fmt: skip
"""Methods that run when a layer is called."""

FUNCTIONS = (
    "adaptive_avg_pool2d", "adaptive_max_pool2d", "add", "avg_pool2d", "batch_norm", "cat",
    "conv2d", "div", "dropout", "dropout2d", "elu", "flatten", "gelu", "hardtanh", "leaky_relu",
    "linear", "local_response_norm", "max_pool2d", "mul", "pad", "relu", "relu6", "reshape",
    "sigmoid", "silu", "softmax", "softplus", "sub", "tanh",
)  # fmt: skip
"""Functions of `torch` and `torch.nn.functional` that layers with a known bound use."""

OPERATORS = ("__add__", "__sub__", "__mul__", "__truediv__", "__getitem__", "__neg__")

REWEIGHTING = {WeightNorm.__call__, SpectralNorm.__call__, BasePruningMethod.__call__}
"""Forward pre-hooks that only compute a weight from others."""

TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Names of the tensors of layers with a known bound."""


def is_pytorchs(function: Any) -> bool:
    """Return whether a function or method belongs to PyTorch or to this package."""
    if isinstance(function, FunctionType):
        home = str(function.__globals__.get("__name__"))
        return home.partition(".")[0] in ("torch", __name__.partition(".")[0])
    return isinstance(function, BuiltinFunctionType | MethodDescriptorType | WrapperDescriptorType)


def check_unmodified(model: nn.Module) -> None:
    """Refuse changes of what PyTorch's layers compute, and weights that are not finite.

    Raises:
        UnsupportedError: names the layer or the function.
    """
    _check_process()
    for path, module in model.named_modules():
        what, remedy = _unfit(module) or _changed(module) or (None, None)
        if what is not None:
            raise UnsupportedError(f"layer {path!r} ({type(module).__name__}): {what}; {remedy}")


def _check_process() -> None:
    for home in (torch, functional):
        for name in FUNCTIONS:
            function = vars(home).get(name)
            if function is not None and (
                not is_pytorchs(function) or function.__name__ != name  # another one of its own
            ):
                raise _replaced(f"{home.__name__}.{name}", function)
    for kind, names in ((Tensor, OPERATORS), (nn.Module, CALLED)):
        for name in names:
            function = getattr(kind, name, None)
            if function is not None and not is_pytorchs(function):
                raise _replaced(f"{kind.__module__}.{kind.__name__}.{name}", function)
    if every_module._global_forward_hooks or every_module._global_forward_pre_hooks:
        raise UnsupportedError(
            "expected no hooks on all modules (register_module_forward_hook), found some, which "
            "may change what they compute; remove them"
        )


def _replaced(name: str, function: Any) -> UnsupportedError:
    found = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}"
    return UnsupportedError(
        f"{name}: expected PyTorch's own function, found {found} in its place; put it back"
    )


def _changed(module: nn.Module) -> tuple[str, str] | None:
    """Description of what was changed in a module, with a remedy."""
    if isinstance(module, torch.jit.ScriptModule):
        return "expected a model in Python, found one in TorchScript", "give the one it is made of"
    for name in CALLED:
        if name in vars(module):
            return (
                f"expected the {name} of its class, found another on the instance, which may "
                "compute something else"
            ), f"delete it (del layer.{name}), or write a subclass"
    before = module._forward_pre_hooks.values()
    if module._forward_hooks or not {type(hook).__call__ for hook in before} <= REWEIGHTING:
        return "expected no hooks, found some, which may change what it computes", "remove them"
    if module.training and (before or parametrize.is_parametrized(module)):
        return "expected evaluation mode for weights made of others, found training", (
            "call model.eval()"
        )
    return None


def _unfit(module: nn.Module) -> tuple[str, str] | None:
    """Description of what is wrong with a module's tensors, with a remedy."""
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    for name, tensor in own:
        if not _is_plain(tensor):
            found = f"{type(tensor).__name__} of {tensor.dtype} ({tensor.layout}, {tensor.device})"
            return f"{name}: expected plain numbers in float32 or float64, found {found}", (
                "call model.float(), or leave this net out"
            )
        if not tensor.isfinite().all():
            return "expected finite weights, found others", "train it anew, or mend its file"
    return None


def _is_plain(tensor: Tensor) -> bool:
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout != torch.strided:
        return False
    other = tensor.is_quantized or tensor.is_complex() or tensor.is_meta or tensor.is_nested
    precise = tensor.dtype in (torch.float32, torch.float64)
    return not other and (precise or not tensor.is_floating_point())


def unmodified(layer: nn.Module) -> nn.Module:
    """A new layer of PyTorch's own class, in float64, from the weights and settings of one.

    Args:
        layer: layer of a class with a known bound, or of a subclass that runs the same methods,
            checked by `check_unmodified`.

    Raises:
        UnsupportedError: a subclass that runs methods of its own.
    """
    for hook in layer._forward_pre_hooks.values():  # they make its weights, at every call
        hook(layer, ())
    kind = next(k for k in type(layer).__mro__ if _is_known(k))
    for name in CALLED:
        if getattr(type(layer), name, None) is not getattr(kind, name, None):
            raise UnsupportedError(
                f"expected the {name} of {kind.__name__}, found another in a subclass, which may "
                "compute something else; leave this net out"
            )
        if hasattr(kind, name) and not is_pytorchs(getattr(kind, name)):
            raise _replaced(f"{kind.__name__}.{name}", getattr(kind, name))
    new: nn.Module = object.__new__(kind)
    nn.Module.__init__(new)
    settings = {"_reversed_padding_repeated_twice"} | {k for k in vars(layer) if k[0] != "_"}
    vars(new).update({k: v for k, v in vars(layer).items() if k in settings - {*TENSORS}})
    for name in TENSORS:
        if not hasattr(layer, name):
            continue
        value = getattr(layer, name)
        value = value.detach().clone() if isinstance(value, Tensor) else value
        if name in ("weight", "bias"):
            value = None if value is None else nn.Parameter(value, requires_grad=False)
            new.register_parameter(name, value)
        else:
            new.register_buffer(name, value)
    if "inplace" in settings:
        vars(new)["inplace"] = False
    return new.double()


def _is_known(kind: type[nn.Module]) -> bool:
    return kind.__module__.startswith(("torch.nn.modules.", "blindspots.layers"))
