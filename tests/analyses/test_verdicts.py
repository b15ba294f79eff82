import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import kit, verdicts
from blindspots.analyses.kit import NOT_FOOLED
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.statistics import Interval
from blindspots.threat.outcomes import NO_CLASS
from tests import evidence as made
from tests.analyses.test_transfer_statistics import frames
from tests.evidence import judging

CLAIM = {"claim": "it transfers", "measure": "error beyond clean", "experiment": "e"}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (10, 12, "holds"),
        (9, 12, "holds weakly"),
        (1, 30, "holds weakly"),
        (0.5, 12, "cannot tell"),
        (-3, 0.9, "does not hold"),
    ],
)
def test_a_verdict_is_by_where_the_interval_lies(low, high, expected):
    assert verdicts.judged(Interval(low, high), margin=10, weak=1) == expected


def judged(claim, seeds=(0,)):
    transfer, clean, radii = frames(seeds)
    transfer = transfer.assign(experiment="e")
    summary = judging(verdicts.verdicts)(transfer, clean, radii, claims=[claim], labels={})
    tables.from_frame(summary, kit.SCHEMA)
    return summary.set_index("column")


def test_error_beyond_clean_is_the_mean_of_the_differences_over_all_pairs():
    transfer, clean, _ = frames()
    found = judged(CLAIM | {"at_least": 5, "weakly": 1})
    others = transfer[transfer["source"] != transfer["victim"]]
    expected = (others["prediction"] != 1).mean() - (clean["prediction"] != 1).mean()
    assert found.loc["value", "value"] == pytest.approx(100 * expected)
    assert found.loc["verdict", "text"] == "holds"
    assert found.loc["rule", "text"] == "at least 5, weakly 1"


def test_at_most_turns_the_rule_around():
    assert judged(CLAIM | {"at_most": 1, "weakly": 3}).loc["verdict", "text"] == "does not hold"
    assert judged(CLAIM | {"at_most": 90, "weakly": 95}).loc["verdict", "text"] == "holds"


def test_over_seeds_the_interval_is_over_networks():
    found = judged(CLAIM | {"at_least": 10, "weakly": 1}, seeds=(0, 1, 2)).loc["value"]
    assert (found["networks"], found["interval"]) == (3, "student")
    assert judged(CLAIM | {"at_least": 10, "weakly": 1}).loc["value", "interval"] == "images"


def test_a_reason_is_given_where_nothing_was_measured_alone():
    found = judged(CLAIM | {"at_least": 5, "weakly": 1})
    assert found["reason"].isna().all()
    transfer, clean, radii = frames()
    transfer = transfer.assign(experiment="e", success=False, distortion=np.nan)
    claim = CLAIM | {"measure": "error beyond noise", "at_least": 5, "weakly": 1}
    nothing = radii.assign(noise_fooled=np.nan)
    found = judging(verdicts.verdicts)(transfer, clean, nothing, claims=[claim], labels={})
    found = found.set_index("column")
    assert found.loc["value", "reason"] == "nothing was measured"
    assert found.loc["verdict", "text"] == "cannot tell"


CLOSE = {"claim": "it is close", "measure": "largest distortion", "experiment": "e",
         "at_most": 0.14, "weakly": 0.2}  # fmt: skip


@pytest.mark.parametrize(
    ("failed", "verdict", "shown"),
    [(0, "holds", None), (20, "holds", "0.100 (40 of 60)"), (31, "cannot tell", NOT_FOOLED)],
)
def test_a_net_that_is_mostly_not_fooled_has_no_largest_distortion(failed, verdict, shown):
    transfer, clean, radii = frames()
    transfer = transfer[transfer["source"] == "A"].assign(experiment="e")
    at = transfer["index"] < failed
    transfer.loc[at, ["success", "distortion", "prediction"]] = [False, np.nan, 1]
    found = judging(verdicts.verdicts)(transfer, clean, radii, claims=[CLOSE], labels={})
    tables.from_frame(found, kit.SCHEMA)
    found = found.set_index("column")["text"]
    assert found["verdict"] == verdict
    assert (None if pd.isna(found["value"]) else found["value"]) == shown


def test_noise_as_an_attack_succeeds_where_the_net_errs():
    transfer, clean, radii = frames()
    own = transfer[(transfer["source"] == "A") & (transfer["victim"] == "A")]
    own = own.assign(experiment="e", prediction=np.where(own["index"] < 6, 2, 1))
    claim = CLAIM | {"measure": "success", "at_least": 99, "weakly": 90}
    found = judging(verdicts.verdicts)(own, clean, radii, claims=[claim], labels={}).set_index(
        "column"
    )
    assert found.loc["value", "value"] == 10
    assert found.loc["verdict", "text"] == "does not hold"


def test_rejections_are_told_beside_a_measure_of_error():
    transfer, clean, radii = frames()
    transfer = transfer.assign(experiment="e")
    transfer.loc[transfer["index"] < 15, "prediction"] = NO_CLASS
    found = judging(verdicts.verdicts)(
        transfer, clean, radii, claims=[CLAIM | {"at_least": 5, "weakly": 1}], labels={}
    )
    tables.from_frame(found, kit.SCHEMA)
    assert found.set_index("column").loc["rejected", "value"] == 25


def test_each_measure_by_hand():
    transfer, clean, radii = frames()
    transfer.loc[(transfer["source"] == "A") & (transfer["index"] < 6), "success"] = False
    transfer = transfer.assign(distortion=np.where(transfer["source"] == "A", 0.2, 0.1))
    evidence = (made.judged(transfer), made.judged(clean), radii)

    def mean(name, of=None):
        return verdicts.MEASURES[name][0](evidence, of)["value"].mean()

    assert mean("success") == pytest.approx(100 * (1 - 6 / 120))
    assert mean("largest distortion") == pytest.approx(0.2)
    noise = transfer[transfer["source"] == "A"].assign(source=None, attack="noise")
    both = pd.concat([transfer, noise])
    found = verdicts.MEASURES["error by a control"][0](
        (made.judged(both), made.judged(clean), radii), "noise"
    )
    expected = (noise["prediction"] != 1).mean() - (clean["prediction"] != 1).mean()
    assert found["value"].mean() == pytest.approx(100 * expected)
    fooled = radii[radii["source"] != radii["victim"]]["noise_fooled"].mean() / 4
    others = transfer[transfer["source"] != transfer["victim"]]
    assert mean("error beyond noise") == pytest.approx(
        100 * ((others["prediction"] != 1).mean() - fooled)
    )


def test_an_unknown_measure_or_experiment_is_named():
    for wrong in ({"measure": "luck"}, {"experiment": "other"}):
        with pytest.raises(InputError, match="claims: expected one of success"):
            judged(CLAIM | {"at_least": 1, "weakly": 0} | wrong)
