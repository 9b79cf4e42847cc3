"""Lists of the console beside a bare application, Flask-Admin's `ModelView` and Django's admin, in turns.

One database, one run. Ours reads sealed names under row-level security; bare reads the same rows as the
superuser and opens the seals; the others have the names in plain, with everything that they ask for indexed.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from sys import executable

import psycopg
import pytest
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom, Student
from backoffice.settings import Lists
from tests.bench import grid_apps
from tests.bench.grid_apps import PATIENCE
from tests.bench.kept import EXPORTED, ROWS, Kept, kept
from tests.bench.serving import (
    HERE,
    UNTHROTTLED,
    Fields,
    Hidden,
    Served,
    Visitor,
    admin,
    environment_of,
    seen,
    serving,
    superuser,
)
from tests.bench.table import Line, Table, TooLong, how_busy, in_turns, kept_beside, load, machine
from tests.factories.crowd import (
    FIRST_CLASS,
    FIRST_LARGE_CLASS,
    FIRST_LARGE_STUDENT,
    FIRST_SCHOOL,
    FIRST_STUDENT,
    LARGE_CLASSES,
    LARGE_SCHOOL,
    OF_A_CLASS,
    OF_A_DISTRICT,
    OF_A_SCHOOL,
)
from tests.factories.world import SYSTEM

__all__ = ["kept"]
PAGE, DEEP = 50, 10_000
LISTING, STOCK, DJANGO = "/console/students/", "/students/", "/admin/django_site/student/"
OK, FOUND, SEE_OTHER, FAILED = 200, 302, 303, 500
TO_REACH, TO_REACH_OF_COPY = 3, 5
# Times that a change of many rows and an export are done, and how long somebody waits for work in a queue.
CHANGES, EXPORTS = 3, 2
QUEUED = 120
# As many rows at once as the settings allow at the most.
MOST = next(int(limit.le) for limit in Lists.model_fields["most_leader"].metadata if hasattr(limit, "le"))
MOVED = next(size for size in LARGE_CLASSES if size <= MOST)
LARGE_CLASS = FIRST_LARGE_CLASS + LARGE_CLASSES.index(MOVED)
SETTINGS = {**UNTHROTTLED, "BACKOFFICE_LISTS__MOST_LEADER": str(MOST)}


@dataclass
class Four:
    """The four applications, and who reads ours."""

    kept: Kept
    bare: Served
    ours: Served
    stock: Served
    django: Served

    def reader(self, role: str) -> Visitor:
        """One of the people, at ours."""
        return self.ours(account=self.kept.world.token(role))


@pytest.fixture(scope="module")
def before() -> float:
    """The load at the beginning, before anything is made."""
    return load()


@pytest.fixture(scope="module")
def four(before: float, kept: Kept) -> Iterator[Four]:
    del before
    with ExitStack() as all_four:
        yield Four(
            kept,
            *(
                all_four.enter_context(serving(kept.runtime, kind, settings=SETTINGS))
                for kind in ("bare", "ours", "stock", "django")
            ),
        )


@pytest.fixture(scope="module")
def table(before: float, kept: Kept) -> Iterator[Table]:
    """Filled by the tests of the module, told at its end."""
    made = Table(f"{ROWS:,} students, {ROWS // OF_A_CLASS:,} classes")
    yield made
    made.below.append(f"{machine()}. {how_busy(before)}")
    if kept.fresh:
        made.below.append(f"The crowd was made in this run, in {kept.crowd.seconds:.0f} s.")
    made.below += kept_beside(kept.folder.parent / "results", ROWS, made.medians())
    print(f"\n\n{made.text()}")


def asks(visitor: Visitor, path: str, rows: int, fields: Fields | None = None) -> Callable[[], None]:
    """Asks for a page that shows at least so many rows; raises `TooLong`."""

    def ask() -> None:
        began = time.perf_counter()
        status, body, _ = visitor.ask(path, fields)
        if status >= FAILED:
            raise TooLong(f"over {PATIENCE} s" if time.perf_counter() - began >= PATIENCE else "an error")
        assert (status, body.count("<tr") >= rows) == (OK, True), (path, status, body.count("<tr"))

    return ask


def test_pages(four: Four, table: Table) -> None:
    """The first page, a deep one, one class, a name, by last activity: what each shows is counted."""
    crowd = four.kept.crowd
    last = min(ROWS, OF_A_SCHOOL * OF_A_DISTRICT) // PAGE
    page = min(DEEP, last - 1)
    with transaction(SYSTEM) as tx:
        # The page begins behind the last row of the one before it.
        start = select(Student.public_id).where(Student.id == FIRST_STUDENT + (page - 1) * PAGE - 1)
        after = tx.scalar(start)
    bare, stock, django = four.bare(), four.stock(), admin(four.django)
    district, leader = four.reader("leader"), four.reader("school_leader")
    token = Hidden(leader.ask(LISTING)[1]).fields["csrf_token"]
    districts_token = Hidden(district.ask(LISTING)[1]).fields["csrf_token"]
    school, given = FIRST_SCHOOL, crowd.given
    last_school = FIRST_SCHOOL + min(max(ROWS // OF_A_SCHOOL, 1), OF_A_DISTRICT) - 1
    by_name = f"flt0_school_id_equals={school}&sort=1"
    for title, who, rows, paths, found in (
        ("first page, a district", district, PAGE, ("/", LISTING, STOCK, DJANGO), None),
        (
            f"page {page:,}, a district",
            district,
            PAGE,
            (
                f"/?after={after}",
                f"{LISTING}?after={after}",
                f"{STOCK}?page={page - 1}",
                f"{DJANGO}?p={page}",
            ),
            None,
        ),
        (
            "one class",
            leader,
            OF_A_CLASS,
            (
                f"/?classroom={crowd.classroom}",
                f"{LISTING}?classroom={crowd.classroom}",
                f"{STOCK}?flt0_classroom_id_equals={FIRST_CLASS}",
                f"{DJANGO}?classroom__id__exact={FIRST_CLASS}",
            ),
            None,
        ),
        (
            "a name, in a school of 1,000",
            leader,
            1,
            (
                f"/?q={given}&school={school}",
                f"{LISTING}search",
                f"{STOCK}?search=^{given}&flt0_school_id_equals={school}",
                f"{DJANGO}?q={given}&school_id__exact={school}",
            ),
            {"csrf_token": token, "q": given},
        ),
        (
            "a name, in a district",
            district,
            1,
            (
                f"/?q={given}&schools={school}-{last_school}",
                f"{LISTING}search",
                f"{STOCK}?search=^{given}",
                f"{DJANGO}?q={given}",
            ),
            {"csrf_token": districts_token, "q": given},
        ),
        (
            "by last activity, a district",
            district,
            PAGE,
            ("/?sort=active", f"{LISTING}?sort=-active", f"{STOCK}?sort=4&desc=1", f"{DJANGO}?o=-5"),
            None,
        ),
        (
            "first page, a school of 1,000 by name",
            leader,
            PAGE,
            (
                f"/?school={school}",
                LISTING,
                f"{STOCK}?{by_name}",
                f"{DJANGO}?school_id__exact={school}&o=2.1",
            ),
            None,
        ),
    ):
        visitors = (bare, who, stock, django)
        pages = {
            kind: asks(visitor, path, rows, found if kind == "ours" else None)
            for kind, visitor, path in zip(("bare", "ours", "stock", "django"), visitors, paths, strict=True)
        }
        table.lines.append(Line(title, in_turns(pages), TO_REACH))
    first, deep = (line.median("ours") for line in table.lines[:2])
    assert first
    assert deep
    table.below.append(f"Page {page:,} of ours takes {deep / first:.2f} times the first. To reach: 1.2.")


def left(at: psycopg.Connection) -> int:
    """How many have left the large class, in ours and bare."""
    row = at.execute(
        "select count(*) from app.enrollment"
        " where school_id = %s and classroom_id = %s and ended_at is not null",
        [LARGE_SCHOOL, LARGE_CLASS],
    ).fetchone()
    return int(row[0]) if row else 0


def put_back(at: psycopg.Connection) -> None:
    """As if nobody had left the large class."""
    first = FIRST_LARGE_STUDENT + sum(LARGE_CLASSES[: LARGE_CLASSES.index(MOVED)])
    where = "where school_id = %s and classroom_id = %s"
    here = [LARGE_SCHOOL, LARGE_CLASS]
    at.execute(f"delete from app.roster_change {where}".encode(), here)
    at.execute(f"update app.enrollment set ended_at = null {where} and ended_at is not null".encode(), here)
    at.execute(
        "update plain.student set classroom_id = %s where classroom_id is null and id >= %s and id < %s",
        [LARGE_CLASS, first, first + MOVED],
    )


def test_a_change_of_all_that_fit(four: Four, table: Table) -> None:
    """A whole class leaves: ours after its preview, Django's by "all", Flask-Admin's by each number."""
    with transaction(SYSTEM) as tx:
        room = tx.scalar(select(Classroom.public_id).where(Classroom.id == LARGE_CLASS))
    at = superuser(four.kept.runtime)
    bare, stock, django, mover = four.bare(), four.stock(), admin(four.django), four.reader("mover")
    ids = [
        str(row[0])
        for row in at.execute("select id from plain.student where classroom_id = %s", [LARGE_CLASS])
    ]
    here = f"{LISTING}?classroom={room}"
    previews: list[float] = []

    def ours() -> None:
        began = time.perf_counter()
        token = {"csrf_token": Hidden(mover.ask(here)[1]).fields["csrf_token"]}
        page = mover.ask(here, {**token, "action": "unenroll", "whole": "yes"})[1]
        previews.append((time.perf_counter() - began) * 1000)
        status, body, _there = mover.ask(here, {**Hidden(page).fields, "confirm": "yes", "typed": str(MOVED)})
        assert status == SEE_OTHER, body[:2000]
        # A change of very many may go on in a queue.
        end = time.perf_counter() + QUEUED
        while left(at) < MOVED:
            if time.perf_counter() > end:
                raise TooLong(f"not done after {QUEUED} s")
            time.sleep(0.02)

    def floor() -> None:
        assert f"<p>{MOVED}</p>" in bare.ask(f"/leave?classroom={room}")[1]

    def flask_admin() -> None:
        status, body, _there = stock.ask(f"{STOCK}action/", {"action": "leave", "rowid": ids})
        judged(status, FOUND, body)

    def djangos() -> None:
        path = f"{DJANGO}?classroom__id__exact={LARGE_CLASS}"
        token = {"csrfmiddlewaretoken": Hidden(django.ask(path)[1]).fields["csrfmiddlewaretoken"]}
        fields = {"action": "leave", "select_across": "1", "index": "0", "_selected_action": ids[0]}
        status, body, _there = django.ask(path, {**token, **fields})
        judged(status, FOUND, body)

    def from_whole(change: Callable[[], None]) -> float:
        put_back(at)
        began = time.perf_counter()
        change()
        return (time.perf_counter() - began) * 1000

    worker = Popen(
        [str(Path(executable).parent / "backoffice"), "worker"],
        env=environment_of(four.kept.runtime, SETTINGS),
        cwd=HERE,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        taken: dict[str, list[float] | str] = {}
        changes = {"bare": floor, "ours": ours, "stock": flask_admin, "django": djangos}
        for turn in range(CHANGES + 1):
            for kind, change in changes.items():
                found = taken.setdefault(kind, [])
                if isinstance(found, str):
                    continue
                try:
                    took = from_whole(change)
                except (TooLong, TimeoutError) as failed:
                    taken[kind] = str(failed)
                else:
                    # The first time is to warm up.
                    found += [took] if turn else []
    finally:
        worker.terminate()
        worker.wait(30)
        put_back(at)
        at.close()
    table.lines.append(Line(f"a change of {MOVED:,} rows, all that fit", taken))
    table.below.append(
        f"Ours asks first: the list and its preview are {sorted(previews)[len(previews) // 2]:.0f} ms of the"
        ' change. Flask-Admin has no "all that fit": it was sent each number.'
    )


def judged(status: int, wanted: int, body: str) -> None:
    """Raise unless it was done."""
    if status >= FAILED:
        raise TooLong("an error")
    assert status == wanted, body[:2000]


def test_exports(kept: Kept, table: Table) -> None:
    """The same rows as CSV, and the server's memory after a tenth of them and after all."""
    small = max(EXPORTED // OF_A_SCHOOL // 10, 1) * OF_A_SCHOOL
    whole = max(EXPORTED // OF_A_SCHOOL, 1) * OF_A_SCHOOL
    taken: dict[str, list[float] | str] = {}
    memory: dict[str, list[float]] = {}
    firsts: dict[str, float] = {}
    copied = []
    for turn in range(EXPORTS + 1):
        copied.append(copy_of(kept, whole))
        for kind in ("bare", "ours", "stock", "django"):
            if isinstance(taken.setdefault(kind, []), str):
                continue
            with serving(kept.runtime, kind, settings=SETTINGS) as served:
                seen_once(kept, served, kind)
                memory[kind] = [served.memory()]
                took = 0.0
                try:
                    for rows in (small, whole) if turn == EXPORTS else (whole,):
                        took, firsts[kind] = exported(kept, served, kind, rows)
                        memory[kind].append(served.memory("VmHWM"))
                except (TooLong, TimeoutError) as failed:
                    taken[kind] = str(failed) or "too long"
                    continue
            found = taken[kind]
            assert isinstance(found, list)
            found += [took] if turn else []
    table.lines.append(Line(f"{whole:,} rows as CSV", taken, TO_REACH))
    ours, copy = taken["ours"], statistics.median(copied)
    if not isinstance(ours, str):
        table.below.append(
            f"A bare COPY of these rows, sealed as they are, takes {copy:.0f} ms,"
            f" and ours {statistics.median(ours) / copy:.1f} times as long. To reach: {TO_REACH_OF_COPY}."
        )
    for kind, found in memory.items():
        table.below.append(
            f"Export, {kind}: first line after {firsts.get(kind, 0) * 1000:.0f} ms; MiB at first, and at most"
            f" with {small:,} and with {whole:,} rows: {', '.join(f'{each:.0f}' for each in found)}."
        )


def copy_of(kept: Kept, rows: int) -> float:
    """Milliseconds that the database takes to hand so many rows over in its own way, opening none."""
    schools = {"first": FIRST_SCHOOL, "last": FIRST_SCHOOL + rows // OF_A_SCHOOL - 1}
    began = time.perf_counter()
    with superuser(kept.runtime) as connection, connection.cursor() as cursor:
        with cursor.copy(f"copy ({grid_apps.EXPORTED % schools}) to stdout".encode()) as copy:
            for _some in copy:
                pass
        assert cursor.rowcount == rows
    return (time.perf_counter() - began) * 1000


def seen_once(kept: Kept, served: Served, kind: str) -> None:
    """A page, so that what is loaded with the first request is there."""
    if kind == "ours":
        seen(served(account=kept.world.token("exporter")), LISTING, PAGE)
    elif kind != "django":
        seen(served(), {"bare": "/", "stock": STOCK}[kind], PAGE)


def exported(kept: Kept, served: Served, kind: str, rows: int) -> tuple[float, float]:
    """Milliseconds, and seconds until the first line, of a file of so many rows."""
    end = FIRST_STUDENT + rows
    fields: dict[str, str] | None = None
    if kind == "ours":
        role = "exporter" if rows == max(EXPORTED // OF_A_SCHOOL, 1) * OF_A_SCHOOL else "small_exporter"
        visitor, path = served(account=kept.world.token(role)), f"{LISTING}export.csv"
    elif kind == "bare":
        last = FIRST_SCHOOL + rows // OF_A_SCHOOL - 1
        visitor, path = served(), f"/export?first={FIRST_SCHOOL}&last={last}"
    elif kind == "stock":
        narrowed = f"flt0_id_greater_than={FIRST_STUDENT - 1}&flt1_id_smaller_than={end}"
        visitor, path = served(), f"{STOCK}export/csv/?{narrowed}"
    else:
        visitor = admin(served)
        path = f"{DJANGO}?id__gte={FIRST_STUDENT}&id__lt={end}"
        token = Hidden(visitor.ask(path)[1]).fields["csrfmiddlewaretoken"]
        fields = {
            "csrfmiddlewaretoken": token,
            "action": "export",
            "select_across": "1",
            "index": "0",
            "_selected_action": str(FIRST_STUDENT),
        }
    began = time.perf_counter()
    status, lines, first = visitor.fetch(path, fields)
    took = (time.perf_counter() - began) * 1000
    if status >= FAILED:
        raise TooLong("an error")
    # With the titles of the columns, where there are some.
    assert (status, lines - rows in {0, 1}) == (OK, True), (kind, status, lines)
    return took, first
