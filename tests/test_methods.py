import subprocess
import sys
from pathlib import Path

import pytest

from blindspots import methods
from blindspots.interface import InputError

ROOT = Path(__file__).parents[1]
ROLES = ["datasets", "models", "trainers", "attacks", "certificates", "figures"]
PUBLIC = [(role, p.stem) for role in ROLES for p in (methods.PACKAGE / role).glob("[!_]*.py")]


@pytest.mark.parametrize(("role", "module"), PUBLIC)
def test_every_module_of_a_role_holds_a_function_of_its_name(role, module):
    assert module in methods.names(role)
    assert callable(methods.find(role, module))


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
    assert {"decay", "decay_scale", "tolerance", "progress"} <= known
    assert required == {"decay"}
    assert methods.defaults("trainers", "lbfgs")["decay_scale"] == 1.0
    assert methods.takes("attacks", "gaussian", "std")
    assert not methods.takes("attacks", "gaussian", "targets")


def test_inputs_are_the_tables_that_an_analysis_reads():
    assert methods.inputs("analyses", "errors") == ["clean", "split", "attacks"]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("lbgfs", "expected one of closest, gaussian, identity, lbfgs, .* did you mean 'lbfgs'"),
        (
            "no_such_lab.nets:tiny",
            "module that can be imported from here, found 'no_such_lab.nets'",
        ),
        ("blindspots.goals:nope", "expected a function 'nope' in blindspots.goals"),
    ],
)
def test_an_unknown_method_is_named_with_those_there_are(method, message):
    with pytest.raises(InputError, match=message):
        methods.find("attacks", method)


def test_reading_signatures_imports_no_torch():
    code = (
        "import sys; from blindspots import config, fingerprint, methods;"
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
