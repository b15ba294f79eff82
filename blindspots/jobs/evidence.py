"""The tables that an analysis or a figure reads, by the names of its parameters."""

import pyarrow as pa

from blindspots.certificates import table as certificates
from blindspots.files import tables
from blindspots.measurements.layers import LIPSCHITZ
from blindspots.trainers import table as trainers

# A run may have none of these: nets that were all given, or no net to bound.
OPTIONAL = {
    "history": pa.schema(trainers.COMMON),
    "lipschitz": LIPSCHITZ,
    "certificates": certificates.SCHEMA,
}


def evidence(inputs, n=None):
    """Frames by name, as `rules/common.smk` names the inputs of the job.

    Of each table of attacks the rows that `n` says by its path, the images of the experiments:
    another one may have asked for more of them.
    """
    return {
        name: tables.frame(
            paths,
            OPTIONAL.get(name),
            with_images=name in ("pictures", "unit_pictures"),
            first=[n[path] for path in paths] if n and name == "attacks" else None,
        )
        for name, paths in inputs.items()
        if name != "stale"  # no result, see rules/origins.smk
    }
