"""Certificates: model, images, labels to radii; lower bounds on the smallest perturbation."""
