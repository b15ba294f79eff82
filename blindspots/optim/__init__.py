"""Batched numerical optimisation; knows nothing of images or attacks."""
