import importlib.machinery
import subprocess
import sys
from pathlib import Path

import pytest

from blindspots import families
from blindspots.config import methods, traits
from blindspots.config.settings import method_faults
from blindspots.config.signatures import parameters
from blindspots.families import Family
from blindspots.interface import InputError

ROOT = Path(__file__).parents[2]
ROLES = ["datasets", "models", "trainers", "attacks", "certificates", "figures"]
KITS = {
    "attacks": {"contract", "controls", "returned", "table"}, "certificates": {"contract", "table"},
    "datasets": {"contract", "table"}, "figures": {"kit"},
    "trainers": {"checkpoint", "loop", "recipe", "table"},
    "analyses": {"arms", "attacked", "contract", "kit", "lipschitz", "masking", "threats"},
}  # fmt: skip
"""Modules of a role that are not methods, but that others use."""
PUBLIC = {
    role: {
        path.stem
        for path in (methods.PACKAGE / role).glob("[!_]*")
        if path.suffix == ".py" or (path / f"{path.name}.py").exists()
    }
    for role in (*ROLES, "analyses")
}


@pytest.mark.parametrize("role", PUBLIC)
def test_every_module_of_a_role_but_its_kit_holds_a_function_of_its_name(role):
    assert PUBLIC[role] - KITS.get(role, set()) == {*methods.names(role)}
    assert KITS.get(role, set()) <= PUBLIC[role]
    assert all(callable(methods.find(role, name)) for name in methods.names(role))


def test_a_users_function_is_found_by_dotted_path(tmp_path, monkeypatch):
    package = tmp_path / "my_lab"
    package.mkdir()
    (package / "nets.py").write_text("def tiny(shape, classes, width=3, *, depth): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert methods.settings("models", "my_lab.nets:tiny") == ({"width", "depth"}, {"depth"})
    assert methods.find("models", "my_lab.nets:tiny").__name__ == "tiny"


def test_a_users_file_that_is_not_python_is_named_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "broken_lab.py").write_text("x = 1\ndef tiny(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"broken_lab\.py, line 2: expected Python"):
        methods.settings("models", "broken_lab:tiny")


def test_a_class_tells_no_settings():
    assert methods.settings("models", "torch.nn.modules.linear:Linear") is None


def test_settings_and_defaults_are_those_of_the_signature():
    known, required = methods.settings("trainers", "lbfgs")
    assert {"decay", "decay_factor", "tolerance", "progress"} <= known
    assert required == {"decay"}
    assert methods.defaults("trainers", "lbfgs")["decay_factor"] == 1.0
    assert methods.takes("attacks", "gaussian", "std")
    assert not methods.takes("attacks", "gaussian", "targets")


def test_inputs_that_name_parts_are_read_by_parts(tmp_path, monkeypatch):
    assert methods.by_parts("analyses", "transfer") == ["transfer"]
    assert methods.by_parts("analyses", "contrasts") == []
    (tmp_path / "parted_lab.py").write_text(
        "from blindspots.files.parts import Parts\nfrom blindspots.files import parts\n"
        "def mine(split, transfer: Parts, radii: 'str', clean: parts.Parts | None, *, k=1): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert methods.by_parts("analyses", "parted_lab:mine") == ["transfer", "clean"]


def test_inputs_are_the_tables_that_an_analysis_reads():
    assert methods.inputs("analyses", "errors") == ["clean", "split", "attacks", "transfer"]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("lbgfs", "expected one of closest, gaussian, identity, lbfgs, .* did you mean 'lbfgs'"),
        (
            "no_such_lab.nets:tiny",
            "module that can be imported from here, found 'no_such_lab.nets'",
        ),
        ("blindspots.threat.goals:nope", "expected a function 'nope' in blindspots.threat.goals"),
    ],
)
def test_an_unknown_method_is_named_with_those_there_are(method, message):
    with pytest.raises(InputError, match=message):
        methods.find("attacks", method)


def test_reading_signatures_imports_no_torch():
    code = (
        "import sys; from blindspots.config import check, fingerprint, methods;"
        "methods.settings('attacks', 'lbfgs');"
        "fingerprint.fingerprint(['blindspots.attacks.lbfgs']);"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("method", ["subprocess:run", "os.path:exists", "pickle:loads"])
def test_a_function_of_pythons_own_modules_is_no_method(method):
    with pytest.raises(InputError, match=rf"found '{method[:4]}.*' of Python's standard library"):
        methods.settings("datasets", method)
    with pytest.raises(InputError, match="of an installed package"):
        methods.find("models", method)
    assert methods.find("models", "torchvision.models:alexnet")


LAB = {
    "__init__.py": "from .tables import mine\nfrom . import nets\nfrom .nets import *\n",
    "nets.py": """
import functools
from functools import partial
from typing import TYPE_CHECKING, overload

import torch

if TYPE_CHECKING:
    from somewhere import Shape
try:
    from nowhere import fallback
except ImportError:
    def fallback(shape, classes, *, depth): ...


@overload
def many(shape, classes): ...
@overload
def many(shape, classes, width: int): ...
def many(shape, classes, width=3, *, depth): ...


@torch.no_grad()
def frozen(shape, classes, *, width): ...


def with_seed(function): ...


@with_seed
def seeded(shape, classes, seed): ...


async def later(shape, classes): ...


def placed(shape, classes, /, width, *, depth=2): ...


class Net(torch.nn.Module):
    def __init__(self, shape, classes, *, width): ...


small = partial(many, width=1)
deep: functools.partial = functools.partial(many, depth=9)
other = many
short = lambda shape, classes, *, width=2: None
one, two = with_seed(many), with_seed(many)
if torch:
    below = many
circle = circle
""",
    "tables.py": "def mine(clean, split, *, unit='%'): ...\n",
    "circle.py": "from ways_lab.round import *\nfrom ways_lab.round import gone\n",
    "round.py": "from ways_lab.circle import *\n",
    "dynamic.py": "def __getattr__(name): ...\n",
    "made.py": "for n in 18, 34:\n    globals()[f'resnet{n}'] = print\n",
    "shown.py": """
match 1:
    case 1:
        def cased(shape, classes, *, depth): ...
(walrus := print)
with open(__file__) as opened: ...
def tell():
    global told
    def told(shape, classes): ...
tell()
""",
    "stars.py": "from ways_lab.nets import *\nfrom torch.nn import *\n",
}


@pytest.fixture
def ways_lab(tmp_path, monkeypatch):
    """A user's package whose functions are bound in many ways."""
    package = tmp_path / "ways_lab"
    package.mkdir()
    for name, text in LAB.items():
        (package / name).write_text(text)
    (package / f"built{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    parameters.cache_clear()
    yield
    parameters.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "ways_lab"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("method", "known", "required"),
    [
        ("ways_lab.nets:many", {"width", "depth"}, {"depth"}),  # its last definition
        ("ways_lab.nets:frozen", {"width"}, {"width"}),  # a decorator that changes nothing
        ("ways_lab.nets:placed", {"width", "depth"}, {"width"}),
        ("ways_lab.nets:other", {"width", "depth"}, {"depth"}),
        ("ways_lab.nets:short", {"width"}, set()),
        ("ways_lab.nets:small", {"width", "depth"}, {"depth"}),
        ("ways_lab.nets:deep", {"width", "depth"}, set()),
        ("ways_lab.nets:below", {"width", "depth"}, {"depth"}),
        ("ways_lab:many", {"width", "depth"}, {"depth"}),  # by a star import
        ("ways_lab.shown:cased", {"depth"}, {"depth"}),
        ("ways_lab.stars:many", {"width", "depth"}, {"depth"}),
    ],
)
def test_settings_are_read_wherever_a_module_has_a_function_from(ways_lab, method, known, required):
    assert methods.settings("models", method) == (known, required)


@pytest.mark.parametrize(
    "method",
    [
        "ways_lab.nets:fallback",  # bound twice, by a condition
        "ways_lab.nets:seeded",  # a decorator may pass parameters
        "ways_lab.nets:Net",
        "ways_lab.nets:one",
        "ways_lab.nets:circle",
        "ways_lab.dynamic:anything",
        "ways_lab.made:resnet18",
        "ways_lab.shown:walrus",
        "ways_lab.shown:opened",
        "ways_lab.shown:told",
        "ways_lab.circle:gone",
        "ways_lab.built:net",
        "torch.nn:Linear",
    ],
)
def test_a_source_that_does_not_tell_refuses_no_setting(ways_lab, method):
    assert methods.settings("models", method) is None
    given = {"method": method, "anything": 1}
    assert not list(method_faults("nets.a.model", "models", given, {"anything": 1}))


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("ways_lab.nets:later", "that returns its result, found an async one; define it without"),
        ("ways_lab.shown:nope", "expected a function 'nope' in ways_lab.shown, found none"),
        ("ways_lab.nets:nope", "expected a function 'nope' in ways_lab.nets, found none"),
        ("ways_lab:nope", "expected a function 'nope' in ways_lab, found none"),
        ("ways_lab.circle:nope", "expected a function 'nope' in ways_lab.circle, found none"),
        ("ways_lab/nets.py:many", "did you mean ways_lab.nets:many?"),
        ("ways_lab.nowhere:net", "module that can be imported from here, found 'ways_lab.nowhere'"),
        (":net", "module that can be imported from here, found ''"),
        ("ways_lab.nets:", "expected a function '' in ways_lab.nets, found none"),
    ],
)
def test_what_is_no_function_is_said_in_a_line(ways_lab, method, message):
    with pytest.raises(InputError) as error:
        methods.settings("models", method)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_an_analysis_may_be_imported_from_elsewhere(ways_lab):
    assert methods.inputs("analyses", "ways_lab:mine") == ["clean", "split"]


def test_an_attribute_that_is_no_function_is_refused(tmp_path, monkeypatch):
    (tmp_path / "number_lab.py").write_text("f = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="expected a function 'f' in number_lab, found int"):
        methods.find("models", "number_lab:f")


@pytest.mark.parametrize(
    ("decorator", "family"),
    [
        ("", Family("minimal", ("l2",))),
        ("@minimal('linf')", Family("minimal", ("linf",))),
        ("@families.budget('l2', 'linf')", Family("budget", ("l2", "linf"))),
        ("@blindspots.families.control", Family("control", ())),
        ("@torch.no_grad()\n@budget('l0')", Family("budget", ("l0",))),
    ],
)
def test_what_an_attack_looks_for_is_read_from_its_source(tmp_path, monkeypatch, decorator, family):
    source = f"{decorator}\ndef f(model, images, labels, targets): ...\ng = functools.partial(f)\n"
    (tmp_path / "noise_lab.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    parameters.cache_clear()
    assert traits.family("noise_lab:f") == traits.family("noise_lab:g") == family
    assert traits.needs_model("noise_lab:f") == (family.kind != "control")


@pytest.mark.parametrize("attack", methods.names("attacks"))
def test_what_the_source_says_of_an_attack_is_what_it_declares(attack):
    assert traits.family(attack) == families.family_of(methods.find("attacks", attack))
