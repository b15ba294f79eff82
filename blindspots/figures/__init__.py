"""Figures: functions from tables to matplotlib figures."""
