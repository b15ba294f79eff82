"""Multiverse of readings: our cells, their predictions of the printed figures, what to show."""
