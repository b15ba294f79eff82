"""Values of a config against annotations of parameters: which fit, and messages for others."""

import ast

import pytest

from blindspots.config import methods
from blindspots.config.annotations import misfit
from blindspots.config.check import check
from blindspots.interface import InputError
from tests.configs import SCHEMA, full

COUNT = "Annotated[int, at_least(1)]"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("int", 3),
        ("float", 3),
        ("bool", False),
        ("str", ""),
        ("None", None),
        ("int | None", None),
        ("Optional[int]", None),
        ("Union[int, str]", "a"),
        ("Literal['a', 'b']", "b"),
        ("Literal[1, None]", None),
        (COUNT, 1),
        ("Annotated[float, above(0), below(1)]", 0.5),
        ("Annotated[float, at_most(2)]", 2),
        ("Annotated[int, limits.at_least(1)]", 1),
        (f"Sequence[{COUNT}]", [1, 2]),
        (f"tuple[{COUNT}, ...]", []),
        (f"Literal['all'] | Sequence[{COUNT}]", "all"),
        ("Annotated[list[int], distinct(), some()]", [1, 2]),
        ("dict[str, int]", {"a": 1}),
        ("Whatever", object()),  # says nothing
        ("Annotated[int, of_another_library(1)]", 0),
        ("Callable[[int], int]", 3),
        ("float | Tensor", 0.1),
        ("Mapping[str, int]", {"a": 1}),
        ("Annotated[Sequence[dict], distinct('a')]", [{"a": 1}, {"a": 2}]),
        ("Annotated[dict, either('a', 'b')]", {"a": 1, "c": 2}),
        ("TypedDict(a=int, b=NotRequired[str])", {"a": 1}),
        ("TypedDict(a=int, b=NotRequired[str])", {"a": 1, "b": ""}),
    ],
)
def test_what_fits(annotation, value):
    assert misfit(value, ast.parse(annotation, mode="eval").body) is None


@pytest.mark.parametrize(
    ("annotation", "value", "expected", "path"),
    [
        ("int", 1.0, "a whole number", ()),
        ("int", True, "a whole number", ()),
        ("float", "a", "a number", ()),
        ("bool", 1, "true or false", ()),
        ("str", None, "text", ()),
        ("int | None", "a", "a whole number or null", ()),
        ("Literal['a', 'b']", "c", "one of a, b", ()),
        ("Literal[1, None]", True, "one of 1, null", ()),
        (COUNT, 0, "at least 1", ()),
        ("Mapping[str, int]", {"a": 1, "b": "c"}, "a whole number", ("b",)),
        ("Mapping[str, int]", [], "a mapping of keys", ()),
        ("Annotated[Sequence[dict], distinct('a')]", [{"a": 1}, {"a": 1}], "no a twice", ()),
        ("Annotated[dict, either('a', 'b')]", {"a": 1, "b": 2}, "either a or b", ()),
        ("Annotated[dict, either('a', 'b')]", {}, "either a or b", ()),
        ("TypedDict(a=int, b=NotRequired[str])", {"b": ""}, "the key 'a' in it", ()),
        ("TypedDict(a=int, b=NotRequired[str])", {"a": 1, "c": 1}, "only the keys a, b", ()),
        ("list[TypedDict(a=int, b=NotRequired[str])]", [{"a": 1, "b": 1}], "text", (0, "b")),
        (COUNT, "a", "a whole number", ()),
        ("Annotated[float, above(0), below(1)]", 1, "less than 1", ()),
        ("Annotated[float, above(0), below(1)]", 0, "more than 0", ()),
        ("Annotated[float, at_most(1e6, 'or else')]", 1e7, "at most 1000000, or else", ()),
        (f"{COUNT} | None", 0, "at least 1", ()),
        (f"Sequence[{COUNT}]", [1, 0], "at least 1", (1,)),
        (f"Sequence[Sequence[{COUNT}]]", [[1], [2, 0]], "at least 1", (1, 1)),
        (f"Literal['all'] | Sequence[{COUNT}]", "any", "one of all", ()),
        (f"Literal['all'] | Sequence[{COUNT}]", ["a"], "a whole number", (0,)),
        (f"{COUNT} | Sequence[{COUNT}]", [], "a value or several", ()),
        ("Sequence[int]", 4, "a list", ()),
        ("Annotated[list[int], distinct()]", [1, 1], "no entry twice", ()),
        ("Annotated[list[int], some()]", [], "at least 1 entry", ()),
        ("dict[str, int]", [], "a mapping of keys", ()),
        ("float | Tensor", "a", "a number", ()),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(annotation, value, expected, path):
    found = misfit(value, ast.parse(annotation, mode="eval").body)
    assert (found.expected, found.path) == (expected, path)


def test_aliases_and_meanings_are_those_of_the_source(tmp_path, monkeypatch):
    (tmp_path / "my_limits.py").write_text("from blindspots.limits import Count as Many\n")
    (tmp_path / "my_attack.py").write_text(
        "import torch\nfrom my_limits import Many\nKinds = None\n"
        "def attack(model, images, labels, targets, *,\n"
        "           steps: Many, many: 'Many' = 1, kind: Kinds):\n"
        '    """Attack.\n\n    Args:\n        steps: of the search, each a gradient\n'
        '            and an image; at most a few.\n        kind: of it: one.\n    """\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = methods.parameters_of("attacks", "my_attack:attack")
    assert misfit(0, found["steps"].annotation).expected == "at least 1"
    assert found["steps"].type_comment == "of the search, each a gradient and an image"
    assert found["kind"].type_comment == "of it"
    assert found["many"].type_comment is None


NAMES = """
def method(shape, classes, *, kind="linf", bound="crown", steps=0, layers="conv1", strength=0.0,
           distortion="x", mix=1.0, n=0, activation="gelu", pool="max", hidden="big", nets="a",
           batch=True, clip=1.0, decay="cosine", begin=0.5, momentum=1.0, target=0.5, std=-1.0,
           history="long", restarts=-1, sparsity=2.0):
    ...
"""


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


def test_a_setting_of_ones_own_may_be_called_as_another_methods_and_be_anything(
    tmp_path, monkeypatch, raw
):
    (tmp_path / "my_names.py").write_text(NAMES)
    monkeypatch.syspath_prepend(tmp_path)
    given = methods.defaults("models", "my_names:method")
    assert len(given) == 22
    raw["nets"]["FC10-1e-4"]["model"] = {"method": "my_names:method"} | given
    assert check(raw, SCHEMA)["nets"]["FC10-1e-4"]["model"]["kind"] == "linf"


def test_a_limit_of_a_method_is_said_with_what_it_limits(raw):
    raw["attacks"]["mine"] = {"method": "lbfgs", "max_iterations": 0}
    with pytest.raises(InputError, match=r"attacks\.mine\.max_iterations: expected at least 1 \("):
        check(raw, SCHEMA)


PAIRS = """
from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired, TypedDict
from blindspots.limits import one_of_its

Victim = Annotated[str, one_of_its("victims")]

class Pair(TypedDict):
    experiment: NotRequired[Annotated[str, one_of_its("experiments")]]
    left: Victim
    right: NotRequired[Victim | None]

def compare(clean, *, pairs: Sequence[Pair] = (), by: Mapping[str, Victim] | None = None): ...
"""


def test_names_of_nets_in_a_users_settings_are_looked_up(tmp_path, monkeypatch):
    (tmp_path / "my_pairs.py").write_text(PAIRS)
    monkeypatch.syspath_prepend(tmp_path)
    raw = full("presets/digits.yaml")
    known = raw["experiments"]["cross-model"]["victims"]
    table = {
        "method": "my_pairs:compare", "experiment": "cross-model",
        "pairs": [{"left": known[0], "right": None}, {"left": known[1], "right": known[0]}],
        "by": {"x": known[1]},
    }  # fmt: skip
    raw["claims"] = None
    raw["tables"] = {"mine": table}
    assert check(raw, SCHEMA)["tables"]["mine"]["pairs"] == table["pairs"]
    table["pairs"][1]["right"] = table["by"]["x"] = "nobody"
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    first, second = str(error.value).splitlines()
    assert "tables.mine.pairs.1.right: expected a victim of this experiment (" in first
    assert "tables.mine.by.x: expected a victim of this experiment (" in second
    table["pairs"] = [{"left": 3}]
    with pytest.raises(InputError, match=r"tables\.mine\.pairs\.0\.left: expected text"):
        check(raw, SCHEMA)
