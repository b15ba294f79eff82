"""Measure the blind spots of neural networks: attacks, transfer, bounds and their ledger.

The package is importable without Snakemake; the workflow (``Snakefile``) is built on top of it.
"""

__version__ = "0.1.0"
