"""A new plugin: written whole or not at all, and working as it stands."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from backoffice.host import skeleton
from backoffice.settings import CHECKOUT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "*_cache", ".hypothesis", "__pycache__", "build")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout of its own."""
    return Path(shutil.copytree(CHECKOUT, tmp_path / "checkout", ignore=LEFT_OUT))


def files(checkout: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("BACKOFFICE_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def command(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(copy, "-c", "from backoffice.cli import main; main()", *arguments)


def test_it_works_as_it_stands(copy: Path) -> None:
    """Its own tests pass, and so do those that walk every plugin's tables and pages."""
    made = command(copy, "plugins", "new", "field_trips")
    assert (made.returncode, made.stderr) == (0, "")
    assert "plugins/field_trips/__init__.py" in made.stdout
    tested = run(
        copy,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/plugins/field_trips",
        "tests/contract/test_schema.py",
        "tests/host/test_settings_form.py",
    )
    assert tested.returncode == 0, tested.stdout[-3000:]


def test_nothing_is_left_to_fill_in(tmp_path: Path, copy: Path) -> None:
    for path in skeleton.write(copy, "herons"):
        if path.suffix != ".mako":
            assert "$" not in path.read_text(), path


def test_leaders_may_read_it(copy: Path) -> None:
    skeleton.write(copy, "herons")
    roles = tomllib.loads((copy / "config" / "roles.toml").read_text())
    assert [name for name, role in roles.items() if "herons:read" in role["permissions"]] == ["leader"]
    before = tomllib.loads((CHECKOUT / "config" / "roles.toml").read_text())
    roles["leader"]["permissions"].remove("herons:read")
    assert roles == before


@pytest.mark.parametrize(
    "name", ["trust", "Herons", "grey-heron", "", "9lives", "../herons", "class", "x" * 25, "a b"]
)
def test_a_name_that_cannot_be_writes_nothing(copy: Path, name: str) -> None:
    before = files(copy)
    with pytest.raises(skeleton.SkeletonError):
        skeleton.write(copy, name)
    assert files(copy) == before


@pytest.mark.parametrize("file", ["plugins.toml", "roles.toml"])
def test_a_file_that_it_does_not_know_writes_nothing(copy: Path, file: str) -> None:
    (copy / "config" / file).write_text("# emptied by hand\n")
    before = files(copy)
    with pytest.raises(skeleton.SkeletonError, match=file):
        skeleton.write(copy, "herons")
    assert files(copy) == before


def test_the_command_refuses_in_one_sentence(copy: Path) -> None:
    refused = command(copy, "plugins", "new", "Herons")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
