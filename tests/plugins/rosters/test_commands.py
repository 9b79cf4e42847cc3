"""`backoffice rosters import`: in this process, in one of its own, and killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backoffice.runtime import Runtime
from backoffice.schools.models import School
from tests.factories.commands import Run
from tests.factories.oneroster import UNWANTED, Shape, write_folder, write_zip
from tests.factories.world import World
from tests.plugins.rosters.memory import children, empty_school, versions

SHAPE = Shape(students=12, classes_a_student=3)
MAIN = "from backoffice.cli import main; main()"
Started = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(runtime: Runtime, keyring_file: Path) -> Callable[..., tuple[list[str], dict[str, str]]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    environment |= {
        "BACKOFFICE_DATABASE_URL": runtime.database.address, "BACKOFFICE_KEYRING_FILE": str(keyring_file),
    }  # fmt: skip

    def made(*arguments: object) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-c", MAIN, "rosters", "import", *map(str, arguments)], environment

    return made


@pytest.fixture
def import_(command: Callable[..., tuple[list[str], dict[str, str]]]) -> Started:
    def ran(*arguments: object) -> subprocess.CompletedProcess[str]:
        line, environment = command(*arguments)
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=60)

    return ran


@pytest.fixture
def school(world: World) -> School:
    return empty_school()


def test_a_folder_and_a_zip_are_imported(import_: Started, school: School, tmp_path: Path) -> None:
    folder = write_folder(SHAPE, tmp_path / "set")
    write_zip(SHAPE, tmp_path / "set.zip")
    first = import_(folder, "--school", school.public_id)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("Imported.\n")
    assert "12  students new" in first.stdout
    assert "users.csv phone" in first.stdout
    before = versions(notes=False)
    second = import_(tmp_path / "set.zip", "--school", school.public_id, "--json")
    assert second.returncode == 0
    told: dict[str, Any] = json.loads(second.stdout)
    assert (told["done"], "students new" in told["counts"]) == (True, False)
    assert versions(notes=False) == before
    # Nobody's name or identifier on the terminal.
    assert UNWANTED not in first.stdout + second.stdout
    assert not any(name in first.stdout for names in children(school).values() for name in names)


def test_a_dry_run_says_so_and_leaves_nothing(run: Run, school: School, tmp_path: Path) -> None:
    folder = write_folder(SHAPE, tmp_path / "set")
    before = versions()
    done = run("rosters", "import", str(folder), "--school", school.public_id, "--dry-run")
    assert done.code == 0
    assert done.out.startswith("This is what an import would do. Nothing was changed.\n")
    assert versions() == before


def test_what_is_wrong_with_the_files_is_exit_code_2(run: Run, school: School, tmp_path: Path) -> None:
    folder = write_folder(SHAPE, tmp_path / "set")
    seats = (folder / "enrollments.csv").read_text("utf-8").splitlines()
    (folder / "enrollments.csv").write_text("\n".join([*seats, seats[1]]), "utf-8")
    done = run("rosters", "import", str(folder), "--school", school.public_id)
    assert (done.code, done.err) == (2, "")
    assert f"enrollments.csv, line {len(seats) + 1}, sourcedId: Another line has the same" in done.out


def test_what_cannot_be_imported_at_all_is_told_in_a_sentence(
    run: Run, school: School, tmp_path: Path
) -> None:
    folder = write_folder(SHAPE, tmp_path / "set")
    for arguments in (
        (tmp_path / "nothing", "--school", school.public_id),
        (folder, "--school", "abcd2345efgh6789"),
        (folder, "--district", "abcd2345efgh6789"),
        (folder,),
        (folder, "--school", "a", "--district", "b"),
    ):
        done = run("rosters", "import", *map(str, arguments))
        assert (done.code, done.out) == (2, "")
        assert done.err
        assert "Traceback" not in done.err


def blocked(administrator: psycopg.Connection[Any]) -> bool:
    """Whether an import waits for the lock, and so has written all that comes before."""
    return (
        administrator.execute(
            "select 1 from pg_stat_activity where usename = 'backoffice_system' and wait_event_type = 'Lock'"
            " and query like '%app.teaching_role%' and datname = current_database()"
        ).fetchone()
        is not None
    )


def test_killed_in_the_middle_it_leaves_nothing(
    command: Callable[..., tuple[list[str], dict[str, str]]],
    import_: Started,
    runtime: Runtime,
    school: School,
    tmp_path: Path,
) -> None:
    folder = write_folder(SHAPE, tmp_path / "set")
    before = versions()
    line, environment = command(folder, "--school", school.public_id)
    with (
        psycopg.connect(runtime.database.address) as holding,
        psycopg.connect(runtime.database.address, autocommit=True) as looking,
    ):
        # Everything else is written by then, and nothing is committed.
        holding.execute("lock table app.teaching_role in share mode")
        process = subprocess.Popen(
            line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not blocked(looking):
                assert process.poll() is None, "The import ended before it could be killed."
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        holding.rollback()
        while looking.execute(
            "select 1 from pg_stat_activity where usename = 'backoffice_system'"
            " and datname = current_database() and state <> 'idle'"
        ).fetchone():
            time.sleep(0.02)
    assert versions() == before
    assert children(school) == {}
    assert import_(folder, "--school", school.public_id).returncode == 0
    assert children(school)
