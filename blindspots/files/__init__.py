"""What lies on the disk: tables, images, splits and weights."""
