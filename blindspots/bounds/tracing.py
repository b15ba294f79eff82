"""Traces of networks by torch.fx, down to layers with a known bound."""

from __future__ import annotations

from torch import fx, nn

from blindspots.bounds.layers import BOUNDS
from blindspots.interface import UnsupportedError


class _Tracer(fx.Tracer):
    """Traces into everything except layers with a known bound and PyTorch's own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if type(m).forward is nn.Sequential.forward:
            return False
        return type(m).forward in BOUNDS or super().is_leaf_module(m, module_qualified_name)


def traced(model: nn.Module) -> fx.GraphModule:
    """The network as a graph of the layers and operations that its `forward` applies.

    Raises:
        UnsupportedError: a forward that cannot be traced.
    """
    tracer = _Tracer()
    if tracer.is_leaf_module(model, ""):
        model = nn.Sequential(model)
    root = object.__new__(type(model))  # a trace keeps constants on what it traces
    vars(root).update(vars(model))
    try:
        return fx.GraphModule(root, tracer.trace(root))
    except Exception as error:  # any error of a user's forward on a symbolic tensor
        raise UnsupportedError(
            f"{type(model).__name__}: expected a forward that torch.fx can trace, found one that "
            f"it cannot ({said(error)}); leave this net out"
        ) from None


def without_dead_ends(traced: fx.GraphModule) -> fx.GraphModule:
    """Keep only the nodes that the output depends on, so that the last step makes the output."""
    wanted, line = set(), [node for node in traced.graph.nodes if node.op == "output"]
    while line:
        node = line.pop()
        if node not in wanted:
            wanted.add(node)
            line += node.all_input_nodes
    for node in reversed(list(traced.graph.nodes)):
        if node not in wanted and node.op != "placeholder":
            traced.graph.erase_node(node)
    return fx.GraphModule(traced, traced.graph)


def said(error: Exception) -> str:
    """The first line of an error of PyTorch's own."""
    return next(iter(str(error).splitlines()), type(error).__name__)
