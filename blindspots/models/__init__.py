"""Models: factories of networks from the shape of an image, and networks from files."""

from blindspots.files.weights import load

__all__ = ["load"]
