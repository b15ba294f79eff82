"""Units against directions: activations of a layer, arms of directions, and their measures."""
