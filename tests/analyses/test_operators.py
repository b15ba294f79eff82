import pandas as pd

from blindspots.analyses.kit import beside
from blindspots.analyses.operators import operators
from blindspots.measurements.operators import OPERATORS


def norms():
    layers = [
        ("features.0", "3×11×11×64, stride 4", 2.0, 2.1, 2.1, 0.5, 0.0),
        ("classifier.1", "9×4", 3.0, 3.1, None, None, None),
    ]
    names = ["layer", "weights", "value", "upper", "fourier", "printed", "frame"]
    given = pd.DataFrame(layers, columns=names)
    return given.assign(network="alexnet", origin="fresh, of seed 0", inputs=9, outputs=4)[
        OPERATORS.names
    ]


def test_printed_figures_stand_beside_the_layers_in_their_order():
    figures = {"1": {"upper": 2.75}, "2": {"upper": 10}}
    found = beside(operators(norms()), figures).set_index(["row", "column"])
    assert found.loc[("1", "upper"), ["value", "paper"]].tolist() == [2.1, 2.75]
    assert found.loc[("2", "upper"), ["value", "paper"]].tolist() == [3.1, 10]
    assert found.loc[("1", "value"), "row_label"] == "features.0: 3×11×11×64, stride 4"
    assert found["paper"].notna().sum() == 2
    assert operators(norms())["paper"].isna().all()


def test_it_says_where_the_weights_are_from():
    found = operators(norms())
    assert found[found["row"] == "weights"]["text"].tolist() == ["fresh, of seed 0"]


def test_what_only_convolutions_have_is_missing_elsewhere_with_the_reason():
    found = operators(norms()).set_index(["row", "column"])
    for column in ("fourier", "printed", "frame"):
        assert pd.isna(found.loc[("2", column), "value"])
        assert found.loc[("2", column), "reason"] == "not a convolution"
