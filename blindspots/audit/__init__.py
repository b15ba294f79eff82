"""An independent check of a run: its files are read and its results recomputed with NumPy alone.

The package imports nothing else of this project, so that a bug of the library cannot affect it.
"""
