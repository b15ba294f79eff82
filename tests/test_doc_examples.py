"""Every example of the documents works: Python runs, configs pass the check, commands exist.

A page is followed from top to bottom in a folder of its own that looks like a checkout. Python is
run, with what the blocks above it defined; YAML is laid over a small config and checked; commands
must exist with their targets and options, and Snakemake's must get through a dry run. A block with
``<!-- path/of/a/file -->`` on the line above it is that file, which has its own tests; one that
cannot be tried has ``<!-- not run: why -->`` there.
"""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml

from blindspots import __main__ as command
from blindspots.config.check import check
from blindspots.config.reading import laid_over
from blindspots.files import tables, weights
from blindspots.interface import InputError
from tests.configs import SCHEMA
from tests.conftest import ROOT
from tests.oracles import smallest_linear_perturbation
from tests.test_docs import PAGES
from tests.workflow.conftest import SMALL

START = yaml.safe_load((ROOT / "presets/start.yaml").read_text("utf-8"))
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
BLOCK = re.compile(r"^(?:<!-- ([^>\n]+) -->\n)?^( *)```(\w*)\n(.*?)^\2```$", re.M | re.S)
INLINE = re.compile(r"`((?:make|blindspots|python -m blindspots) [^`]+)`")
FRAGMENT = re.compile(rf"`((?:{'|'.join(SCHEMA['properties'])}): \{{[^`]+\}})`")
PLAIN = ("", "text", "mermaid", "html")
"""Languages of blocks that cannot be tried."""
UNTRIED = (".", "cd", "cp", "export", "git", "pip", "sh", "uv", "venv")
"""Programs of others, which are not run."""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that looks like a checkout, with a user's config."""
    for path in ROOT.iterdir():
        if path.name not in (".git", ".snakemake", "results", "resources", "logs"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(SMALL), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{tmp_path}/"):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_example_of_a_page_works(page, checkout):
    text = page.read_text("utf-8")
    names = {}
    for note, _, language, block in BLOCK.findall(text):
        if note and not note.startswith("not run: ") and language not in PLAIN:
            assert block == (ROOT / note).read_text("utf-8"), note
        elif not note and language not in PLAIN:
            TRIED[language](textwrap.dedent(block), names)
    for fragment in FRAGMENT.findall(text):
        configs(fragment, names)
    for line in INLINE.findall(text):
        commands(line, names, run=False)


def test_the_readmes_python_prints_what_it_says_and_that_is_the_exact_distance(capsys):
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S
    )
    names = {}
    exec(compile(example, "example", "exec"), names)
    *_, said = example.splitlines()
    assert capsys.readouterr().out == f"{said.removeprefix('# ')}\n"
    layer, images, answers = names["model"][1], names["images"], names["answers"].tolist()
    assert (images >= 0).all() and (images <= 1).all()
    weight, bias = (tensor.detach().double().numpy() for tensor in layer.parameters())
    exact = [
        min(
            smallest_linear_perturbation(weight, bias, image.double().numpy().ravel(), other)
            for other in set(range(10)) - {answer}
        )
        for image, answer in zip(images, answers, strict=True)
    ]
    assert np.allclose(names["found"].l2.numpy(), exact, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize(
    ("language", "block"),
    [
        ("sh", "make quickstrat"),
        ("sh", "blindspots prun my.yaml"),
        ("sh", "blindspots run my.yaml --dryrun"),
        ("sh", "python -m snakemake --configfile my.yaml \\\n  --forcerun audits"),
        ("sh", "python -m snakemake --configfile presets/nothere.yaml"),
        ("sh", "BLINDSPOTS_DATA=x python examples/nothere.py"),
        ("yaml", "machine: {shard: 4}"),
        ("yaml", "attacks: {mine: {method: lbgfs}}"),
        ("python", "from blindspots.attacks import nothing"),
    ],
)
def test_an_example_that_has_rotted_is_found(language, block, checkout):
    with pytest.raises((AssertionError, SystemExit, ImportError)):
        TRIED[language](block, {})


def python(block, names):
    """Run it."""
    for file in re.findall(r'"(results/digits/.*?)"', block):  # as if the quickstart had run
        if file.endswith(".safetensors"):
            model, spec = weights.create("mlp", {"hidden": [5]}, (1, 8, 8), 10)
            weights.save(Path(file), model, spec)
        else:
            tables.write(file, tables.pa.table({"net": ["FC10-1e-4"]}), {"commit": "abc"})
    exec(compile(block, "example", "exec"), names)


def configs(block, _):
    """Check a whole config, or a part laid over one."""
    raw = yaml.safe_load(block)
    whole = {"nets", "data"} <= raw.keys()
    try:
        check(raw if whole else laid_over(START, raw), SCHEMA, run="my")
    except InputError as error:
        told = [line for line in str(error).splitlines() if "found 'my_lab" not in line]
        assert not told, told  # a module of that name stands for the user's


def commands(block, _, run=True):
    """Check that every command exists, with its targets, files and options."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)  # for the environment
        if not words:
            continue
        program, arguments = Path(words[0]).name or words[0], words[1:]
        if program.startswith("python") and arguments[0] == "-m":
            program, arguments = arguments[1], arguments[2:]
        if program in UNTRIED:
            continue
        if program == "make":
            assert {word for word in arguments if "=" not in word} <= set(TARGETS), line
        elif program == "blindspots":
            given = command.parse(arguments)
            if run and given.run is command.new.run:
                given.force = True
                given.run(given)
            elif run and given.run is command.run.run and "--unlock" not in given.more:
                snakemake(["--configfile", *map(str, given.configs), *given.more])
        elif program == "snakemake":
            snakemake(arguments)
        else:
            assert program.startswith("python") and Path(arguments[0]).is_file(), line


def snakemake(arguments):
    """Get through a dry run."""
    ended = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, "--cores", "1", "--dry-run", "--quiet"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=os.environ,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout


TRIED = {"python": python, "yaml": configs, "sh": commands}
