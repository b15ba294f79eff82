"""The tables that an analysis or a figure reads, by the names of its parameters."""

from blindspots import tables


def evidence(inputs, n=None):
    """Frames by name, as `rules/common.smk` names the inputs of the job.

    Of each table of attacks the first `n` rows, the images of the experiment: another one may have
    asked for more of them.
    """
    return {
        name: tables.frame(
            paths, with_images=name == "pictures", first=n if name == "attacks" else None
        )
        for name, paths in inputs.items()
    }
