"""A second opinion on a run: its files, read and recomputed by NumPy with none of the other code.

Imports nothing of this project but itself, so that a fault of the library cannot hide here too.
"""
