"""Whether every field of data is classified, and identifiers outside the database mean nothing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import String, column, func, select, table

from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, metadatas, runtime, some
from backoffice.jobs import registry
from backoffice.privacy import inventory
from backoffice.privacy.erased_by import ErasedBy
from backoffice.privacy.retention import kinds
from backoffice.schools.models import Student
from backoffice.storage import catalog, public_id
from backoffice.web.converters import CONVERTERS, CodeConverter

SAMPLE = 200
# A shorter name is found in random letters by chance alone, a whole identifier never.
TELLING_LETTERS = 6
LOG_TAIL = 256 * 1024
LOG_FILES = 20
A_ROW_NUMBER = "1048576"


@dataclass(frozen=True)
class SampledStudent:
    """A student of the sample."""

    public_id: str
    names: tuple[str, ...]


def privacy_by_design(look: Looking) -> Finding:
    """Every mapped column has purpose, class, retention and an end, and every live column is mapped."""
    tables = metadatas(look)
    without = inventory.unclassified(tables)
    if without:
        return falls_short(f"Not classified: {some(without)}.")
    endless = ErasedBy(registry.by_age(), runtime(look).plugins).without_end(tables)
    if endless:
        return falls_short(f"Nothing erases: {some(endless)}.")
    ageless = kinds.uncovered(tables, kinds.installed().values())
    if ageless:
        return falls_short(f"To go by age, and of no kind of data: {some(ageless)}.")
    known = {inventory.name(each) for each in inventory.mapped(tables)}
    live = [f"{each.table}.{each.name}" for each in catalog.columns(look.tx.connection())]
    unknown = [each for each in live if each not in known]
    if unknown:
        return falls_short(f"In the database and not in the inventory: {some(unknown)}.")
    return holds(f"{count(len(live), 'column')} in the database, each with purpose, class and end.")


def anonymised_identifiers(look: Looking) -> Finding:
    """Identifiers in tables, links and logs are random, and no sampled one shows a name."""
    telling = telling_routes(look.app)
    if telling:
        return falls_short(f"Addresses with an identifier that is not opaque: {some(telling)}.")
    total, wrong = _public_ids(look)
    if wrong:
        return falls_short(f"Identifiers that are not random letters: {some(wrong)}.")
    roster = _roster(look)
    if not roster:
        return not_exercised(f"{count(total, 'identifier')} opaque; there is no student yet.")
    named = sum(1 for student in roster if _shows_a_name(student))
    if named:
        return falls_short(f"{count(named, 'identifier')} of {len(roster)} sampled show a name.")
    lines, quoting = _logs_that_name(look.settings.log_dir, roster)
    if quoting:
        return falls_short(f"{count(quoting, 'log line')} of {lines:,} sampled name a student.")
    logs = f" and {count(lines, 'log line')}" if lines else ""
    return holds(
        f"{count(total, 'identifier')} of random letters; {count(len(roster), 'student')}{logs}"
        " sampled, none shows a name."
    )


def telling_routes(app: Flask) -> list[str]:
    """Addresses whose variables are not opaque identifiers or codes; a static file's name is none."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.rpartition(".")[2] != "static"
        for converter in rule._converters.values()  # noqa: SLF001 - Werkzeug tells it nowhere else
        if not isinstance(converter, tuple(CONVERTERS.values()))
        or (not isinstance(converter, CodeConverter) and re.fullmatch(converter.regex, A_ROW_NUMBER))
    )


def _public_ids(look: Looking) -> tuple[int, list[str]]:
    total, wrong = 0, []
    for each in catalog.columns(look.tx.connection()):
        if each.name != "public_id":
            continue
        schema, _, name = each.table.partition(".")
        held = column("public_id", String)
        opaque = held.regexp_match(f"^{public_id.PATTERN}$")
        rows, good = look.tx.execute(
            select(func.count(), func.count().filter(opaque)).select_from(table(name, held, schema=schema))
        ).one()
        total += rows
        if good != rows:
            wrong.append(f"{rows - good:,} in {each.table}")
    return total, wrong


def _roster(look: Looking) -> list[SampledStudent]:
    rows = look.tx.execute(
        select(Student.public_id, Student.given_name, Student.family_name)
        .order_by(Student.id.desc())
        .limit(SAMPLE)
    )
    return [
        SampledStudent(row.public_id, tuple(name for name in (row.given_name, row.family_name) if name))
        for row in rows
    ]


def _shows_a_name(student: SampledStudent) -> bool:
    shown = student.public_id.casefold()
    names = [*student.names, "".join(student.names)]
    return any(
        _letters(name) == shown or (len(_letters(name)) >= TELLING_LETTERS and _letters(name) in shown)
        for name in names
    )


def _letters(name: str) -> str:
    return "".join(symbol for symbol in name.casefold() if symbol.isalnum())


def _logs_that_name(folder: Path | None, roster: Sequence[SampledStudent]) -> tuple[int, int]:
    # Whole names only: a given name such as Grace or Will is an ordinary word too.
    whole = {" ".join(student.names).casefold() for student in roster if len(student.names) > 1}
    lines = [line.casefold() for line in _tails(folder)]
    return len(lines), sum(1 for line in lines if any(name in line for name in whole))


def _tails(folder: Path | None) -> Iterator[str]:
    if folder is None or not folder.is_dir():
        return
    files = [file for file in folder.iterdir() if file.is_file()]
    for file in sorted(files, key=lambda each: each.stat().st_mtime, reverse=True)[:LOG_FILES]:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - LOG_TAIL))
            yield from opened.read().decode("utf-8", errors="replace").splitlines()


CHECKS = (
    Check("privacy-by-design", privacy_by_design),
    Check("anonymised-identifiers", anonymised_identifiers),
)
