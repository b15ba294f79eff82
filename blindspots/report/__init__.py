"""The report of a run: one HTML file with everything that can be seen of it."""
