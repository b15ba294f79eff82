"""Measurements: functions from nets and images to tables."""
