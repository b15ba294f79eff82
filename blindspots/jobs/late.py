"""Import what PyTorch defers until first use; `warm` imports this module last.

PyTorch's optimizers import its compiler, and our compiled kernels numba; both are slow to import.
"""

import gc
import sys
from importlib import import_module

if "torch" in sys.modules:
    for name in ("numba", "torch._dynamo"):
        import_module(name)
gc.freeze()  # a fork does not copy memory that its garbage collector does not touch
