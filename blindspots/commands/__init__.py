"""The commands of ``blindspots``: a module each, whose docstring is its help."""
