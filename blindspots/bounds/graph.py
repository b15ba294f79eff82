"""A network as the steps that it takes, in float64, with layers that are known to be PyTorch's.

Bounds and certificates are computed for a rebuilt network instead of the model itself: the trace of
its `forward`, with a new layer for each of its layers, and all numbers in float64. Random images
test that both compute the same; a model that answers differently is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import _disable_current_modes

from blindspots.bounds.tracing import said, traced, without_dead_ends
from blindspots.bounds.unmodified import check_unmodified, unmodified
from blindspots.bounds.walk import Step, Walk
from blindspots.interface import UnsupportedError
from blindspots.lending import changed, state
from blindspots.threat.chance import draws_of

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10}
"""Share of the largest logit by which answers may differ from those in float64.

It is ten times the rounding of float32 in deep networks, and less than that of TF32 or bfloat16.
"""

SIZES = (0.1, 3.0, 100.0)
"""Sizes of the pixels of the random images that a model is tested on."""


class Exact(fx.GraphModule):
    """A network in float64 that `exact` made; images (n, *image) float64 to logits."""


def steps(model: nn.Module, input_shape: Sequence[int]) -> list[Step]:
    """The steps of a network in the order in which they are taken, run on one image of zeros.

    Args:
        model: the model, in evaluation mode; its `forward` must be traceable by `torch.fx`.
        input_shape: shape of an image, without the batch.

    Returns:
        Steps of the network that `exact` makes of it.

    Raises:
        UnsupportedError: the errors of `exact`.
    """
    walk = Walk(exact(model, input_shape))
    with torch.inference_mode(False), torch.no_grad():
        walk.run(_zeros(walk.module, input_shape))
    return walk.found


def exact(model: nn.Module, input_shape: Sequence[int]) -> Exact:
    """Rebuild a model as a new network in float64 from PyTorch's own layers.

    Args:
        model: the model, in evaluation mode; its `forward` must be traceable by `torch.fx`.
        input_shape: shape of an image, without the batch.

    Returns:
        The network, on the model's device, with its current weights. A network that this function
        made is returned unchanged.

    Raises:
        UnsupportedError: a layer without a known bound, weights that are not finite, a model that
            cannot be traced, that differs from what its layers' classes compute, or whose answers
            are not those of the new network; names the path in the network.
    """
    if isinstance(model, Exact):
        return model
    if not isinstance(model, nn.Module):
        raise UnsupportedError(f"model: expected a torch.nn.Module, found {type(model).__name__}")
    if draws_of(model) is not None:
        raise UnsupportedError(
            "model: expected a net that answers the same each time, found one with draws"
        )
    check_unmodified(model)
    before = state(model)
    with torch.inference_mode(False), torch.no_grad():
        native, image = traced(model), _zeros(model, input_shape)
        Walk(native).run(image.clone())  # what is dropped below must not change anything
        native = without_dead_ends(native)
        walk = Walk(native)
        walk.run(image.clone())
        found = _anew(native, walk.casts)
        _check_same(model, native, found, image)
    if (what := changed(before, model)) is not None:
        raise UnsupportedError(
            f"{type(model).__name__}: expected a forward that leaves the model as it is, found "
            f"that it changes {what}; leave this net out"
        )
    return found


def _zeros(model: nn.Module, input_shape: Sequence[int]) -> Tensor:
    """One image, of the type and on the device of the model's numbers."""
    tensors = [*model.parameters(), *model.buffers()]
    like = next((t for t in tensors if t.is_floating_point()), None)
    if like is None:
        dtype = torch.float64 if isinstance(model, Exact) else torch.float32
        return torch.zeros(1, *input_shape, dtype=dtype)
    return torch.zeros(1, *input_shape, dtype=like.dtype, device=like.device)


def _anew(native: fx.GraphModule, casts: set[str]) -> Exact:
    """The same graph of new layers, in float64, without casts to the type that images have."""
    graph = copy.deepcopy(native.graph)
    parts: dict[str, nn.Module | Tensor] = {}
    for node in list(graph.nodes):
        if node.op == "call_module":
            layer = native.get_submodule(node.target)
            try:
                parts[node.target] = unmodified(layer)
            except UnsupportedError as error:
                raise UnsupportedError(
                    f"layer {node.target!r} ({type(layer).__name__}): {error}"
                ) from None
        elif node.op == "get_attr":
            parts[node.target] = _attribute(native, node.target)
        elif node.name in casts:
            node.args, node.kwargs, node.target = node.args[:1], {}, "clone"
    return Exact(parts, graph).eval()


def _attribute(native: fx.GraphModule, path: str) -> Tensor:
    """A tensor that a forward uses outside of layers, in float64."""
    *modules, name = path.split(".")
    tensor = getattr(native.get_submodule(".".join(modules)), name).detach().clone()
    if not tensor.is_floating_point():
        return tensor
    return nn.Parameter(tensor.double(), requires_grad=False)


def _check_same(model: nn.Module, native: fx.GraphModule, found: Exact, image: Tensor) -> None:
    """Refuse a model whose answers to random images differ from those of the new network.

    It is shown several images at once and one alone, twice: answers may only depend on the image.
    The new network sees each alone; modes such as autocast do not affect it, since they leave
    float64 unchanged.
    """
    shown = list(_random(image))
    for images in [*shown, shown[0]]:
        try:
            answers = model(images.clone())
        except Exception as error:  # any error of a user's forward
            raise _otherwise(model, f"an error for {len(images)} images ({said(error)})") from None
        if not isinstance(answers, Tensor) or answers.shape[:1] != images.shape[:1]:
            raise _otherwise(model, f"another shape for {len(images)} images")
        with torch._C.DisableTorchFunction(), _disable_current_modes():
            expected = torch.cat([found(one[None].double()) for one in images])
            close = _is_close(answers, expected) or _is_close(
                answers, expected, found(_like(images))
            )
        if not close:
            for one in images:
                _check_nodes(native, found, one[None])
            raise _otherwise(model, "other logits for the same images")


def _otherwise(model: nn.Module, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{type(model).__name__}: expected a forward that computes what its trace by torch.fx "
        f"does, for each image by itself and whenever it is asked, found {what}; write x = x + y "
        "for x += y, compute in full float32, or leave this net out"
    )


def _random(image: Tensor) -> Iterator[Tensor]:
    """Images of several sizes, one alone among them."""
    generator = torch.Generator().manual_seed(0)
    shape = image.shape[1:]
    yield torch.rand(1, *shape, generator=generator).to(image)
    for size in SIZES:
        yield (size * torch.randn(2, *shape, generator=generator)).to(image)


def _like(images: Tensor) -> Tensor:
    """Further random images of the same size, in float64."""
    generator = torch.Generator().manual_seed(1)
    size = images.double().square().mean().sqrt()
    return size * torch.randn(8, *images.shape[1:], generator=generator).to(size)


def _is_close(answers: Tensor, expected: Tensor, others: Tensor | None = None) -> bool:
    """Return whether answers are equal up to rounding, as a share of the largest number.

    Args:
        answers: answers of the model.
        expected: answers of the new network.
        others: answers of the new network to similar images, since logits may cancel at these.
    """
    if answers.shape != expected.shape or answers.dtype not in TOLERANCE:
        return False
    error, scale = (answers - expected).abs().max(), expected.abs().max()
    if others is not None:
        scale = torch.maximum(scale, others.abs().max())
    return bool(error <= TOLERANCE[answers.dtype] * scale)


class _Kept(fx.Interpreter):
    """Runs a network and keeps the results of its nodes."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.extra_traceback = False
        self.made: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.made[n.name] = result.clone() if isinstance(result, Tensor) else result
        return result


def _check_nodes(native: fx.GraphModule, found: Exact, image: Tensor) -> None:
    """Refuse by its name the first layer that computes something else than the new one."""
    ours, theirs = _Kept(found), _Kept(native)
    theirs.run(image.clone())
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        ours.run(image.double())
    for node in native.graph.nodes:
        a, b = theirs.made[node.name], ours.made[node.name]
        if node.op == "call_module" and not _is_close(a, b):
            kind = type(native.get_submodule(node.target)).__name__
            raise UnsupportedError(
                f"layer {node.target!r} ({kind}): expected what the class computes from the "
                "layer's weights and settings, in full float32, found another answer to a random "
                "image; undo what changes it, or leave this net out"
            )
