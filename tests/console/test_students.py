"""A student in the console: the way through a class, correcting one name after the other, many classes."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from backoffice.access.transaction import transaction
from backoffice.console.grids.filters import MOST_CHOICES
from backoffice.schools.models import Classroom, Door, Enrollment, Student, TeachingRole
from backoffice.schools.services import archiving, classrooms
from backoffice.schools.services.rosters import add_students
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, Child, Class, World, add_child, add_classroom


@pytest.fixture(scope="module")
def line(world: World) -> list[Child]:
    """The students of a class in the order of its list."""
    with transaction(SYSTEM) as tx:
        first = add_child(tx, world.colleague_class, "Zelda", "Aardvark")
        last = add_child(tx, world.colleague_class, "Adam", "Zylstra")
    return [first, *world.colleague_class.children[:2], last]


@pytest.fixture
def colleague(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "colleague")


def within(classroom: Class, child: Child, below: str = "") -> str:
    return f"/console/students/{child.public_id}{below}?classroom={classroom.public_id}"


def turns(page: str) -> dict[str, str]:
    """Where the page's links to the student before and after lead."""
    return dict(re.findall(r'rel="(prev|next)" href="([^"]+)"', page))


def test_one_goes_from_student_to_student_of_a_class(
    colleague: FlaskClient, world: World, line: list[Child]
) -> None:
    room = world.colleague_class
    address, met = within(room, line[0]), []
    while address:
        page = colleague.get(address).text
        met.append(address)
        assert f"{len(met)} of {len(line)} in {room.name}." in page
        assert turns(page).get("prev") == (met[-2] if len(met) > 1 else None)
        address = turns(page).get("next", "")
    assert met == [within(room, child) for child in line]


@pytest.mark.parametrize("where", ["", "?classroom=", "?classroom=zzz", "?classroom={foreign}"])
def test_without_a_class_of_theirs_it_is_the_students_own(
    colleague: FlaskClient, world: World, line: list[Child], where: str
) -> None:
    query = where.format(foreign=world.foreign_class.public_id)
    page = colleague.get(f"/console/students/{line[1].public_id}{query}").text
    assert turns(page)["next"] == within(world.colleague_class, line[2])
    assert world.foreign_class.public_id not in page


@pytest.mark.parametrize("below", ["", "/edit"])
def test_the_way_up_leads_to_the_class(
    colleague: FlaskClient, world: World, line: list[Child], below: str
) -> None:
    page = colleague.get(within(world.colleague_class, line[0], below)).text
    crumbs = page.partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]
    up = ["/console/classrooms/", f"/console/classrooms/{world.colleague_class.public_id}"]
    own = [within(world.colleague_class, line[0])] if below else []
    assert re.findall(r'href="([^"]+)"', crumbs) == up + own


def test_names_are_corrected_one_after_the_other(
    colleague: FlaskClient, world: World, line: list[Child]
) -> None:
    """Who is next is decided by the old name: a corrected one may stand elsewhere in the list."""
    room, child = world.colleague_class, line[0]
    fields = {"given_name": "Zelda", "family_name": "Zzz", "onwards": "yes"}
    answer = send(colleague, within(room, child, "/edit"), fields)
    assert answer.location == within(room, line[1], "/edit")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Student.family_name).where(Student.id == child.id)) == "Zzz"
    back = send(colleague, within(room, child, "/edit"), {**fields, "family_name": "Aardvark"})
    assert back.location == within(room, child), "Nobody is after the last."


def test_a_name_that_is_refused_stays_where_it_is(
    colleague: FlaskClient, world: World, line: list[Child]
) -> None:
    fields = {"given_name": "", "onwards": "yes"}
    assert send(colleague, within(world.colleague_class, line[0], "/edit"), fields).status_code == 422


# -- the classes before


def earlier(page: str) -> list[tuple[str, str]]:
    """The earlier classes of a student's page and until when, in their order."""
    listed = page.partition(">Earlier classes<")[2].partition("</ul>")[0]
    return re.findall(
        r'href="/console/classrooms/\w+">([^<]+)</a>.*?until <time datetime="(\d+-\d+-\d+)', listed
    )


def test_the_page_says_which_classes_came_before(app: Flask, world: World) -> None:
    """Left, or archived with the child in it; of a colleague's class the owner of another sees nothing."""
    child, own, colleagues = world.own_class.children[1], world.own_class, world.colleague_class
    joined, left, ended = (datetime(2026, month, 5, 12, tzinfo=UTC) for month in (1, 2, 3))
    with transaction(SYSTEM) as tx:
        old = add_classroom(tx, world.home, "Old Owls")[0]
        seat = {"school_id": world.home.id, "student_id": child.id, "avatar": "fox", "joined_at": joined}
        tx.execute(
            insert(Enrollment),
            [
                {**seat, "classroom_id": old, "balance": 7, "ended_at": None},
                {**seat, "classroom_id": colleagues.id, "balance": 1, "ended_at": left},
            ],
        )
        owner = {"account_id": world.people["teacher"].id, "role": "owner"}
        tx.execute(insert(TeachingRole).values(school_id=world.home.id, classroom_id=old, **owner))
        tx.execute(update(Classroom).where(Classroom.id == old).values(archived_at=ended, door=Door.CLOSED))
    address = within(own, child)
    seen = signed_in(app, world, "teacher").get(address).text
    assert earlier(seen) == [("Old Owls", "2026-03-05")]
    assert ("7 points" in seen, colleagues.name in seen) == (True, False)
    now = seen.partition(">Classes<")[2].partition(">Earlier classes<")[0]
    assert (own.name in now, "Old Owls" in now) == (True, False)
    assert earlier(signed_in(app, world, "leader").get(address).text) == [
        ("Old Owls", "2026-03-05"),
        (colleagues.name, "2026-02-05"),
    ]
    # The list names the classes of now, and counts their points.
    listed = signed_in(app, world, "teacher").get(f"/console/students/?classroom={own.public_id}").text
    row = listed.partition(f"/console/students/{child.public_id}?")[2].partition("</tr>")[0]
    assert (own.name in row, "Old Owls" in row) == (True, False), row
    # Who co-teaches the class of now was in neither.
    assert "Earlier classes" not in signed_in(app, world, "co_teacher").get(address).text


# -- more classes than a choice can hold


def test_few_classes_are_a_choice(app: Flask, world: World) -> None:
    page = signed_in(app, world, "leader").get("/console/students/").text
    assert all(
        f'<option value="{room.public_id}"' in page for room in (world.own_class, world.elsewhere_class)
    )
    assert "data-picker" not in page


@pytest.fixture
def many(world: World) -> list[str]:
    """As many classes more as a choice would show, in the leader's schools."""
    with transaction(SYSTEM) as tx:
        return [add_classroom(tx, world.elsewhere, f"Many {number:03}")[1] for number in range(MOST_CHOICES)]


def test_of_many_classes_each_is_found_by_its_name_and_narrows_the_list(
    app: Flask, world: World, many: list[str]
) -> None:
    leader = signed_in(app, world, "leader")
    page = leader.get("/console/students/").text
    assert ('data-picker="class"' in page, [each for each in many if each in page]) == (True, [])
    looking = {"find": "classroom", "find-classroom": "many 199"}
    found = send(leader, "/console/students/narrow", looking, page="/console/students/").text
    assert [each for each in many if each in found] == [many[199]]
    own = leader.get(f"/console/students/?classroom={world.own_class.public_id}").text
    assert (world.own_class.children[0].given in own, "Ottoline" in own) == (True, False)
    assert f"Class: {world.own_class.name}" in own.partition('class="filter-chips"')[2].partition("</ul>")[0]


def test_of_a_student_of_archived_classes_nothing_is_offered_that_is_refused(
    app: Flask, world: World
) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = f"/console/students/{child.public_id}"
    offered = [f"{page}/edit", f"{page}/merge", f"/console/families/invite/{child.public_id}"]
    owner, room = world.sign_in("teacher"), world.own_class.public_id
    there = teacher.get(page).text
    assert [each for each in offered if each in there] == offered
    archiving.archive_classroom(principal=owner, classroom=room)
    there = teacher.get(page).text
    assert child.given in there
    assert [each for each in offered if each in there] == []
    assert "Nobody follows" not in there
    assert [teacher.get(each).status_code for each in offered] == [404] * 3
    archiving.restore_classroom(principal=owner, classroom=room)


def test_the_list_of_a_class_offers_what_that_class_allows(app: Flask, world: World) -> None:
    """Who owns another class of the same child may take out there, and not where they help."""
    own = classrooms.create_classroom(
        principal=world.sign_in("helper"), school=world.home.public_id, name="Their own"
    )
    helper = signed_in(app, world, "helper")

    def offered(classroom: str) -> bool:
        return 'value="unenroll"' in helper.get(f"/console/students/?classroom={classroom}").text

    add_students(principal=world.sign_in("helper"), classroom=own, text="Ola Owned")
    assert (offered(own), offered(world.own_class.public_id)) == (True, False)
