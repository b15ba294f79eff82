"""Files: tables, images, splits and weights."""
