"""The tables that an analysis or a figure reads, by the names of its parameters."""

from blindspots import tables


def evidence(inputs):
    """Frames by name, as `rules/common.smk` names the inputs of the job."""
    return {
        name: tables.frame(paths, with_images=name == "pictures") for name, paths in inputs.items()
    }
