"""Analyses: bounds of networks, and tables to summary tables."""
