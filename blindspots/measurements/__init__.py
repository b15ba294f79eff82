"""Measurements: what nets do on data, as tables."""
