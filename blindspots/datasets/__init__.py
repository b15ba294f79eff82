"""Datasets: real images with labels, verified before use."""

from blindspots.datasets._load import load

__all__ = ["load"]
