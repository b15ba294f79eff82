"""Names of the directions that no source chose."""

NOISE, NOISE_IN_BOX, OTHER_IMAGE = "noise", "noise in the box", "other image"
"""Directions uniform on the sphere, the same in which images are kept in the box, and towards a
random other image."""

NOISES = {NOISE: "noise", NOISE_IN_BOX: "noise_in_box"}
"""Kinds of noise, and what the names of their columns begin with."""
