"""Analyses: Lipschitz bounds of networks, and functions from tables to summary tables."""
