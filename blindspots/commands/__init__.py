"""The commands of ``blindspots``: one module each, whose docstring is the help."""
