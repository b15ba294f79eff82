import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from blindspots.analyses import looseness as analysis
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX
from blindspots.measurements.exhibits import Exhibit
from blindspots.measurements.looseness import LOOSENESS, constants


def exhibit(n=6, classes=3):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(n, 1, 4, 4, generator=generator)
    data = Images(images, torch.arange(n) % classes, np.arange(n), "test", classes, UNIT_BOX)
    moved = (images + 0.1 * torch.rand(images.shape, generator=generator)).clamp(0, 1)
    return data, Exhibit(
        "net", "lbfgs", None, None, data, moved, np.full(n, True), np.full(n, 0.05)
    )


def bounds_of(model, methods=("product", "eclipse")):
    data, shown = exhibit()
    return pd.DataFrame(constants(model.eval(), data, shown, methods, 4)).set_index("method")


def test_every_slope_is_below_every_bound_and_all_meet_on_a_linear_net():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Sigmoid(), nn.Linear(8, 3))
    found = bounds_of(net)["value"]
    assert found[["attacked", "jacobian", "ascent"]].max() <= found[["product", "eclipse"]].min()
    assert found["jacobian"] <= found["ascent"]
    linear = bounds_of(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)))["value"]
    assert linear["jacobian"] == pytest.approx(linear["product"])
    assert linear["attacked"] < linear["product"]


def test_a_method_that_does_not_take_the_net_is_null_with_its_reason():
    net = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 3))
    found = bounds_of(net)
    assert found.loc["product", "value"] > 0
    assert np.isnan(found.loc["eclipse", "value"])
    assert found.loc["eclipse", "reason"].startswith("layer '0' (MaxPool2d): expected a chain")


class Cast(nn.Sequential):
    """A model that also takes images as bytes."""

    def forward(self, x):
        return super().forward(x.float())


def test_a_cast_in_a_forward_changes_nothing_and_hides_no_net_that_cannot_be_bounded():
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(16, 8), nn.Sigmoid(), nn.Linear(8, 3)]
    assert bounds_of(Cast(*layers)).equals(bounds_of(nn.Sequential(*layers)))
    found = bounds_of(Cast(*layers, nn.Mish()))
    assert found["value"].isna().all()
    assert found["reason"].str.startswith("layer '4' (Mish): expected a layer with a known").all()
    assert bounds_of(nn.Sequential(*layers, nn.Mish()))["value"].notna().tolist() == [
        True, True, True, False, False,
    ]  # fmt: skip


def rows(steepest, product):
    columns = {
        "net": "A",
        "seed": [0, 0, 1, 1],
        "side": ["lower", "upper"] * 2,
        "method": ["jacobian", "product"] * 2,
        "value": [steepest, product, steepest, product],
        "reason": None,
        "n": [5, 0] * 2,
    }
    return tables.from_frame(pd.DataFrame(columns), LOOSENESS).to_pandas()


def test_the_table_sets_each_bound_over_the_steepest_slope():
    found = analysis.looseness(rows(2.0, 5.0), labels={"A": "Net A"}).set_index("column")
    assert found.loc["product/found", "value"] == 2.5
    assert found.loc["product", "value"] == 5
    assert (found["networks"] == 2).all() and (found["row_label"] == "Net A").all()


def test_a_slope_above_a_bound_is_an_error_that_names_the_net():
    with pytest.raises(AssertionError, match=r"net A \(seed 0\).*found 6 above 5 \(product\)"):
        analysis.looseness(rows(6.0, 5.0), labels={})


def test_without_a_bounded_net_the_table_is_empty():
    assert len(analysis.looseness(LOOSENESS.empty_table().to_pandas(), labels={})) == 0
