"""Input that the command `calibrate` refuses before any training."""

import pytest

from blindspots.__main__ import main
from tests.conftest import ROOT

DIGITS = str(ROOT / "presets/digits.yaml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decay_scale", "FC10=3"], "expected a net of the config (FC10-1e-4,"),
        (["decay_scale", "AE32-10=3"], "AE32-10: expected a net without parents"),
        (["decay_scale", "FC50-50-10-P1=3"], "trained on all training images"),
        (["sparsity", "FC50-50-10=3"], "expected a trainer with the setting 'sparsity', found lb"),
        (["decay_scale", "FC50-50-10=0"], "expected NET=ERROR, an error in percent, found"),
        (["decay_scale", "FC50-50-10"], "expected NET=ERROR"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_a_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", DIGITS, *arguments])
    said = capsys.readouterr().err + str(ended.value)
    assert message in said
