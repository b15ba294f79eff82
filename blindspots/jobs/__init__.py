"""Jobs, called by the scripts: they connect methods of all roles with files. `warm` starts them."""
