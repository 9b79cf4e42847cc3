"""Workbooks: the same rows as in the other files, texts that stay texts, and names that Excel takes."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from typing import cast

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import Table, select, update

from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import Student
from backoffice.spreadsheets import xlsx_files
from backoffice.spreadsheets.csv_files import FORMULA
from plugins.exports.content import Scope, write_archive
from plugins.exports.content.kinds import Kind, kind_of
from plugins.exports.content.workbook import LETTERS_OF_A_NAME, beside, sheet_name
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.content.conftest import Scopes, WriteOnly
from tests.spreadsheets.test_xlsx_files import sheets


def packed(scope: Scope, *, workbooks: bool = True) -> tuple[zipfile.ZipFile, dict[str, str]]:
    to = WriteOnly()
    with transaction(SYSTEM) as tx:
        manifest = write_archive(tx, scope, to, workbooks=workbooks)  # type: ignore[arg-type]
    return zipfile.ZipFile(io.BytesIO(bytes(to.written))), manifest.files


def test_each_kind_has_a_workbook_with_its_rows(scopes: Scopes) -> None:
    made, files = packed(scopes["school"])
    names = set(made.namelist())
    kinds = {name[: -len(".csv")] for name in names if name.startswith("data/") and name.endswith(".csv")}
    assert {f"{each}.xlsx" for each in kinds} == {name for name in names if name.endswith(".xlsx")}
    page = made.read("index.html").decode()
    for each in kinds:
        name = f"{each}.xlsx"
        data = made.read(name)
        assert files[name] == sha256(data).hexdigest()
        assert f'href="{name}"' in page
        (rows,) = sheets(data).values()
        lines = made.read(f"{each}.csv").decode().count("\r\n")
        assert len(rows) >= 2
        if each == "data/students":
            assert len(rows) == lines
        # A spreadsheet reads it, too.
        assert len(CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python())


def test_they_are_there_only_if_wished(scopes: Scopes) -> None:
    made, files = packed(scopes["classroom"], workbooks=False)
    assert not [name for name in (*made.namelist(), *files) if name.endswith(".xlsx")]
    assert ".xlsx" not in made.read("index.html").decode()


@pytest.mark.parametrize("begin", FORMULA)
def test_no_text_is_a_formula(world: World, scopes: Scopes, begin: str) -> None:
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(Student.given_name).where(Student.id == child.id)).one()
        named = update(Student).where(Student.id == child.id)
        tx.execute(named.values(given_name=f"{begin}HYPERLINK('x')"))
    try:
        made, _files = packed(scopes["student"])
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(named.values(given_name=kept))
    data = made.read("data/students.xlsx")
    (rows,) = sheets(data).values()
    held = dict(zip((text for _style, text in rows[0]), rows[1], strict=True))
    # A reader of XML takes every end of a line for the same one.
    assert held["Given name"] == (str(xlsx_files.QUOTED), f"{begin}HYPERLINK('x')".replace("\r", "\n"))
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert b"<f" not in book.read("xl/worksheets/sheet1.xml")


def _students() -> Kind:
    return kind_of(cast("Table", Student.__table__), Scope(Subject.SCHOOL, 0, ""))


def _collected() -> tuple[
    dict[str, bytearray], Callable[[str], AbstractContextManager[Callable[[bytes], None]]]
]:
    found: dict[str, bytearray] = {}

    @contextmanager
    def file(name: str) -> Iterator[Callable[[bytes], None]]:
        found[name] = bytearray()
        yield found[name].extend

    return found, file


def test_what_a_sheet_cannot_hold_is_on_the_next(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(xlsx_files, "MOST_ROWS", 4)
    kind, (found, file) = _students(), _collected()
    with beside(file, kind) as book:
        for some in (5, 3):
            book.write([[None for _field in kind.fields]] * some)
    made = sheets(bytes(found["data/students.xlsx"]))
    assert [len(rows) for rows in made.values()] == [4, 4, 3]
    assert len(set(made)) == 3


def test_an_error_leaves_no_workbook(world: World) -> None:
    found, file = _collected()
    with pytest.raises(RuntimeError), beside(file, _students()):
        raise RuntimeError
    assert not found


@pytest.mark.parametrize(
    ("title", "name"),
    [("Students", "Students"), ("a/b:c*d?e[f]g\\h", "a b c d e f g h"), ("'quoted'", "quoted"), ("''", "1"),
     ("x" * 40, "x" * LETTERS_OF_A_NAME)],
)  # fmt: skip
def test_names_of_sheets(title: str, name: str) -> None:
    assert sheet_name(title) == name
