"""The report of a run: one HTML file with its tables, figures, examples and origin."""
