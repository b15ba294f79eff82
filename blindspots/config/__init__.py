"""The config: its check, the methods that it names, and the code that these reach."""
