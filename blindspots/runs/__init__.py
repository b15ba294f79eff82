"""Tools for finished runs."""
