"""Each effect of attacked images, recomputed with plain pandas on small frames."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import effects, kit
from blindspots.analyses.kit import NOT_FOOLED
from blindspots.files import tables
from blindspots.statistics import clopper_pearson
from blindspots.threat.outcomes import NO_CLASS
from tests.analyses.test_transfer_statistics import N, frames
from tests.evidence import judging


def found(transfer, clean, radii, labels=None):
    """Return the table by row, in a run's form."""
    transfer = transfer.assign(experiment="e")
    summary = judging(effects.effects)(transfer, clean, radii, labels=labels or {})
    tables.from_frame(summary, kit.SCHEMA)
    assert set(summary["column"]) == {"mean"}
    return summary.set_index("row")


def error(rows):
    return 100 * (rows["prediction"] != 1).mean()


def others_of(transfer):
    return transfer[transfer["source"].notna() & (transfer["source"] != transfer["victim"])]


def test_each_effect_by_hand():
    transfer, clean, radii = frames()
    transfer.loc[(transfer["source"] == "A") & (transfer["index"] < 6), "success"] = False
    transfer = transfer.assign(distortion=np.where(transfer["source"] == "A", 0.2, 0.1))
    noise = transfer[transfer["source"] == "A"].assign(source=None, attack="noise")
    value = found(pd.concat([transfer, noise]), clean, radii)["value"]
    others = others_of(transfer)
    of_others = radii[radii["source"] != radii["victim"]]
    by_noise = 100 * of_others["noise_fooled"].mean() / 4
    in_box = 100 * of_others["noise_in_box_fooled"].mean() / 5
    assert value["success"] == pytest.approx(100 * (1 - 6 / 120))
    assert value["largest distortion"] == pytest.approx(0.2)
    assert value["error beyond noise"] == pytest.approx(error(others) - by_noise)
    assert value["error by noise of equal length"] == pytest.approx(by_noise - error(clean))
    assert value["error beyond noise in the box"] == pytest.approx(error(others) - in_box)
    assert value["error by noise in the box of equal length"] == pytest.approx(
        in_box - error(clean)
    )
    assert value["error beyond clean"] == pytest.approx(error(others) - error(clean))
    assert value["error by noise"] == pytest.approx(error(noise) - error(clean))
    assert not {"advantage of A", "advantage of B", "rejected"} & {*value.index}


def test_amplified_images_have_an_effect_of_their_own():
    transfer, clean, radii = frames()
    longer = transfer.assign(amplified_to=0.5, prediction=2)
    value = found(pd.concat([transfer, longer]), clean, radii)["value"]
    assert value["error beyond clean amplified to 0.5"] == pytest.approx(100 - error(clean))
    assert value["error beyond clean"] == pytest.approx(error(others_of(transfer)) - error(clean))


def test_a_victim_has_an_advantage_over_the_mean_of_the_others():
    transfer, clean, radii = frames()
    third = clean[clean["net"] == "B"].assign(net="C", prediction=1)
    safe = transfer[transfer["victim"] == "B"].assign(victim="C", prediction=1)
    everyone = pd.concat([transfer, safe])
    noise = pd.concat([radii, radii[radii["victim"] == "B"].assign(victim="C")])
    rows = found(everyone, pd.concat([clean, third]), noise, labels={"C": "net C"})
    of = others_of(everyone).merge(
        pd.concat([clean, third])[["net", "index", "prediction"]],
        left_on=["victim", "index"], right_on=["net", "index"], suffixes=("", "_clean"),
    )  # fmt: skip
    of["excess"] = 100.0 * ((of["prediction"] == 2) * 1 - (of["prediction_clean"] == 2) * 1)
    rest = of[of["victim"] != "C"].groupby(["source", "index"])["excess"].mean()
    own = of[of["victim"] == "C"].set_index(["source", "index"])["excess"]
    expected = (rest - own).dropna().mean()
    assert rows.loc["advantage of C", "value"] == pytest.approx(expected)
    assert "net C" in rows.loc["advantage of C", "row_label"]


def test_over_seeds_the_interval_is_over_networks():
    several = found(*frames((0, 1, 2))).loc["error beyond clean"]
    assert (several["networks"], several["interval"]) == (3, "student")
    assert found(*frames()).loc["error beyond clean", "interval"] == "images"


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_a_success_on_every_image_has_the_exact_interval_of_that_many_images(seeds):
    cell = found(*frames(seeds)).loc["success"]
    low, high = clopper_pearson(N, N)
    assert cell[["value", "low", "high"]].tolist() == pytest.approx([100, 100 * low, 100 * high])
    assert (cell["interval"], cell["n"], cell["networks"]) == ("exact", N, len(seeds))


def test_a_reason_is_given_where_nothing_was_measured_alone():
    transfer, clean, radii = frames()
    assert found(transfer, clean, radii)["reason"].isna().all()
    transfer = transfer.assign(success=False, distortion=np.nan)
    fooled = dict.fromkeys(("noise_fooled", "noise_in_box_fooled"), np.nan)
    nothing = found(transfer, clean, radii.assign(**fooled))
    for row in ("error beyond noise", "error beyond noise in the box"):
        assert nothing.loc[row, "reason"] == "nothing was measured"


@pytest.mark.parametrize(
    ("failed", "shown"), [(0, None), (20, "0.100 (40 of 60)"), (31, NOT_FOOLED)]
)
def test_a_net_that_is_mostly_not_fooled_has_no_largest_distortion(failed, shown):
    transfer, clean, radii = frames()
    transfer = transfer[transfer["source"] == "A"]
    at = transfer["index"] < failed
    transfer.loc[at, ["success", "distortion", "prediction"]] = [False, np.nan, 1]
    cell = found(transfer, clean, radii).loc["largest distortion"]
    assert (None if pd.isna(cell["text"]) else cell["text"]) == shown
    assert pd.isna(cell["value"]) == (shown == NOT_FOOLED)


def test_noise_as_an_attack_succeeds_where_the_net_errs():
    transfer, clean, radii = frames()
    own = transfer[(transfer["source"] == "A") & (transfer["victim"] == "A")]
    own = own.assign(prediction=np.where(own["index"] < 6, 2, 1))
    assert found(own, clean, radii).loc["success", "value"] == 10


def test_rejections_are_told_beside_errors():
    transfer, clean, radii = frames()
    transfer.loc[transfer["index"] < 15, "prediction"] = NO_CLASS
    assert found(transfer, clean, radii).loc["rejected", ["value", "unit"]].tolist() == [25, "%"]
