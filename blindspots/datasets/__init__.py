"""Datasets: real images with labels."""

from blindspots.datasets._load import load

__all__ = ["load"]
