"""Names of the directions that no source chose."""

NOISE, OTHER_IMAGE = "noise", "other image"
"""Directions uniform on the sphere, and towards a random other image."""
