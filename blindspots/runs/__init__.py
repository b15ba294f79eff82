"""What looks at a finished run."""
