"""A setting that has an effect only beside a value of another one is refused without that value."""

import pytest

from blindspots.config.check import check
from blindspots.interface import InputError
from tests.configs import SCHEMA, full, short

BISECTION = {"penalty_factor": 3, "penalty_precision": 1.1, "distance_precision": 0.1}
GRID = {"grid_ratio": 2, "grid_from": "above"}


def found_with(settings):
    raw = full("presets/digits.yaml")
    raw["attacks"]["lbfgs"] = settings
    try:
        check(raw, SCHEMA)
    except InputError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("name", GRID)
@pytest.mark.parametrize("search", [{}, {"search": "bisect"}])
def test_settings_of_a_grid_need_the_grid(name, search):
    assert found_with({name: GRID[name], **search}) == [
        f"config: attacks.lbfgs.{name}: expected search: grid beside it, found search: bisect, "
        f"with which {name} has no effect; add search: grid, or leave {name} out"
    ]


@pytest.mark.parametrize("name", BISECTION)
def test_settings_of_bisection_have_no_place_beside_a_grid(name):
    assert found_with({name: BISECTION[name], "search": "grid"}) == [
        f"config: attacks.lbfgs.{name}: expected search: bisect beside it, found search: grid, "
        f"with which {name} has no effect; add search: bisect, or leave {name} out"
    ]


def test_a_search_with_its_own_settings_is_as_before():
    assert found_with(GRID | {"search": "grid", "initial_penalty": 1}) == []
    assert found_with(BISECTION | {"initial_penalty": 1}) == []
    assert found_with(BISECTION | {"search": "bisect"}) == []


def test_an_unknown_search_is_one_line_whatever_stands_beside_it():
    (line,) = found_with(GRID | {"search": "gird"})
    assert line.startswith("config: attacks.lbfgs.search: expected one of bisect, grid")


def test_an_answer_that_forgets_the_search_is_refused():
    raw = short("presets/digits.yaml") | {"reading": {"c": "coarse"}}
    raw["choices"] = {"questions": {"c": {"coarse": {"attacks": {"lbfgs": {"grid_ratio": 2}}}}}}
    with pytest.raises(InputError, match="grid_ratio: expected search: grid beside it, found"):
        check(raw, SCHEMA, run="digits")
