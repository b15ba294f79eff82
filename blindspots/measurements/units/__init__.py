"""Units against other directions: activations of a layer, arms of directions, their measures."""
