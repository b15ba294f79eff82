"""Figures: tables to pictures."""
