"""The pages of exports, by role; fetching over HTTP; what erasing takes; the command and the jobs."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.jobs.models import QueuedJob
from backoffice.privacy.erasure import services as erasing
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.web import cookies
from plugins.exports import queries, services
from plugins.exports.models import DestroyedFor, Export, ExportState
from plugins.exports.said import shown, size
from plugins.exports.settings import ExportsSettings
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World, add_child
from tests.plugins.exports.conftest import WORKER, change, row_of, without_places, work

WHO = Purpose("test-exports")
OWN, CONSOLE = "/account/exports", "/console/exports/"
Ready = Callable[..., str]


def signed_in(app: Flask, world: World, role: str) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token(role))
    return browser


def last() -> Export:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Export).order_by(Export.id.desc()).limit(1)).one()


def link(export: str) -> str:
    return f"{OWN}/{export}/file?signed={services.link_of(row_of(export))}"


def test_a_teacher_asks_fetches_and_sees_that_it_is_destroyed(app: Flask, world: World, files: Path) -> None:
    browser = signed_in(app, world, "teacher")
    token = form_token(browser.get(CONSOLE).text)
    nothing = browser.post(CONSOLE, data={"csrf_token": token})
    assert nothing.status_code == 422
    assert "Choose what you want to take along" in nothing.text
    sent = browser.post(CONSOLE, data={"csrf_token": token, "classroom": world.own_class.public_id})
    assert (sent.status_code, sent.location) == (303, CONSOLE)
    waits = browser.get(CONSOLE).text
    assert "It is the next." in waits
    assert "data-reload" in waits
    asked = last().public_id
    work(asked, files)
    page = browser.get(CONSOLE).text
    assert link(asked) in page
    assert world.own_class.name in page
    assert "Downloads left" in page
    got = browser.get(link(asked))
    assert got.status_code == 200
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["Content-Disposition"] == f'attachment; filename="export-{asked}.zip"'
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(got.data)).namelist()
    change(asked, ready_at=clock.now() - ExportsSettings().kept)
    services.destroy(principal=WORKER, folder=files)
    assert browser.get(link(asked)).status_code == 410
    page = browser.get(CONSOLE).text
    assert "Destroyed" in page
    assert "File destroyed" in page
    assert "erased" not in page


def test_a_school_beside_a_class_is_no_choice(app: Flask, world: World, files: Path) -> None:
    browser, own = signed_in(app, world, "leader"), world.own_class
    data = {"csrf_token": form_token(browser.get(CONSOLE).text), "place": world.home.public_id}
    for beside in ({"classroom": own.public_id}, {"student": own.children[0].public_id}):
        refused = browser.post(CONSOLE, data={**data, **beside})
        assert refused.status_code == 422
        by_field = refused.text.split('name="place"')[1].split('name="classroom"')[0]
        assert "an export is of one of them" in by_field
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Export)) == 0
    assert browser.post(CONSOLE, data=data).status_code == 303


def test_one_student_of_a_class_is_chosen_from_its_list(app: Flask, world: World, files: Path) -> None:
    browser, own = signed_in(app, world, "teacher"), world.own_class
    token = form_token(browser.get(CONSOLE).text)
    data = {"csrf_token": token, "classroom": own.public_id, "students": "yes"}
    there = browser.post(CONSOLE, data=data).location or ""
    page = browser.get(there).text
    assert own.children[0].given in page
    assert world.foreign_class.children[0].given not in page
    data = {"csrf_token": token, "classroom": own.public_id, "student": own.children[0].public_id}
    assert browser.post(CONSOLE, data=data).status_code == 303
    assert (last().subject, last().student_id) == (Subject.STUDENT, own.children[0].id)
    foreign = {**data, "student": world.foreign_class.children[0].public_id}
    assert browser.post(CONSOLE, data=foreign).status_code == 422


def test_a_leader_sees_that_others_took_something_along_and_cannot_fetch_it(
    app: Flask, world: World, files: Path, ready: Ready
) -> None:
    by_teacher = ready()
    family = services.ask(
        principal=world.sign_in("parent"),
        subject=Subject.STUDENT,
        public_id=world.own_class.children[0].public_id,
        for_family=True,
    )
    work(family, files)
    leader = signed_in(app, world, "leader")
    page = leader.get(CONSOLE).text
    assert "What others took along" in page
    assert world.own_class.name in page.split("What others took along")[1]
    # What a parent asks for is nobody else's.
    assert page.split("What others took along")[1].count("<tr>") == 2
    for export in (by_teacher, family):
        assert link(export) not in page
        assert leader.get(link(export)).status_code == 404
    token = form_token(page)
    assert leader.post(f"{OWN}/{by_teacher}/cancel", data={"csrf_token": token}).status_code == 404
    outsider = signed_in(app, world, "outsider").get(CONSOLE).text
    assert "What others took along" not in outsider
    assert world.own_class.name not in outsider


@pytest.mark.parametrize(
    ("role", "status"),
    [("leader", 200), ("teacher", 200), ("helper", 404), ("co_teacher", 404), ("officer", 404),
     ("founder", 404), ("parent", 404)],
)  # fmt: skip
def test_the_page_of_the_console_by_role(
    app: Flask, world: World, files: Path, role: str, status: int
) -> None:
    browser = signed_in(app, world, role)
    assert browser.get(CONSOLE).status_code == status
    # The own account is everybody's.
    assert f'href="{OWN}"' in browser.get("/account").text
    assert "My account" in browser.get(OWN).text


def test_a_parent_takes_the_own_child_along(app: Flask, world: World, files: Path) -> None:
    browser, child = signed_in(app, world, "parent"), world.own_class.children[0]
    page = browser.get(OWN).text
    assert child.given in page
    assert world.own_class.children[1].given not in page
    data = {"csrf_token": form_token(page), "what": child.public_id}
    assert browser.post(OWN, data=data).location == OWN
    assert last().for_family
    other = {**data, "what": world.own_class.children[1].public_id}
    assert browser.post(OWN, data=other).status_code == 422
    work(last().public_id, files)
    assert browser.get(link(last().public_id)).status_code == 200


def test_parts_of_a_file(app: Flask, world: World, files: Path, ready: Ready) -> None:
    asked, browser = ready(), signed_in(app, world, "teacher")
    address = link(asked)
    head = browser.head(address)
    assert (head.status_code, head.data) == (200, b"")
    assert row_of(asked).downloads == 0
    whole = browser.get(address).data
    assert head.headers["Content-Length"] == str(len(whole))
    part = browser.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, whole[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    end = browser.get(address, headers={"Range": "bytes=-4"})
    assert (end.status_code, end.data) == (206, whole[-4:])
    beyond = browser.get(address, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert row_of(asked).downloads == 1
    for ranges in ("bytes=0-1,3-4", "lines=1-2"):
        assert browser.get(address, headers={"Range": ranges}).data == whole
    assert row_of(asked).downloads == 3
    # The last one can go on; a fourth one does not begin.
    assert browser.get(address, headers={"Range": "bytes=10-"}).status_code == 206
    fourth = browser.get(address)
    assert fourth.status_code == 410
    assert "cannot be fetched any more" in fourth.text


@pytest.mark.parametrize(
    "ranges", ["bytes=0-0,0-0", "bytes=0-10,5-20,-3", "bytes=5-2", "lines=0-1", "bytes=a-b"]
)
def test_ranges_that_overlap_or_are_none_get_the_whole_and_count(
    app: Flask, world: World, files: Path, ready: Ready, ranges: str
) -> None:
    asked, browser = ready(), signed_in(app, world, "teacher")
    got = browser.get(link(asked), headers={"Range": ranges})
    assert (got.status_code, len(got.data)) == (200, row_of(asked).size)
    assert "Content-Range" not in got.headers
    assert row_of(asked).downloads == 1


def test_absurd_ranges_get_nothing_that_is_not_there(
    app: Flask, world: World, files: Path, ready: Ready
) -> None:
    asked, browser = ready(), signed_in(app, world, "teacher")
    whole = browser.get(link(asked)).data
    end = len(whole)
    for ranges, start, stop in (
        (f"bytes=1-{10**30}", 1, end),
        (f"bytes=-{10**30}", 0, end),
        (f"bytes={end - 1}-{end - 1}", end - 1, end),
        (f"bytes={end - 1}-{end}", end - 1, end),
    ):
        change(asked, downloads=0)
        got = browser.get(link(asked), headers={"Range": ranges})
        assert (got.status_code, got.data) == (206, whole[start:stop]), ranges
        assert got.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{end}"
    change(asked, downloads=0)
    for ranges in (f"bytes={10**30}-", f"bytes={end}-{end + 1}"):
        got = browser.get(link(asked), headers={"Range": ranges})
        assert (got.status_code, got.data) == (416, b""), ranges
    assert row_of(asked).downloads == 0
    # What was said of another file is not gone on with.
    other = browser.get(link(asked), headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, whole)


def _signed_out(_app: Flask, _world: World, browser: FlaskClient, asked: str) -> str:
    browser.post("/sign-out", data={"csrf_token": form_token(browser.get("/account").text)})
    return link(asked)


def _proven_long_ago(_app: Flask, world: World, _browser: FlaskClient, asked: str) -> str:
    teacher = AccountSession.account_id == world.people["teacher"].id
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).where(teacher).values(proven_at=clock.now() - timedelta(hours=1)))
    return link(asked)


def _of_another(_app: Flask, world: World, _browser: FlaskClient, asked: str) -> str:
    other = services.ask(
        principal=world.sign_in("teacher"), subject=Subject.CLASSROOM, public_id=world.own_class.public_id
    )
    change(other, state=ExportState.READY, file="x" * 16, ready_at=clock.now(), size=1)
    return link(other).replace(other, asked)


def _over(_app: Flask, _world: World, _browser: FlaskClient, asked: str) -> str:
    change(asked, ready_at=clock.now() - ExportsSettings().kept)
    return link(asked)


def _fourth(_app: Flask, _world: World, _browser: FlaskClient, asked: str) -> str:
    change(asked, downloads=ExportsSettings().downloads)
    return link(asked)


def _cut(_app: Flask, _world: World, _browser: FlaskClient, asked: str) -> str:
    return link(asked)[:-1]


@pytest.mark.parametrize(
    ("spoilt", "status", "leads_to"),
    [
        (_signed_out, 303, "/sign-in"),
        (_proven_long_ago, 303, "/account/prove"),
        (_of_another, 303, OWN),
        (_cut, 303, OWN),
        (_over, 410, None),
        (_fourth, 410, None),
    ],
)
@pytest.mark.parametrize("ranges", [None, "bytes=10-"])
def test_a_link_that_is_no_good_any_more_opens_nothing(
    app: Flask,
    world: World,
    files: Path,
    ready: Ready,
    spoilt: Callable[[Flask, World, FlaskClient, str], str],
    status: int,
    leads_to: str | None,
    ranges: str | None,
) -> None:
    asked, browser = ready(), signed_in(app, world, "teacher")
    address = spoilt(app, world, browser, asked)
    before = row_of(asked).downloads
    for ask in (browser.get, browser.head):
        got = ask(address, headers={"Range": ranges} if ranges else {})
        assert got.status_code == status
        assert (got.location or "").startswith(leads_to or "")
        assert b"PK" not in got.data[:2]
        assert "Content-Disposition" not in got.headers
    assert row_of(asked).downloads == before


def test_a_link_opens_nothing_once_the_class_is_somebody_elses(
    app: Flask, world: World, files: Path, ready: Ready
) -> None:
    asked, browser = ready(), signed_in(app, world, "teacher")
    with without_places(world, "teacher"):
        for ask in (browser.get, browser.head):
            assert ask(link(asked)).status_code in {403, 404}
        assert row_of(asked).downloads == 0
    assert browser.get(link(asked)).status_code == 200


def test_nobody_who_is_not_signed_in_gets_anything(
    app: Flask, world: World, files: Path, ready: Ready
) -> None:
    got = app.test_client().get(link(ready()))
    assert got.status_code in {302, 303}
    assert "/sign-in" in (got.location or "")


def test_erasing_takes_exports_along(
    runtime: Runtime, world: World, files: Path, ready: Ready, tmp_path: Path
) -> None:
    """What is of the erased one has no row any more; what may have them has no file."""
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Ephemera")
    of_child = ready("teacher", Subject.STUDENT, child.public_id)
    gone = [ready(), ready("leader", Subject.SCHOOL, world.home.public_id)]
    gone.append(ready("teacher", Subject.ACCOUNT, world.people["teacher"].public_id))
    kept = [
        ready("colleague", Subject.CLASSROOM, world.colleague_class.public_id),
        ready("outsider", Subject.CLASSROOM, world.foreign_class.public_id),
    ]
    made = eraser_of(runtime, WHO)
    eraser = Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)
    erasing.erase(eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.TEACHER)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Export.id).where(Export.public_id == of_child)) is None
        asked = tx.scalar(
            select(func.count()).select_from(QueuedJob).where(QueuedJob.task_name == services.DESTROY)
        )
    assert asked
    for export in gone:
        assert (row_of(export).state, row_of(export).file) == (ExportState.DESTROYED, None)
    services.destroy(principal=WORKER, folder=files)
    assert {path.name for path in files.iterdir()} == {row_of(export).file for export in kept}
    with transaction(world.sign_in("teacher")) as tx:
        told = {each.row.public_id: shown(each, ExportsSettings(), own=True) for each in queries.own(tx)}
    assert "has been erased" in told[gone[0]].sentence


def test_why_a_file_went_is_said_whatever_is_set_since(world: World, files: Path, ready: Ready) -> None:
    by_time, by_erasure = ready(), ready()
    over = clock.now() - ExportsSettings(hours=24).kept
    for export, why in ((by_time, DestroyedFor.TIME), (by_erasure, DestroyedFor.ERASED)):
        values = {"ready_at": over, "destroyed_at": clock.now(), "destroyed_for": why}
        change(export, state=ExportState.DESTROYED, file=None, **values)
    for hours in (1, 72):
        with transaction(world.sign_in("teacher")) as tx:
            found = [shown(each, ExportsSettings(hours=hours), own=True) for each in queries.own(tx)]
        assert {each.row.public_id: "has been erased" in each.sentence for each in found} == {
            by_time: False,
            by_erasure: True,
        }


def test_the_command_writes_a_plain_zip(run: Any, world: World, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    done = run("exports", "create", "--school", world.home.public_id, "--to", str(path), "--json")
    assert done.code == 0, done
    assert "manifest.json" in zipfile.ZipFile(path).namelist()
    assert path.stat().st_mode & 0o077 == 0
    assert "rows" in json.loads(done.out)
    again = run("exports", "create", "--school", world.home.public_id, "--to", str(path))
    assert again.code == 2
    unknown = run("exports", "create", "--classroom", "x" * 16, "--to", str(tmp_path / "none.zip"))
    assert unknown.code == 2
    assert "no such classroom" in unknown.err
    assert not (tmp_path / "none.zip").exists()
    assert run("exports", "create", "--to", str(tmp_path / "none.zip")).code == 2


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (48_000_000, "48 MB")]
)
def test_sizes_as_people_say_them(app: Flask, number: int, said: str) -> None:
    with app.test_request_context():
        assert size(number) == said


def test_whoever_was_away_proves_it_and_finds_the_list_again(
    app: Flask, world: World, files: Path, ready: Ready
) -> None:
    asked, browser = ready(), signed_in(app, world, "teacher")
    with transaction(SYSTEM) as tx:
        own = AccountSession.account_id == world.people["teacher"].id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now() - timedelta(days=1)))
    led = browser.get(link(asked))
    assert led.location == "/account/prove"
    with browser.session_transaction() as session:
        assert session["proving_for"].partition("?")[0] == OWN
    assert row_of(asked).downloads == 0
