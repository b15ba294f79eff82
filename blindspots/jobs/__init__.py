"""Jobs, as scripts call them: they join methods of all roles with files. `warm` starts them."""
