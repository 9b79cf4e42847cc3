"""Asking, making, fetching and destroying: who may, how often, and what is left of it."""

import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import delete, func, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.jobs.models import QueuedJob
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.schools.models import Enrollment
from backoffice.storage import about
from backoffice.storage.marks import array_of
from backoffice.storage.public_id import new_public_id
from plugins.exports import queries, services
from plugins.exports.content import Manifest, Scope, write_archive
from plugins.exports.content.sealing import open_sealed
from plugins.exports.models import DestroyedFor, Export, ExportState
from plugins.exports.services import OutOfRange, Part, Wanted, WrongLink
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.conftest import WORKER, change, files_of, key_of, row_of, without_places, work

Ready = Callable[..., str]


def ask(world: World, role: str, subject: Subject, public_id: str, *, for_family: bool = False) -> str:
    return services.ask(
        principal=world.sign_in(role), subject=subject, public_id=public_id, for_family=for_family
    )


def fetch(world: World, role: str, export: str, files: Path, wanted: Wanted | None = None) -> Part:
    return services.fetch(
        principal=world.sign_in(role),
        export=export,
        link=services.link_of(row_of(export)),
        wanted=wanted or Wanted(),
        folder=files,
    )


def mails(name: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalars(
            select(func.count()).select_from(OutgoingMail).where(OutgoingMail.name == name)
        ).one()


def entries(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(func.count()).select_from(AuditEntry).where(AuditEntry.verb == verb)).one()


def jobs_of(export: str) -> int:
    """How many jobs to make it are in the queue."""
    number = row_of(export).id
    job = select(QueuedJob.args).where(QueuedJob.task_name == services.MAKE)
    with transaction(SYSTEM) as tx:
        return sum(arguments["number"] == number for arguments in tx.scalars(job))


def forget_jobs() -> None:
    """No worker has any to make any more."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(QueuedJob).where(QueuedJob.task_name == services.MAKE))


def with_classes(world: World, role: str) -> str:
    """Ask for somebody's own account with all classes that they teach."""
    who = world.sign_in(role)
    return services.ask(
        principal=who, subject=Subject.ACCOUNT, public_id=str(who.account_public_id), with_rooms=True
    )


def held(export: str, files: Path) -> str:
    """All that stands in an export."""
    return "\n".join(files_of(export, files).values())


# ------------------------------------------------------------------------------------- asking


def test_who_may_take_what_along(world: World, files: Path) -> None:
    own, foreign = world.own_class, world.foreign_class
    people = world.people
    may: list[tuple[str, Subject, str, bool]] = [
        ("teacher", Subject.CLASSROOM, own.public_id, False),
        ("teacher", Subject.STUDENT, own.children[0].public_id, False),
        ("teacher", Subject.ACCOUNT, people["teacher"].public_id, False),
        ("leader", Subject.SCHOOL, world.home.public_id, False),
        ("leader", Subject.CLASSROOM, own.public_id, False),
        ("leader", Subject.STUDENT, own.children[0].public_id, False),
        ("parent", Subject.STUDENT, own.children[0].public_id, True),
        ("parent", Subject.ACCOUNT, people["parent"].public_id, False),
        ("officer", Subject.ACCOUNT, people["officer"].public_id, False),
        ("founder", Subject.ACCOUNT, people["founder"].public_id, False),
    ]
    may_not = [
        ("teacher", Subject.SCHOOL, world.home.public_id, False),
        ("teacher", Subject.CLASSROOM, foreign.public_id, False),
        ("teacher", Subject.STUDENT, foreign.children[0].public_id, False),
        ("teacher", Subject.STUDENT, own.children[0].public_id, True),
        ("teacher", Subject.ACCOUNT, people["colleague"].public_id, False),
        ("co_teacher", Subject.CLASSROOM, own.public_id, False),
        ("helper", Subject.CLASSROOM, own.public_id, False),
        ("helper", Subject.STUDENT, own.children[0].public_id, False),
        ("officer", Subject.SCHOOL, world.home.public_id, False),
        ("officer", Subject.STUDENT, own.children[0].public_id, False),
        ("founder", Subject.SCHOOL, world.home.public_id, False),
        ("leader", Subject.SCHOOL, world.outside.public_id, False),
        ("parent", Subject.STUDENT, own.children[0].public_id, False),
        ("parent", Subject.STUDENT, own.children[1].public_id, True),
        ("parent", Subject.CLASSROOM, own.public_id, True),
    ]
    for role, subject, public_id, for_family in may:
        asked = ask(world, role, subject, public_id, for_family=for_family)
        assert row_of(asked).state == ExportState.QUEUED
        assert work(asked, files) is ExportState.READY, (role, subject)
    for role, subject, public_id, for_family in may_not:
        with pytest.raises((NotFound, Denied)):
            ask(world, role, subject, public_id, for_family=for_family)


def test_a_district_goes_along_with_its_leader(world: World, files: Path) -> None:
    asked = ask(world, "leader", Subject.DISTRICT, world.district)
    assert work(asked, files) is ExportState.READY
    fetch(world, "leader", asked, files)
    for role in ("officer", "teacher", "founder", "outsider"):
        with pytest.raises((NotFound, Denied)):
            ask(world, role, Subject.DISTRICT, world.district)
    with pytest.raises(NotFound):
        ask(world, "leader", Subject.DISTRICT, new_public_id())


# ------------------------------------------------------------------------------------- making


def test_it_is_made_sealed_and_whoever_asked_is_told(world: World, files: Path, ready: Ready) -> None:
    before = mails("exports.export-ready")
    row = row_of(ready())
    assert mails("exports.export-ready") == before + 1
    (path,) = files.iterdir()
    assert path.name == row.file
    assert row.public_id not in path.name
    assert path.stat().st_mode & 0o077 == 0 or files.stat().st_mode & 0o077 == 0
    assert zipfile.is_zipfile(path) is False
    with open_sealed(path, key_of(row.public_id)) as reader:
        assert reader.size == row.size
    assert "manifest.json" in files_of(row.public_id, files)


def test_the_trail_says_of_what_it_was_by_its_identifier(world: World, files: Path, ready: Ready) -> None:
    del files
    made, other = ready(), ready()
    marked = cast("Any", AuditDetail.about).op("&&", is_comparison=True)
    with transaction(SYSTEM) as tx:
        for each in (made, other):
            found = select(AuditDetail).where(marked(array_of([about.outside(each)])))
            detail = tx.scalars(found).one().detail
            assert (detail["subject"], detail["classroom"]) == ("classroom", world.own_class.id)
            assert detail["number"] == row_of(each).id


def test_twice_is_once(world: World, files: Path, ready: Ready) -> None:
    asked, told = ready(), mails("exports.export-ready")
    assert work(asked, files) is None
    assert len(list(files.iterdir())) == 1
    assert mails("exports.export-ready") == told


def test_killed_in_the_middle_it_is_made_anew(world: World, files: Path) -> None:
    asked = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)
    half = new_public_id()
    files.mkdir(parents=True, exist_ok=True)
    (files / half).write_bytes(b"half")
    change(asked, state=ExportState.MAKING, file=half, started_at=clock.now(), done=7)
    assert work(asked, files) is ExportState.READY
    (path,) = files.iterdir()
    assert path.name == row_of(asked).file
    assert path.name != half


def test_two_workers_at_once_leave_one_file(
    world: World, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)
    made: list[str] = []

    def slow(tx: Any, scope: Scope, to: Any, **how: Any) -> Manifest:
        if not made:
            made.append("another worker")
            assert work(asked, files) is ExportState.READY
        return write_archive(tx, scope, to, **how)

    monkeypatch.setattr(services, "write_archive", slow)
    # Whoever comes last has it; the other finds that nobody wants its file.
    assert work(asked, files) is None
    (path,) = files.iterdir()
    assert row_of(asked).file == path.name


def test_given_up_while_it_is_made_it_stops_and_leaves_nothing(
    world: World, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)

    def given_up(_tx: Any, _scope: Scope, to: Any, *, told: Any, **_how: Any) -> Manifest:
        to.write(b"some of it")
        services.cancel(principal=world.sign_in("teacher"), export=asked)
        told(1)
        raise AssertionError("It went on.")

    monkeypatch.setattr(services, "write_archive", given_up)
    assert work(asked, files) is None
    row = row_of(asked)
    assert (row.state, row.file) == (ExportState.CANCELLED, None)
    assert list(files.iterdir()) == []
    with pytest.raises(Rejected):
        services.cancel(principal=world.sign_in("teacher"), export=asked)


def test_a_fault_leaves_no_file_and_at_last_it_has_failed(
    world: World, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)

    def broken(_tx: Any, _scope: Scope, to: Any, **_how: Any) -> Manifest:
        to.write(b"some of it")
        raise OSError("The disk is full.")

    monkeypatch.setattr(services, "write_archive", broken)
    for last, state in ((False, ExportState.MAKING), (True, ExportState.FAILED)):
        with pytest.raises(OSError, match="full"):
            services.make(principal=WORKER, number=row_of(asked).id, folder=files, last=last)
        assert row_of(asked).state == state
        assert list(files.iterdir()) == []


def test_two_of_a_person_at_once_and_others_see_their_place(world: World, files: Path) -> None:
    own = world.own_class
    asked = [ask(world, "teacher", Subject.CLASSROOM, own.public_id) for _ in range(4)]
    for each in asked[:2]:
        change(each, state=ExportState.MAKING, started_at=clock.now())
    assert work(asked[2], files) is ExportState.QUEUED
    # Others go on.
    other = ask(world, "leader", Subject.SCHOOL, world.home.public_id)
    assert work(other, files) is ExportState.READY
    with transaction(world.sign_in("teacher")) as tx:
        ahead = {each.row.public_id: each.ahead for each in queries.own(tx)}
    assert (ahead[asked[2]], ahead[asked[3]]) == (0, 1)
    change(asked[0], state=ExportState.CANCELLED)
    assert work(asked[2], files) is ExportState.READY


def test_nobody_overtakes_who_could_begin(world: World, files: Path) -> None:
    first, second, third = (
        ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id) for _ in "abc"
    )
    by_leader = ask(world, "leader", Subject.SCHOOL, world.home.public_id)
    elsewhere = ask(world, "leader", Subject.SCHOOL, world.elsewhere.public_id)
    # Whichever a worker takes first.
    for each in (third, second, by_leader, elsewhere):
        assert work(each, files) is ExportState.QUEUED
    assert work(first, files) is ExportState.READY
    change(second, state=ExportState.MAKING, started_at=clock.now())
    change(first, state=ExportState.MAKING, file="x" * 16, ready_at=None)
    # The third has no room, and keeps nobody else of the school waiting.
    assert work(third, files) is ExportState.QUEUED
    assert work(elsewhere, files) is ExportState.QUEUED
    assert work(by_leader, files) is ExportState.READY
    assert work(elsewhere, files) is ExportState.READY


def test_who_was_told_to_wait_is_tried_again_when_the_one_before_begins(
    world: World, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id) for _ in "ab")
    assert work(second, files) is ExportState.QUEUED
    forget_jobs()
    to_come: list[int] = []

    def looked(tx: Any, scope: Scope, to: Any, **how: Any) -> Manifest:
        to_come.append(jobs_of(second))
        return write_archive(tx, scope, to, **how)

    monkeypatch.setattr(services, "write_archive", looked)
    assert work(first, files) is ExportState.READY
    assert to_come == [1]


def test_jobs_to_make_one_do_not_pile_up(world: World, files: Path) -> None:
    asked = [ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id) for _ in range(4)]
    for _ in range(3):
        services.destroy(principal=WORKER, folder=files)
        assert [jobs_of(each) for each in asked] == [1] * 4
    work(asked[0], files)
    assert [jobs_of(each) for each in asked[1:]] == [1] * 3
    # What has lost its own gets another.
    forget_jobs()
    services.destroy(principal=WORKER, folder=files)
    assert [jobs_of(each) for each in asked] == [0, 1, 1, 1]
    # A worker that has it in hand may have seen already that it has to wait.
    with transaction(SYSTEM) as tx:
        tx.execute(update(QueuedJob).where(QueuedJob.task_name == services.MAKE).values(status="doing"))
    work(asked[1], files)
    assert [jobs_of(each) for each in asked] == [0, 1, 2, 2]


def test_five_of_a_school_at_once(world: World, files: Path) -> None:
    own = world.own_class
    asked = [ask(world, "teacher", Subject.CLASSROOM, own.public_id) for _ in range(5)]
    for each in asked:
        change(each, state=ExportState.MAKING, started_at=clock.now())
    another = ask(world, "leader", Subject.SCHOOL, world.home.public_id)
    assert work(another, files) is ExportState.QUEUED
    elsewhere = ask(world, "leader", Subject.SCHOOL, world.elsewhere.public_id)
    assert work(elsewhere, files) is ExportState.READY


def test_too_many_are_not_taken(world: World, files: Path) -> None:
    for _ in range(services.MOST_WAITING):
        ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)
    with pytest.raises(Rejected):
        ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)


def test_whoever_lost_the_class_before_it_is_made_gets_nothing(world: World, files: Path) -> None:
    asked = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)
    child = ask(world, "teacher", Subject.STUDENT, world.own_class.children[0].public_id)
    as_leader = ask(world, "leader", Subject.SCHOOL, world.home.public_id)
    with without_places(world, "teacher", "leader"):
        for each in (asked, child, as_leader):
            assert work(each, files) is ExportState.FAILED
    assert not files.is_dir() or list(files.iterdir()) == []


def test_a_teacher_takes_all_own_classes_along_and_nobody_elses(world: World, files: Path) -> None:
    asked = with_classes(world, "teacher")
    assert work(asked, files) is ExportState.READY
    everything = held(asked, files)
    for child in world.own_class.children:
        assert child.given in everything
    for child in (*world.colleague_class.children, *world.foreign_class.children):
        assert child.public_id not in everything
    fetch(world, "teacher", asked, files)


def test_with_classes_whoever_may_take_none_along_gets_the_account_alone(world: World, files: Path) -> None:
    for role in ("helper", "parent", "officer"):
        asked = with_classes(world, role)
        assert work(asked, files) is ExportState.READY
        assert not row_of(asked).rooms
        assert world.own_class.children[0].public_id not in held(asked, files) or role == "parent"


def test_classes_that_are_lost_before_it_is_made_stay_behind(world: World, files: Path) -> None:
    asked = with_classes(world, "teacher")
    with without_places(world, "teacher"):
        assert work(asked, files) is ExportState.READY
        assert row_of(asked).rooms == []
        assert world.own_class.children[0].public_id not in held(asked, files)


def test_with_classes_that_were_lost_since_it_is_not_fetched(world: World, files: Path) -> None:
    asked = with_classes(world, "teacher")
    assert work(asked, files) is ExportState.READY
    with without_places(world, "teacher"), pytest.raises(Denied):
        fetch(world, "teacher", asked, files)


# ------------------------------------------------------------------------------------- fetching


def test_three_downloads_each_noted_and_mailed(world: World, files: Path, ready: Ready) -> None:
    asked, told, noted = ready(), mails("exports.export-downloaded"), entries("exports.download")
    for number in range(1, 4):
        part = fetch(world, "teacher", asked, files)
        assert (part.start, part.stop) == (0, part.size)
        assert row_of(asked).downloads == number
    assert mails("exports.export-downloaded") == told + 3
    assert entries("exports.download") == noted + 3
    with pytest.raises(Rejected):
        fetch(world, "teacher", asked, files)


def test_a_broken_download_goes_on_and_a_part_that_is_not_there_counts_nothing(
    world: World, files: Path, ready: Ready
) -> None:
    asked = ready()
    size = fetch(world, "teacher", asked, files).size
    part = fetch(world, "teacher", asked, files, Wanted(10, None, whole=False))
    assert (part.start, part.stop, part.whole) == (10, size, False)
    assert fetch(world, "teacher", asked, files, Wanted(-5, None, whole=False)).start == size - 5
    with pytest.raises(OutOfRange):
        fetch(world, "teacher", asked, files, Wanted(size, None, whole=False))
    assert row_of(asked).downloads == 1
    # An hour later it is another download.
    change(asked, fetched_at=clock.now() - services.GOES_ON)
    fetch(world, "teacher", asked, files, Wanted(10, None, whole=False))
    assert row_of(asked).downloads == 2


def test_going_on_again_and_again_counts_as_downloads_do(world: World, files: Path, ready: Ready) -> None:
    asked, told, noted = ready(), mails("exports.export-downloaded"), entries("exports.download")
    all_but_one = Wanted(1, None, whole=False)
    for number in range(1, 4):
        fetch(world, "teacher", asked, files, all_but_one if number > 1 else None)
        assert row_of(asked).downloads == number
        # What one download lacks at most.
        fetch(world, "teacher", asked, files, all_but_one)
        assert row_of(asked).downloads == number
    # A few bytes are left of what three downloads may lack.
    for _ in range(3):
        fetch(world, "teacher", asked, files, Wanted(1, 2, whole=False))
    for wanted in (all_but_one, Wanted(1, 2, whole=False), Wanted()):
        with pytest.raises(Rejected):
            fetch(world, "teacher", asked, files, wanted)
    row = row_of(asked)
    assert (row.downloads, row.gone_on) == (3, 3 * (row.size or 0))
    assert mails("exports.export-downloaded") == told + 3
    assert entries("exports.download") == noted + 3
    with pytest.raises(Rejected):
        services.look(
            principal=world.sign_in("teacher"), export=asked, link=services.link_of(row), folder=files
        )


def test_nobody_else_fetches_it_with_the_link(world: World, files: Path, ready: Ready) -> None:
    asked = ready()
    for role in ("leader", "co_teacher", "outsider", "parent", "founder"):
        with pytest.raises(NotFound):
            fetch(world, role, asked, files)
        with pytest.raises(NotFound):
            services.cancel(principal=world.sign_in(role), export=asked)
    with pytest.raises(WrongLink):
        services.fetch(
            principal=world.sign_in("teacher"),
            export=asked,
            link="x" * 43,
            wanted=Wanted(),
            folder=files,
        )
    assert row_of(asked).downloads == 0


def test_a_link_of_another_export_opens_nothing(world: World, files: Path, ready: Ready) -> None:
    first, second = ready(), ready()
    with pytest.raises(WrongLink):
        services.fetch(
            principal=world.sign_in("teacher"),
            export=first,
            link=services.link_of(row_of(second)),
            wanted=Wanted(),
            folder=files,
        )


def test_it_wants_a_fresh_proof(world: World, files: Path, ready: Ready) -> None:
    asked, who = ready(), world.sign_in("teacher")
    long_ago = clock.now() - timedelta(hours=1)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(AccountSession).where(AccountSession.id == who.session_id).values(proven_at=long_ago)
        )
    with pytest.raises(ProofNeeded):
        services.fetch(
            principal=who,
            export=asked,
            link=services.link_of(row_of(asked)),
            wanted=Wanted(),
            folder=files,
        )


def test_after_three_days_it_is_over(world: World, files: Path, ready: Ready) -> None:
    asked = ready()
    link = services.link_of(row_of(asked))
    change(asked, ready_at=clock.now() - timedelta(hours=72))
    with pytest.raises(Rejected):
        fetch(world, "teacher", asked, files)
    services.destroy(principal=WORKER, folder=files)
    assert list(files.iterdir()) == []
    row = row_of(asked)
    assert (row.state, row.file) == (ExportState.DESTROYED, None)
    assert (row.destroyed_for, row.destroyed_at is not None) == (DestroyedFor.TIME, True)
    # The old link again.
    with pytest.raises(Rejected):
        services.fetch(
            principal=world.sign_in("teacher"), export=asked, link=link, wanted=Wanted(), folder=files
        )


def test_the_right_is_looked_at_again(world: World, files: Path, ready: Ready) -> None:
    own = world.own_class
    by_teacher = ready()
    of_child = ready("teacher", Subject.STUDENT, own.children[1].public_id)
    by_leader = ready("leader", Subject.SCHOOL, world.home.public_id)
    seat = Enrollment.student_id == own.children[1].id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(seat).values(ended_at=clock.now()))
    with pytest.raises(Denied):
        fetch(world, "teacher", of_child, files)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(seat).values(ended_at=None))
    with without_places(world, "teacher", "leader"):
        for role, export in (("teacher", by_teacher), ("leader", by_leader)):
            with pytest.raises(Denied):
                fetch(world, role, export, files)
            assert row_of(export).downloads == 0
    fetch(world, "teacher", by_teacher, files)


# ------------------------------------------------------------------------------------- destroying


def test_after_the_last_download_the_file_goes(world: World, files: Path, ready: Ready) -> None:
    asked, kept = ready(), ready()
    for _ in range(3):
        fetch(world, "teacher", asked, files)
    services.destroy(principal=WORKER, folder=files)
    # Whoever's download broke off has an hour to go on with it.
    assert row_of(asked).state == ExportState.READY
    change(asked, fetched_at=clock.now() - services.GOES_ON)
    services.destroy(principal=WORKER, folder=files)
    row = row_of(asked)
    assert (row.state, row.destroyed_for) == (ExportState.DESTROYED, DestroyedFor.FETCHED)
    assert {path.name for path in files.iterdir()} == {row_of(kept).file}
    again = services.destroy(principal=WORKER, folder=files)
    assert set(again.values()) == {0}


def test_what_lies_there_for_nobody_goes(world: World, files: Path, ready: Ready) -> None:
    asked = ready()
    (files / new_public_id()).write_bytes(b"x")
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Export).where(Export.public_id == asked))
    services.destroy(principal=WORKER, folder=files)
    assert list(files.iterdir()) == []


def test_what_got_stuck_is_given_up(world: World, files: Path) -> None:
    asked = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)
    change(asked, state=ExportState.MAKING, file="stuck", started_at=clock.now() - timedelta(days=2))
    services.destroy(principal=WORKER, folder=files)
    assert row_of(asked).state == ExportState.FAILED


def test_what_waits_for_a_day_is_given_up(world: World, files: Path) -> None:
    asked, later = (
        services.ask(
            principal=world.sign_in("teacher"),
            subject=Subject.CLASSROOM,
            public_id=world.own_class.public_id,
            passphrase="maple umbrella quartz täglich",
        )
        for _ in "ab"
    )
    change(asked, asked_at=clock.now() - services.GIVEN_UP - timedelta(minutes=1))
    services.destroy(principal=WORKER, folder=files)
    assert row_of(asked).state == ExportState.FAILED
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Export.passphrase).where(Export.public_id == asked)).one() is None
    assert row_of(later).state == ExportState.QUEUED


def test_the_trail_says_which_classes_an_account_took_along_and_as_of_when(world: World, files: Path) -> None:
    """As it held them then: who teaches them by now says nothing about a file that got out."""

    def noted(export: str) -> dict[str, Any]:
        made = select(AuditDetail.detail).join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
        number = row_of(export).id
        with transaction(SYSTEM) as tx:
            found = tx.scalars(made.where(AuditEntry.verb == "exports.ready").order_by(AuditEntry.id.desc()))
            return next(dict(each) for each in found if each["number"] == number)

    whole = with_classes(world, "teacher")
    alone = ask(world, "teacher", Subject.ACCOUNT, world.people["teacher"].public_id)
    of_class = ask(world, "teacher", Subject.CLASSROOM, world.own_class.public_id)
    for each in (whole, alone, of_class):
        assert work(each, files) is ExportState.READY
    assert noted(whole)["classrooms"] == [world.own_class.id]
    assert noted(alone)["classrooms"] == []
    assert "classrooms" not in noted(of_class)
    for each in (whole, alone, of_class):
        row, detail = row_of(each), noted(each)
        begun, read = (datetime.fromisoformat(detail[name]) for name in ("begun", "read"))
        assert row.ready_at is not None
        assert begun == row.started_at
        assert begun <= read <= row.ready_at
