"""Imports that PyTorch defers until first use; the last module that `warm` imports.

Optimizers of PyTorch import its compiler, our own compiled kernels numba: a second and a half.
"""

import gc
import sys
from importlib import import_module

if "torch" in sys.modules:
    for name in ("numba", "torch._dynamo"):
        import_module(name)
gc.freeze()  # what a fork does not look through it need not copy
