"""The pages on which a teacher erases: what they say at each step, and to whom."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.console import grid
from backoffice.privacy.erasure import asking
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import Erasure
from backoffice.runtime import Runtime
from backoffice.schools.models import School, Student
from backoffice.settings import Lists
from backoffice.web import identity
from tests.contract.snapshot import snapshots
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World, add_child

HERE = "/console/erasures/"
TILE = re.compile(
    r'<h2><a [^>]*href="/console/erasures/"[^>]*>Deletions</a></h2>\s*<p class="tile-value">(\d+)</p>'
    r"\s*<p[^>]*>([^<]*)</p>"
)
WHO = Purpose("test-erasures")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture(autouse=True)
def _as_it_was(runtime: Runtime, world: World) -> Iterator[None]:
    del world
    with snapshots(runtime) as taken:
        taken.keep()
        yield
        taken.settle()


def number(address: str) -> int:
    with transaction(SYSTEM) as tx:
        found = tx.scalar(select(Erasure.id).where(Erasure.public_id == address.rpartition("/")[2]))
    assert found is not None
    return found


def test_a_teacher_deletes_a_student_step_by_step(app: Flask, world: World, eraser: Eraser) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    own = teacher.get(f"/console/students/{child.public_id}").text
    way = f"/console/students/{child.public_id}/erase"
    assert way in own
    first = teacher.get(way).text
    assert "for good" in first
    along = f"/console/classrooms/points/report/{child.public_id}"
    assert along in first
    assert teacher.get(along).mimetype == "application/pdf"
    begun = send(teacher, way, {})
    assert begun.status_code == 303
    page = begun.location
    assert "data-under-way" in teacher.get(page).text
    assert asking.look(eraser, number=number(page))
    seen = teacher.get(page).text
    for said in ("Delete Wilhelmina Quartermaine", "Points", "Links to parents", world.own_class.name):
        assert said in seen
    assert "data-under-way" not in seen
    wrong = send(teacher, f"{page}/confirm", {"typed": "Bartholomew"}, page=page)
    assert wrong.status_code == 422
    assert "not what it is called" in wrong.text
    done = send(teacher, f"{page}/confirm", {"typed": "Wilhelmina Quartermaine"}, page=page)
    assert (done.status_code, done.location) == (303, page)
    assert "Delete for good" not in teacher.get(page).text
    eraser.carry_out(number(page))
    over = teacher.get(page).text
    assert "nothing of it is left" in over
    assert "Wilhelmina" not in over
    assert "/receipts/" in over
    assert teacher.get(f"/console/students/{child.public_id}").status_code == 404


def tile(client: FlaskClient) -> tuple[int, str]:
    """The number of deletions on the first page, and what is said of them; 0 where the tile is not there."""
    page = client.get("/console/").text
    found = TILE.search(page)
    assert (found is not None) is (f'href="{HERE}"' in page.partition("<main")[2])
    return (int(found[1]), found[2]) if found else (0, "")


def test_the_first_page_says_what_waits_and_what_is_under_way(
    app: Flask, world: World, eraser: Eraser
) -> None:
    child = world.own_class.children[1]
    teacher, leader, colleague = (signed_in(app, world, each) for each in ("teacher", "leader", "colleague"))
    mine, theirs, others = (tile(each) for each in (teacher, leader, colleague))
    page = send(teacher, f"/console/students/{child.public_id}/erase", {}).location
    assert tile(teacher) == (mine[0] + 1, said(mine[0], "to confirm", "1 under way"))
    asking.look(eraser, number=number(page))
    assert tile(teacher) == (mine[0] + 1, f"{mine[0] + 1} to confirm")
    # What nobody has confirmed is nobody else's to wait for.
    assert tile(leader) == theirs
    typed = f"{child.given} {child.family or ''}".strip()
    assert send(teacher, f"{page}/confirm", {"typed": typed}, page=page).status_code == 303
    assert tile(teacher) == (mine[0] + 1, said(mine[0], "to confirm", "1 under way"))
    assert tile(leader) == (theirs[0] + 1, said(theirs[0], "to confirm", "1 under way"))
    assert tile(colleague) == others
    eraser.carry_out(number(page))
    assert (tile(teacher), tile(leader)) == (mine, theirs)


def said(count: int, word: str, more: str) -> str:
    return ", ".join([*([f"{count} {word}"] if count else []), more])


def test_a_leader_sees_that_it_was_and_no_name(app: Flask, world: World, eraser: Eraser) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = send(teacher, f"/console/students/{child.public_id}/erase", {}).location
    asking.look(eraser, number=number(page))
    leader = signed_in(app, world, "leader")
    for address in (HERE, page):
        seen = leader.get(address)
        assert seen.status_code == 200
        assert "Wilhelmina" not in seen.text
    assert "/confirm" not in leader.get(page).text
    assert send(leader, f"{page}/confirm", {"typed": "Wilhelmina Quartermaine"}, page=HERE).status_code == 404
    for role in ("colleague", "outsider", "founder"):
        assert signed_in(app, world, role).get(page).status_code == 404


def test_left_as_it_is(app: Flask, world: World, eraser: Eraser) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = send(teacher, f"/console/students/{child.public_id}/erase", {}).location
    asking.look(eraser, number=number(page))
    assert send(teacher, f"{page}/leave", {}, page=page).status_code == 303
    assert "Nothing was erased." in teacher.get(page).text
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Student.id).where(Student.id == child.id)) == child.id


def test_a_class_is_deleted_from_where_it_is_managed(app: Flask, world: World, eraser: Eraser) -> None:
    teacher, room = signed_in(app, world, "teacher"), world.own_class
    way = f"/console/classrooms/{room.public_id}/erase"
    assert way in teacher.get(f"/console/classrooms/{room.public_id}/manage").text
    along = f"/console/students/?classroom={room.public_id}"
    assert along in teacher.get(way).text
    assert room.children[0].given in teacher.get(along).text
    page = send(teacher, way, {}).location
    asking.look(eraser, number=number(page))
    assert "Codes" in teacher.get(page).text or "codes" in teacher.get(page).text
    send(teacher, f"{page}/confirm", {"typed": room.name}, page=page)
    eraser.carry_out(number(page))
    assert teacher.get(f"/console/classrooms/{room.public_id}").status_code == 404


def test_confirming_asks_who_sits_there(app: Flask, world: World, eraser: Eraser) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = send(teacher, f"/console/students/{child.public_id}/erase", {}).location
    asking.look(eraser, number=number(page))
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - asking.WAITS))
    asked = send(teacher, f"{page}/confirm", {"typed": "Wilhelmina Quartermaine"}, page=page)
    assert (asked.status_code, asked.location) == (303, "/account/prove")


def test_an_empty_list_says_where_to_begin(app: Flask, world: World) -> None:
    assert "Nothing was deleted yet" in signed_in(app, world, "colleague").get(HERE).text


def founder_of(app: Flask, world: World) -> FlaskClient:
    founder = signed_in(app, world, "founder")
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now()))
    return founder


def test_a_founder_deletes_a_school_and_follows_it(app: Flask, world: World, eraser: Eraser) -> None:
    founder, school = founder_of(app, world), world.home
    way = f"/console/schools/{school.public_id}/erase"
    assert way in founder.get("/console/schools/").text
    offered = founder.get(way).text
    assert f"/console/schools/{school.public_id}/erase-district" in offered
    assert "can take everything along before" in offered
    page = send(founder, way, {}).location
    assert asking.look(eraser, number=number(page))
    seen = founder.get(page).text
    for said in (f"Delete {school.name}", "Classes", "Students", "Accounts"):
        assert said in seen
    # Who stays, and what goes elsewhere and what is kept there.
    assert re.search(r"\d+ accounts? stays?", seen)
    assert "Stripe: subscription cancelled and customer deleted; paid invoices stay there" in seen
    # Numbers, and nobody's name.
    assert "Wilhelmina" not in seen
    assert send(founder, f"{page}/confirm", {"typed": "Another School"}, page=page).status_code == 422
    assert send(founder, f"{page}/confirm", {"typed": school.name}, page=page).status_code == 303
    assert "It is being erased." in founder.get("/console/schools/").text
    # Nobody sees it any more, before a worker has begun.
    assert school.name not in signed_in(app, world, "leader").get("/console/schools/").text
    large = replace(eraser, large=3, at_once=10)
    with pytest.raises(KeyboardInterrupt):
        large.carry_out(number(page), stopped)
    assert re.search(r"[1-9]\d* of about \d+ records are gone", founder.get(page).text)
    large.carry_out(number(page))
    over = founder.get(page).text
    assert "nothing of it is left" in over
    assert "/receipts/" in over
    assert world.home.name not in founder.get("/console/schools/").text
    assert world.elsewhere.name in founder.get("/console/schools/").text


def stopped(gone: int, planned: int) -> None:
    if gone > planned // 2:
        raise KeyboardInterrupt


def test_a_founder_deletes_a_district_with_its_schools(app: Flask, world: World, eraser: Eraser) -> None:
    founder = founder_of(app, world)
    page = send(founder, f"/console/schools/{world.home.public_id}/erase-district", {}).location
    assert asking.look(eraser, number=number(page))
    title = "Quillfeather District"
    assert f"Delete {title}" in founder.get(page).text
    send(founder, f"{page}/confirm", {"typed": title}, page=page)
    eraser.carry_out(number(page))
    assert "nothing of it is left" in founder.get(page).text
    left = founder.get("/console/schools/").text
    assert world.outside.name in left
    for gone in (world.home, world.elsewhere):
        assert gone.name not in left


def test_a_leader_is_told_whom_to_ask_and_deletes_no_school(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    own = leader.get("/console/schools/").text
    assert "To have a whole school deleted" in own
    for way in (f"{world.home.public_id}/erase", f"{world.home.public_id}/erase-district"):
        assert way not in own
        assert leader.get(f"/console/schools/{way}").status_code == 404


def test_a_school_of_a_teachers_own_is_not_deleted_by_a_founder(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.outside.id).values(kind="personal"))
    founder = founder_of(app, world)
    assert founder.get(f"/console/schools/{world.outside.public_id}/erase").status_code == 404
    assert f"{world.outside.public_id}/erase" not in founder.get("/console/schools/").text


def test_the_part_says_what_the_heading_is_from_now_on(app: Flask, world: World, eraser: Eraser) -> None:
    """The page was read before it was known."""
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = send(teacher, f"/console/students/{child.public_id}/erase", {}).location
    assert 'data-heading="A student"' in teacher.get(f"{page}?part=1").text
    asking.look(eraser, number=number(page))
    assert 'data-heading="Delete Wilhelmina Quartermaine"' in teacher.get(f"{page}?part=1").text


def test_one_that_a_hold_has_stopped_half_way_does_not_say_that_all_is_kept(
    app: Flask, world: World, eraser: Eraser
) -> None:
    teacher, child = signed_in(app, world, "teacher"), world.own_class.children[0]
    page = send(teacher, f"/console/students/{child.public_id}/erase", {}).location
    asking.look(eraser, number=number(page))
    for gone, said in ((0, "obligation to keep it."), (7, "obligation to keep what is left of it.")):
        with transaction(SYSTEM) as tx:
            here = update(Erasure).where(Erasure.id == number(page))
            tx.execute(here.values(stage="held", rows_planned=90, rows_gone=gone))
        assert said in teacher.get(page).text


def test_several_are_deleted_from_the_list(app: Flask, world: World, eraser: Eraser) -> None:
    teacher, room = signed_in(app, world, "teacher"), world.own_class
    here = f"/console/students/?classroom={room.public_id}"
    assert 'value="erase"' in teacher.get(here).text
    rows = [each.public_id for each in room.children]
    asked = send(teacher, here, {"action": "erase", "rowid": rows})
    for said in ("Bartholomew Zephyrine", "Wilhelmina Quartermaine", "See what would go", "for good"):
        assert said in asked.text
    assert 'name="typed"' not in asked.text
    begun = send(teacher, here, {"action": "erase", "rowid": rows, "confirm": "yes"})
    assert begun.status_code == 303
    page = begun.location
    assert page.startswith(HERE)
    assert asking.look(eraser, number=number(page))
    seen = teacher.get(page).text
    for said in ("Delete 2 students", "Type “2” to confirm", f"go on without them: {room.name}"):
        assert said in seen
    assert "Wilhelmina Quartermaine and Bartholomew Zephyrine" in seen
    # Whoever leads the school sees that it was asked for, and not of whom.
    led = signed_in(app, world, "leader").get(page)
    assert (led.status_code, "2 students" in led.text, "Wilhelmina" in led.text) == (200, True, False)
    wrong = send(teacher, f"{page}/confirm", {"typed": "3"}, page=page)
    assert (wrong.status_code, "Type 2 to confirm that you mean so many." in wrong.text) == (422, True)
    done = send(teacher, f"{page}/confirm", {"typed": "2"}, page=page)
    assert (done.status_code, done.location) == (303, page)
    eraser.carry_out(number(page))
    over = teacher.get(page).text
    assert "nothing of it is left" in over
    assert "Wilhelmina" not in over
    receipt = re.search(r'href="(/receipts/[^"]+)"', over)
    assert receipt is not None
    assert "2 students" in teacher.get(receipt[1].replace("&amp;", "&")).text
    assert "2 students" in teacher.get(HERE).text
    assert teacher.get(f"/console/students/{rows[0]}").status_code == 404


def test_all_that_fit_are_looked_at_however_many(
    app: Flask, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once and by no worker's change: what is confirmed stands on the page that follows."""
    leader, room = signed_in(app, world, "leader"), world.own_class
    lists = Lists(typed_from=2, worker_from=2)
    monkeypatch.setattr(grid, "settings", lambda: identity.settings().model_copy(update={"lists": lists}))
    here = f"/console/students/?classroom={room.public_id}"
    asked = send(leader, here, {"action": "erase", "whole": "yes"})
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    begun = leader.post(here, data={**fields, "csrf_token": form_token(asked.text), "confirm": "yes"})
    assert begun.location.startswith(HERE)
    with transaction(SYSTEM) as tx:
        row = tx.get_one(Erasure, number(begun.location))
        assert row.chosen == sorted(each.id for each in room.children)
    with transaction(SYSTEM) as tx:
        add_child(tx, room, "Late", "Comer")
    stale = leader.post(here, data={**fields, "csrf_token": form_token(asked.text), "confirm": "yes"})
    assert (stale.status_code, "Other rows fit now" in stale.text) == (200, True)


def test_of_several_schools_it_is_said_why_not(app: Flask, world: World) -> None:
    leader, here = signed_in(app, world, "leader"), "/console/students/"
    rows = [world.own_class.children[0].public_id, world.elsewhere_class.children[0].public_id]
    refused = send(leader, here, {"action": "erase", "rowid": rows, "confirm": "yes"})
    assert "Choose students of one school at a time" in refused.text


def test_whoever_may_not_delete_is_offered_no_deleting(app: Flask, world: World) -> None:
    helper = signed_in(app, world, "co_teacher")
    here = f"/console/students/?classroom={world.own_class.public_id}"
    assert 'value="erase"' not in helper.get(here).text
    rows = [world.own_class.children[0].public_id]
    assert send(helper, here, {"action": "erase", "rowid": rows, "confirm": "yes"}).status_code == 404
