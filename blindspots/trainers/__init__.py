"""Trainers: model, images, labels to trained weights and a history."""
