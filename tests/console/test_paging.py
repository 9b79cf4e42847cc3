"""Paging by key and by name: whole, without repeats, both ways, whatever the cursor."""

import gc
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from sqlalchemy import Select, delete, func, select, update

from backoffice import clock
from backoffice.access.transaction import Transaction, transaction
from backoffice.console import paging
from backoffice.console.paging import PAGE_SIZE, Page, page_by_key, page_by_name
from backoffice.schools import names
from backoffice.schools.models import Enrollment, Student
from tests.factories.world import SYSTEM, World, add_child

Turn = Callable[..., Page]


def by_key(tx: Transaction, statement: Select[Any], **cursors: Any) -> Page:
    return page_by_key(tx, statement, **{"before": None, "after": None, **cursors})


def by_name(tx: Transaction, statement: Select[Any], **cursors: Any) -> Page:
    def name(student: Student) -> tuple[str, str]:
        return names.sort_key(student.given_name, student.family_name)

    return page_by_name(tx, statement, sort_key=name, **{"before": None, "after": None, **cursors})


def by_day(tx: Transaction, statement: Select[Any], **cursors: Any) -> Page:
    return by_key(tx, statement, by=Student.active_on, descending=True, **cursors)


@pytest.fixture(scope="module", params=[0, 1, 50, 51, 130])
def rows(request: pytest.FixtureRequest, world: World) -> int:
    """So many students in the foreign class, and in no other class of its school."""
    with transaction(SYSTEM) as tx:
        own = Enrollment.school_id == world.outside.id
        tx.execute(delete(Enrollment).where(own))
        tx.execute(delete(Student).where(Student.school_id == world.outside.id))
        for number in range(request.param):
            child = add_child(tx, world.foreign_class, f"Child{number * 7 % 131:03d}", f"Name{number:03d}")
            day = date(2026, 3, 1) + timedelta(days=number * 7 % 131 // 3)
            tx.execute(update(Student).where(Student.id == child.id).values(active_on=day))
    return int(request.param)


def students(world: World) -> Select[Student]:
    return select(Student).where(Student.school_id == world.outside.id)


def test_a_pages_statement_is_kept_as_long_as_its_lists(world: World) -> None:
    """Put together once for a list that is kept, and gone with one that was of a single page."""
    before, kept = len(paging._PAGES), students(world)
    with transaction(SYSTEM) as tx:
        for _ in range(3):
            by_key(tx, kept)
            by_day(tx, kept)
            by_day(tx, kept, after="2" * 16)
            by_key(tx, students(world))
        assert len(paging._PAGES[kept]) == 3
        tx.expunge_all()
    gc.collect()
    assert len(paging._PAGES) == before + 1
    kept = students(world)
    gc.collect()
    assert len(paging._PAGES) == before


@pytest.mark.parametrize("turn", [by_key, by_name, by_day])
def test_forward_and_back_show_every_row_once(world: World, rows: int, turn: Turn) -> None:
    with transaction(SYSTEM) as tx:
        forward: list[list[str]] = []
        page = turn(tx, students(world))
        forward.append([row.public_id for row in page.rows])
        while page.after:
            page = turn(tx, students(world), after=page.after)
            forward.append([row.public_id for row in page.rows])
        backward = [forward[-1]]
        while page.before:
            page = turn(tx, students(world), before=page.before)
            backward.append([row.public_id for row in page.rows])
    shown = [row for each in forward for row in each]
    assert (len(shown), len(set(shown)), len(forward)) == (rows, rows, max(1, -(-rows // 50)))
    assert backward[::-1] == forward


def test_names_are_in_order(world: World, rows: int) -> None:
    with transaction(SYSTEM) as tx:
        shown = [row.family_name for row in by_name(tx, students(world)).rows]
    assert shown == sorted(shown)


@pytest.mark.parametrize("turn", [by_key, by_name])
@pytest.mark.parametrize("cursor", ["before", "after"])
def test_a_cursor_of_nobody_here_is_the_first_page(world: World, rows: int, turn: Turn, cursor: str) -> None:
    foreign = world.own_class.children[0].public_id
    with transaction(SYSTEM) as tx:
        first = turn(tx, students(world))
        for lost in (foreign, "2" * 16):
            page = turn(tx, students(world), **{cursor: lost})
            assert [row.id for row in page.rows] == [row.id for row in first.rows]


def test_beyond_what_can_be_sorted_the_key_decides(
    world: World, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SORTABLE", 10)
    with transaction(SYSTEM) as tx:
        page = by_name(tx, students(world))
        shown = [row.id for row in page.rows]
        keys = [row.id for row in by_key(tx, students(world)).rows]
    # What fits on one page needs no counting.
    assert page.count == (None if rows > PAGE_SIZE else rows)
    assert shown == keys or rows <= 10


@pytest.mark.parametrize("turn", [by_key, by_name])
def test_before_the_first_row_is_the_first_page(world: World, rows: int, turn: Turn) -> None:
    with transaction(SYSTEM) as tx:
        first = turn(tx, students(world))
        if first.rows:
            page = turn(tx, students(world), before=first.rows[0].public_id)
            assert (page.rows, page.before, page.after) == (first.rows, first.before, first.after)


@pytest.mark.parametrize("turn", [by_key, by_name, by_day])
def test_after_the_last_row_is_the_last_page(world: World, rows: int, turn: Turn) -> None:
    """As for whoever goes on to a page whose rows have gone since."""
    with transaction(SYSTEM) as tx:
        page = turn(tx, students(world))
        shown = list(page.rows)
        while page.after:
            page = turn(tx, students(world), after=page.after)
            shown += page.rows
        if not shown:
            return
        last = turn(tx, students(world), after=shown[-1].public_id)
        assert [row.id for row in last.rows] == [row.id for row in shown[-PAGE_SIZE:]]
        assert (last.after, bool(last.before)) == (None, rows > PAGE_SIZE)
        if last.before:
            before = turn(tx, students(world), before=last.before)
            assert shown[-PAGE_SIZE - 1].id in [row.id for row in before.rows]


def test_large_lists_alone_come_by_an_index(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be gathered and sorted for each page of them; small ones are quicker so."""
    monkeypatch.setattr(paging, "LARGE", paging.LargeLists())
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    child = world.own_class.children[0].public_id

    def sorts(**asked: Any) -> str | None:
        with transaction(SYSTEM) as tx:
            by_key(tx, select(Student), **asked)
            return tx.scalar(select(func.current_setting("enable_sort")))

    pages: list[dict[str, Any]] = [
        *({"after": child}, {"after": "2" * 16}, {"narrowed": True}, {"by": Student.active_on}),
        {},
    ]
    assert [sorts(name="a", **page) for page in pages] == ["on"] * 5
    monkeypatch.setattr(paging, "SORTABLE", 1)
    assert [sorts(name="a", **page) for page in pages] == ["off", "off", "off", "off", "on"]
    monkeypatch.setattr(paging, "LARGE", paging.LargeLists())
    assert sorts(name="a", by=Student.active_on) == "off", "found out before the page is read"
    assert sorts(after=child) == "on", "what a search finds is another list each time"


def test_what_is_planned_once_is_read_as_it_was_planned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the list is not known as large any more since its page was begun."""
    monkeypatch.setattr(paging, "LARGE", paging.LargeLists())
    child = world.own_class.children[0].public_id
    for asked in ({"after": child}, {"after": "2" * 16}, {"by": Student.active_on}, {}):
        with transaction(SYSTEM) as tx:
            by_key(tx, select(Student), name="a", by_index=True, **asked)
            assert tx.scalar(select(func.current_setting("enable_sort"))) == "off"
    comes = partial(paging.comes_by_index, school_by_school=False)
    assert comes("a", child, None) is False
    assert comes("a", None, None, school_by_school=True) is False
    paging.LARGE.add("a")
    assert comes("a", None, None) is False
    assert comes("a", None, None, school_by_school=True)
    assert comes("a", child, None)
    assert comes("a", None, Student.active_on)
    assert comes(None, child, None, school_by_school=True) is False


def test_a_large_list_is_counted_once_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LARGE", paging.LargeLists())
    monkeypatch.setattr(paging, "SORTABLE", 1)
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    asked: list[int] = []
    monkeypatch.setattr(paging, "count_up_to", lambda *_more: asked.append(1))

    def look(name: str | None) -> None:
        with transaction(SYSTEM) as tx:
            found = page_by_name(
                tx, select(Student), sort_key=lambda row: row.id, before=None, after=None, name=name
            )
        assert found.count is None

    with time_machine.travel(clock.now(), tick=False) as traveller:
        for name in ("mine", "mine", "yours", None, None):
            look(name)
        assert len(asked) == 2, "nameless lists are counted each time; the others were known to be large"
        traveller.shift(61)
        assert "mine" not in paging.LARGE


def test_no_more_lists_are_noted_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_NOTED", 3)
    noted = paging.LargeLists()
    for name in "abcd":
        noted.add(name)
    assert ["d" in noted, "a" in noted] == [True, False]
