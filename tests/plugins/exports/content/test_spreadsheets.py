"""Files of an export as a spreadsheet program opens them: all rows, and no cell that is run or wrong."""

import csv
import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.schools.models import Student
from backoffice.spreadsheets.csv_files import FORMULA
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.content.conftest import Scopes
from tests.plugins.exports.content.test_workbook import packed

ABSENT = "no LibreOffice: install libreoffice-calc to have the files opened by it"
# As LibreOffice writes CSV: commas, quotes, UTF-8, from the first line on.
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1"
# As it reads ours: so it runs what begins like a formula, unless that is guarded.
FROM_CSV = "CSV:44,34,76,1"
ERRORS = ("#NAME?", "#VALUE!", "#REF!", "#DIV/0!", "#N/A", "Err:")


@pytest.fixture(scope="module")
def office() -> str:
    found = shutil.which("soffice")
    if found is None:
        pytest.skip(ABSENT)
    return found


@pytest.fixture
def hostile(world: World) -> Iterator[None]:
    """Children whose names begin as formulas do."""
    kept = {}
    with transaction(SYSTEM) as tx:
        for child, begin in zip(world.own_class.children, FORMULA, strict=False):
            named = update(Student).where(Student.id == child.id)
            kept[child.id] = tx.scalars(select(Student.given_name).where(Student.id == child.id)).one()
            tx.execute(named.values(given_name=f'{begin}HYPERLINK("http://evil.example")'))
    yield
    with transaction(SYSTEM) as tx:
        for number, name in kept.items():
            tx.execute(update(Student).where(Student.id == number).values(given_name=name))


def converted(
    office: str, folder: Path, to: str, ending: str, *names: str, reads: str = ""
) -> dict[str, Path]:
    """What the program makes of files; it may complain of nothing."""
    out = folder / f"as-{ending}"
    done = subprocess.run(
        [
            *(office, "--headless", "--norestore", f"-env:UserInstallation={(folder / 'profile').as_uri()}"),
            *((f"--infilter={reads}",) if reads else ()),
            *("--convert-to", to, "--outdir", str(out), *(str(folder / name) for name in names)),
        ],
        capture_output=True,
        check=False,
        timeout=300,
        env={**os.environ, "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    assert b"error" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return {name: out / f"{Path(name).stem}.{ending}" for name in names}


def lines(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_workbooks_open_with_all_rows(office: str, hostile: None, scopes: Scopes, tmp_path: Path) -> None:
    made, _files = packed(scopes["school"])
    made.extractall(tmp_path)
    names = sorted(name for name in made.namelist() if name.endswith(".xlsx"))
    assert names
    for name, path in converted(office, tmp_path, AS_CSV, "csv", *names).items():
        theirs = lines(path.read_text("utf-8"))
        ours = lines((tmp_path / name).with_suffix(".csv").read_text("utf-8"))
        assert len(theirs) == len(ours), name
        wrong = [cell for line in theirs for cell in line if cell.startswith(ERRORS)]
        assert not wrong, name
    theirs = lines((tmp_path / "as-csv" / "students.csv").read_text("utf-8"))
    assert [line for line in theirs if any("HYPERLINK" in cell for cell in line)]


def test_tables_open_with_all_rows_and_no_formula(
    office: str, hostile: None, scopes: Scopes, tmp_path: Path
) -> None:
    made, _files = packed(scopes["school"], workbooks=False)
    made.extractall(tmp_path)
    names = sorted(name for name in made.namelist() if name.startswith("data/") and name.endswith(".csv"))
    for name, path in converted(office, tmp_path, "xlsx", "xlsx", *names, reads=FROM_CSV).items():
        with zipfile.ZipFile(path) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet, name
        assert "<f " not in sheet, name
        assert 't="e"' not in sheet, name
        ours = lines((tmp_path / name).read_text("utf-8"))
        assert sheet.count("<row ") == len(ours), name
