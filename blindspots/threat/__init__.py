"""The threat model: what an answer is, what counts as wrong, and how far an image was moved."""
