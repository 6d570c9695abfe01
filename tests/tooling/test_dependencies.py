"""What the code imports is what `pip install offhook` brings, not what the test tools happen to."""

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

#: Imports every module below a package and says from where each of those that were loaded came.
LOAD = """
import sys
before = set(sys.modules)
import importlib, pkgutil
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for each in pkgutil.walk_packages(getattr(module, "__path__", ()), name + "."):
        if not {"__main__", "migrations"} & set(each.name.split(".")):
            importlib.import_module(each.name)
print(" ".join({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def loaded(*packages: str) -> set[str]:
    """The distributions that are in use once `packages` are loaded whole."""
    run = subprocess.run(
        [sys.executable, "-c", LOAD, *packages], capture_output=True, text=True, check=True
    )
    owners = importlib.metadata.packages_distributions()
    return {
        canonicalize_name(owner) for name in run.stdout.split() for owner in owners.get(name, ())
    }


def brought(*extras: str) -> set[str]:
    """The distributions that an installation with `extras` has, with all that they ask for."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(f"offhook[{','.join(extras)}]" if extras else "offhook")]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                waiting += asked_for(name, extra)
    return {name for name, _ in found}


def asked_for(name: str, extra: str) -> list[Requirement]:
    if name == "offhook":
        optional = PROJECT["optional-dependencies"]
        return [
            Requirement(line) for line in (optional[extra] if extra else PROJECT["dependencies"])
        ]
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []  # For another platform or Python.
    asked = [Requirement(line) for line in lines]
    return [
        each
        for each in asked
        if each.marker is None
        or (each.marker.evaluate({"extra": extra}) and (not extra or "extra" in str(each.marker)))
    ]


@pytest.mark.parametrize(
    ("packages", "extras"),
    [
        pytest.param(["offhook.sdk", "offhook.media"], [], id="plain"),
        pytest.param(["offhook.cli.calling", "offhook.cli.phone"], [], id="plain command line"),
        pytest.param(["offhook.service", "offhook.store"], ["service"], id="service"),
        pytest.param(["offhook.cli.serve"], ["service"], id="serve"),
        pytest.param(["offhook.push", "offhook.store"], ["push"], id="push"),
        pytest.param(["offhook.cli"], ["all"], id="all"),
    ],
)
def test_an_installation_brings_everything_that_its_code_loads(
    packages: list[str], extras: list[str]
) -> None:
    assert loaded(*packages) <= brought(*extras)


@pytest.mark.parametrize(
    ("command", "library", "extra"),
    [("serve", "litestar", "service"), ("push", "h2", "push"), ("up", "h2", "all")],
)
def test_a_command_whose_libraries_are_not_there_says_what_to_install(
    command: str, library: str, extra: str
) -> None:
    arguments = ["--config", "nowhere.toml"] if command == "serve" else []
    without = f"import sys; sys.modules[{library!r}] = None; from offhook.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", without, command, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.endswith(f"not installed; install it with: pip install 'offhook[{extra}]'\n")
