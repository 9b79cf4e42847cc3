"""The table of OWASP's requirements names tests that there are, and quotes settings as they are."""

import ast
import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from backoffice.settings import Sessions, Throttles

CHECKOUT = Path(__file__).resolve().parents[2]
TEXT = (CHECKOUT / "docs" / "asvs.md").read_text("utf-8")
STANDINGS = {"met", "in part", "not met", "not applicable"}
CHAPTERS = ("V6.", "V7.", "V8.")
# OWASP's list as it was read for this project; it lies beside the checkout, where it lies at all.
LIST = CHECKOUT.parent / "shared" / "research" / "asvs-5.0.csv"


@dataclass(frozen=True)
class Requirement:
    """A row of the table."""

    id: str
    level: str
    standing: str
    how: str
    tests: list[str]


def rows() -> list[Requirement]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TEXT.splitlines()
        if re.match(r"\| \d+\.\d+\.\d+ \|", line)
    ]
    return [
        Requirement(number, level, standing, how, re.findall(r"`(tests/[^`]+)`", tests))
        for number, level, standing, how, tests in cells
    ]


@cache
def named_in(path: str) -> frozenset[str]:
    tree = ast.parse((CHECKOUT / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_row_says_how_it_stands_and_by_what_it_is_shown() -> None:
    assert len(rows()) > 50
    assert len({row.id for row in rows()}) == len(rows())
    for row in rows():
        assert row.standing in STANDINGS, row.id
        assert row.level in {"1", "2"}, row.id
        assert row.how, row.id
        shown = bool(row.tests) or "read `" in row.how or "written down" in row.how
        assert shown or row.standing.startswith("not"), f"{row.id} is {row.standing}, but nothing shows it"
        if row.standing == "not applicable":
            assert not row.tests, row.id


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_the_tests_that_it_names_are_there(row: Requirement) -> None:
    for named in row.tests:
        path, _, test = named.partition("::")
        assert (CHECKOUT / path).is_file(), named
        assert test in named_in(path), named


def test_every_requirement_of_the_chapters_has_a_row() -> None:
    if not LIST.is_file():
        pytest.skip("OWASP's list does not lie beside this checkout.")
    with LIST.open(encoding="utf-8", newline="") as file:
        wanted = {
            (row["req_id"].removeprefix("V"), row["level"])
            for row in csv.DictReader(file)
            if row["req_id"].startswith(CHAPTERS) and row["level"] in {"1", "2"}
        }
    assert len(wanted) > 50
    assert wanted - {(row.id, row.level) for row in rows()} == set()


def test_settings_are_quoted_as_they_are() -> None:
    quoted = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE))
    assert len(quoted) > 10
    for name, allowance in quoted.items():
        assert getattr(Throttles(), name.lower()) == allowance, name
    tried = ("password", "code", "pin", "letter", "sign_up")
    guessed = {name for name in Throttles.model_fields if name.startswith(tried)}
    assert {name.lower() for name in quoted} == guessed
    spans = dict(re.findall(r"(\d+) minutes \(`([A-Z_]+)`\)", TEXT))
    assert {name.lower(): int(minutes) for minutes, name in spans.items()} == Sessions().model_dump()
