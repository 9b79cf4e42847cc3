"""An uploaded set waits sealed, is imported by a worker, once, and is forgotten."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.host.services import set_plugin
from backoffice.jobs import registry
from backoffice.jobs.runs import Again, GivenUp, run_queued
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.privacy.erasure import services as erasing
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.erasure.plan import Plan, named
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holdings import Target as Erased
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, School, Student
from plugins.rosters import plugin, services
from plugins.rosters.importing.places import Target
from plugins.rosters.jobs import forget_uploads, import_upload
from plugins.rosters.models import ImportState, RosterImport, RosterUpload
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.reduced import reduce_set
from plugins.rosters.reading.report import Report
from plugins.rosters.services import ERASED_MEANWHILE
from tests.contract.snapshot import snapshots
from tests.factories import oneroster
from tests.factories.oneroster import Shape, zipped
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.rosters.memory import empty_school, run, versions
from tests.plugins.rosters.reading.sets import written, zip_of

SHAPE = Shape(students=6, classes_a_student=2, unwanted=False)


WORKER = Purpose("rosters.import")


@dataclass
class Running:
    """What a worker gives to a job."""

    app: Flask
    arguments: Mapping[str, int | str] = field(default_factory=dict)
    who: Purpose = WORKER
    last: bool = False
    said: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def progress(self, done: int, total: int | None = None) -> None:
        del total
        self.lines.append(done)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def queued(world: World, content: bytes, *, role: str = "leader", target: Target | None = None) -> int:
    target = target or Target(school=world.home.public_id)
    public_id = services.queue_upload(principal=world.sign_in(role), target=target, content=[content])
    return numbered(public_id)


def numbered(public_id: str) -> int:
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(RosterImport.id).where(RosterImport.public_id == public_id))
    assert number is not None
    return number


def row(number: int) -> RosterImport:
    with transaction(SYSTEM) as tx:
        return tx.execute(select(RosterImport).where(RosterImport.id == number)).scalar_one()


def pieces(number: int) -> int:
    with transaction(SYSTEM) as tx:
        where = RosterUpload.import_id == number
        return tx.scalar(select(func.count()).select_from(RosterUpload).where(where)) or 0


def mails(name: str = "rosters.import-finished") -> list[str]:
    with transaction(SYSTEM) as tx:
        found = select(MailContent.message).join(OutgoingMail, OutgoingMail.id == MailContent.mail_id)
        messages = tx.scalars(found.where(OutgoingMail.name == name).order_by(OutgoingMail.id)).all()
    parts = [message_from_bytes(message, policy=policy.default).get_body(("plain",)) for message in messages]
    return [part.get_content() for part in parts if part is not None]


def test_an_upload_is_imported_once_and_its_leader_is_told(app: Flask, world: World) -> None:
    number = queued(world, zipped(SHAPE))
    assert (row(number).state, pieces(number) > 0) == (ImportState.WAITING, True)
    before = len(mails())

    running = Running(app, {"number": number})
    counts = import_upload(running)

    assert counts is not None
    assert (counts["imported"], counts["students new"]) == (1, 6)
    over = row(number)
    assert (over.state, over.done, pieces(number)) == (ImportState.DONE, running.lines[-1], 0)
    assert over.report is not None
    assert over.report["counts"]["students new"] == 6
    assert over.names is not None
    assert len(over.names["administrators"]) == 1
    assert len(mails()) == before + 1
    assert "students new: 6" in mails()[-1]
    assert over.public_id in mails()[-1]

    assert import_upload(Running(app, {"number": number})) == {}
    assert len(mails()) == before + 1
    assert row(number).finished_at == over.finished_at


def test_the_job_is_in_the_queue_with_its_cause(world: World) -> None:
    number = queued(world, zipped(SHAPE))
    with transaction(SYSTEM) as tx:
        args = list(
            tx.scalars(
                text("select args::text from queue.procrastinate_jobs where task_name = 'rosters.import'")
            )
        )
    assert f'{{"number": {number}}}' in args


def test_an_upload_with_something_wrong_is_refused_and_forgotten(app: Flask, world: World) -> None:
    number = queued(world, b"no zip at all")
    assert import_upload(Running(app, {"number": number})) == {"lines": 0, "imported": 0}
    over = row(number)
    assert (over.state, pieces(number)) == (ImportState.REFUSED, 0)
    assert over.report is not None
    assert over.report["problems"][0]["file"] == "package"
    assert "nothing was changed" in mails()[-1]


def test_a_worker_killed_in_the_middle_is_followed_by_another(app: Flask, world: World) -> None:
    """What it leaves: the state, and the upload."""
    number = queued(world, zipped(Shape(students=3, seed=9, classes_a_student=2)))
    with transaction(SYSTEM) as tx:
        tx.execute(update(RosterImport).where(RosterImport.id == number).values(state="importing", done=5))
    counts = import_upload(Running(app, {"number": number}))
    assert counts is not None
    assert counts["students new"] == 3
    assert row(number).state == ImportState.DONE


def test_what_the_page_dropped_is_in_the_report(app: Flask, world: World) -> None:
    report = Report()
    report.dropped["users.csv phone"] = 6
    report.warn("users.csv", "Something is odd.", "Look at it.", line=3)
    public_id = services.queue_upload(
        principal=world.sign_in("leader"), target=Target(school=world.home.public_id),
        content=[zipped(SHAPE)], report=report,
    )  # fmt: skip
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(RosterImport.id).where(RosterImport.public_id == public_id))
    assert number is not None
    import_upload(Running(app, {"number": number}))
    kept = row(number).report
    assert kept is not None
    assert kept["dropped"] == {"users.csv email": 1, "users.csv phone": 6}
    assert [problem["sentence"] for problem in kept["problems"]] == ["Something is odd."]
    assert [(each["sentence"], each["times"]) for each in kept["problem_counts"]] == [
        ("Something is odd.", 1)
    ]


def test_an_upload_tells_and_counts_what_the_command_does(world: World) -> None:
    """Wrong in ways that reading finds, and in ways that only the whole shows."""
    made = oneroster.files(Shape(students=60, classes_a_student=2))
    rows = {name: [list(line) for line in lines] for name, lines in made.items()}
    for name in ("users.csv", "enrollments.csv"):
        where = rows[name][0].index("dateLastModified")
        for line in rows[name][1:]:
            line[where] = "yesterday"
    email = rows["users.csv"][0].index("email")
    for line in rows["users.csv"][1:]:
        if "teacher" in line:
            line[email] = ""
    content = zip_of({name: written(lines) for name, lines in rows.items()})
    command, page = Report(), Report()
    with open_package(content, command) as package:
        outcome = run(read_set(package, command), empty_school().public_id, report=command)
    assert outcome.done
    with open_package(content, page) as package:
        reduced, total = reduce_set(read_set(package, page))
    public_id = services.queue_upload(
        principal=world.sign_in("leader"), target=Target(school=world.elsewhere.public_id),
        content=[reduced], report=page, total=total,
    )  # fmt: skip
    number = numbered(public_id)
    services.run_upload(principal=WORKER, number=number, tick=lambda _lines: None)
    kept, wanted = row(number).report, outcome.public()
    assert kept is not None
    assert len(wanted["problem_counts"]) > 2
    assert max(each["times"] for each in wanted["problem_counts"]) > 60
    for what in ("done", "lines", "dropped"):
        assert kept[what] == wanted[what]
    for what in ("problem_counts", "problems"):
        told = [sorted(json.dumps(each, sort_keys=True) for each in it[what]) for it in (kept, wanted)]
        assert told[0] == told[1]


def broken(*_arguments: object, **_options: object) -> None:
    raise RuntimeError("Wilhelmina")


def test_what_fails_by_our_fault_waits_for_its_last_attempt_and_then_has_failed(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, entry = queued(world, zipped(SHAPE)), registry.one("rosters.import")
    with transaction(SYSTEM) as tx:
        newest = text("select max(id) from queue.procrastinate_jobs where task_name = 'rosters.import'")
        queue_number = tx.scalar(newest)
    monkeypatch.setattr(services, "resolve", broken)
    before = len(mails())
    for _ in range(entry.job.attempts - 1):
        with pytest.raises(Again):
            run_queued(entry, number=queue_number, arguments={"number": number}, app=app)
        assert (row(number).state, pieces(number), len(mails())) == (ImportState.CHECKING, 1, before)
    with pytest.raises(GivenUp):
        run_queued(entry, number=queue_number, arguments={"number": number}, app=app)
    over = row(number)
    assert (over.state, pieces(number)) == (ImportState.FAILED, 0)
    assert over.finished_at is not None
    assert len(mails()) == before + 1
    assert "could not be imported" in mails()[-1]


def test_an_attempt_after_one_that_failed_imports_it(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = queued(world, zipped(SHAPE))
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(services, "resolve", broken)
        import_upload(Running(app, {"number": number}))
    assert import_upload(Running(app, {"number": number}))["imported"] == 1
    assert row(number).state == ImportState.DONE


def test_an_import_that_was_given_up_meanwhile_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked has been told so."""
    services.give_up(principal=SYSTEM, before=clock.now())
    number = queued(world, zipped(Shape(students=4, seed=77, classes_a_student=1)))
    note, before = services._note_done, len(mails())

    def slow(*arguments: Any, **options: Any) -> None:
        assert services.give_up(principal=SYSTEM, before=clock.now()) == 1
        note(*arguments, **options)

    monkeypatch.setattr(services, "_note_done", slow)
    unchanged = versions(notes=False) | {"app.mail": set()}
    assert services.run_upload(principal=WORKER, number=number, tick=lambda _lines: None) is None
    assert row(number).state == ImportState.FAILED
    assert versions(notes=False) | {"app.mail": set()} == unchanged
    assert len(mails()) == before + 1


@pytest.mark.parametrize("change", ["suspended", "gone", "no leader", "erased"])
def test_nobody_imports_who_may_not_any_more(app: Flask, world: World, change: str) -> None:
    """Nor are they told what is in the roster."""
    leader = world.people["leader"].id
    number, before = queued(world, zipped(SHAPE)), len(mails())
    membership = update(Membership).where(Membership.account_id == leader)
    account = update(Account).where(Account.id == leader)
    there, back = {
        "suspended": (account.values(status="suspended"), account.values(status="active")),
        "gone": (
            membership.values(district_id=None, school_id=world.outside.id),
            membership.values(district_id=world.district_id, school_id=None),
        ),
        "no leader": (membership.values(role="privacy_officer"), membership.values(role="leader")),
        "erased": (
            update(RosterImport).where(RosterImport.id == number).values(asked_by=None),
            account.values(status="active"),
        ),
    }[change]
    unchanged = versions(notes=False)
    with transaction(SYSTEM) as tx:
        tx.execute(there)
    try:
        running = Running(app, {"number": number})
        assert import_upload(running) == {"lines": 0, "imported": 0}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(back)
    over = row(number)
    assert (over.state, pieces(number), len(mails())) == (ImportState.FAILED, 0, before)
    assert over.report is not None
    assert "may not bring any in" in over.report["problems"][0]["sentence"]
    touched = {table for table, rows in versions(notes=False).items() if rows != unchanged[table]}
    assert touched <= {"app.membership", "app.account"}


def test_names_go_from_a_report_after_a_month(app: Flask, world: World) -> None:
    numbers = [queued(world, zipped(SHAPE)) for _ in range(2)]
    for number in numbers:
        import_upload(Running(app, {"number": number}))
        assert row(number).names is not None
    old, fresh = numbers
    with transaction(SYSTEM) as tx:
        finished = clock.now() - timedelta(days=31)
        tx.execute(update(RosterImport).where(RosterImport.id == old).values(finished_at=finished))
    assert forget_uploads(Running(app))["reports without names"] == 1
    assert forget_uploads(Running(app))["reports without names"] == 0
    assert row(old).names is None
    assert row(old).report is not None
    assert row(fresh).names is not None


def test_founders_shorten_what_is_kept_and_never_lengthen_it(app: Flask, world: World) -> None:
    founder = world.sign_in("founder")
    number, waiting = queued(world, zipped(SHAPE)), queued(world, b"waits")
    import_upload(Running(app, {"number": number}))
    with transaction(SYSTEM) as tx:
        ago = clock.now() - timedelta(days=8)
        tx.execute(update(RosterImport).where(RosterImport.id == number).values(finished_at=ago))
        ago = clock.now() - timedelta(hours=3)
        tx.execute(update(RosterImport).where(RosterImport.id == waiting).values(created_at=ago))
    assert forget_uploads(Running(app)) == {
        "files of somebody erased": 0,
        "given up": 0,
        "reports without names": 0,
    }
    wanted = {"upload_hours": 2, "names_days": 7}
    set_plugin(principal=founder, installed=[plugin], name="rosters", values=wanted)
    page = signed_in(app, world, "leader").get(f"/console/rosters/{row(number).public_id}").text
    assert "The names go from this report after 7 days." in page
    assert forget_uploads(Running(app)) == {
        "files of somebody erased": 0,
        "given up": 1,
        "reports without names": 1,
    }
    for name, value in (("upload_hours", 25), ("names_days", 31)):
        with pytest.raises(Rejected):
            set_plugin(principal=founder, installed=[plugin], name="rosters", values={name: value})
    set_plugin(principal=founder, installed=[plugin], name="rosters", values={})


@pytest.mark.parametrize("subject", [Subject.SCHOOL, Subject.STUDENT, Subject.CLASSROOM, Subject.ACCOUNT])
def test_names_go_from_the_reports_with_somebody_whom_they_may_name(
    app: Flask, world: World, subject: Subject
) -> None:
    number = queued(world, zipped(Shape(students=4, seed=5)), target=Target(district=world.district))
    import_upload(Running(app, {"number": number}))
    of = {
        Subject.SCHOOL: Erased(Subject.SCHOOL, (world.home.id,)),
        Subject.STUDENT: Erased(Subject.STUDENT, (world.own_class.children[0].id,), world.home.id),
        Subject.CLASSROOM: Erased(Subject.CLASSROOM, (world.own_class.id,), world.home.id),
        Subject.ACCOUNT: Erased(Subject.ACCOUNT, (world.people["teacher"].id,)),
    }[subject]
    apart = {
        Subject.SCHOOL: Erased(Subject.SCHOOL, (world.outside.id,)),
        Subject.STUDENT: Erased(Subject.STUDENT, (1,), world.outside.id),
        Subject.CLASSROOM: Erased(Subject.CLASSROOM, (1,), world.outside.id),
        Subject.ACCOUNT: Erased(Subject.ACCOUNT, (world.people["outsider"].id,)),
    }[subject]
    (held,) = (each for each in plugin.personal_data if each.subject is subject and each.blank == ("names",))
    assert held.rows is not None
    with transaction(SYSTEM) as tx:
        found, other = (
            set(tx.scalars(select(RosterImport.id).where(held.rows(named(tx, Plan((each,))).targets[0]))))
            for each in (of, apart)
        )
    assert (number in found, number in other) == (True, False)


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.ACCOUNT, Subject.SCHOOL])
def test_an_upload_that_waits_goes_with_somebody_whom_it_may_name(
    app: Flask, runtime: Runtime, world: World, tmp_path: Path, subject: Subject
) -> None:
    with snapshots(runtime) as taken:
        taken.keep()
        number = queued(world, zipped(SHAPE), target=Target(district=world.district))
        looked = queued(world, zipped(SHAPE), target=Target(district=world.district))
        other = world.home if subject is Subject.SCHOOL else world.elsewhere
        apart = queued(world, zipped(SHAPE), target=Target(school=other.public_id))
        erased = {
            Subject.STUDENT: world.own_class.children[0].public_id,
            Subject.CLASSROOM: world.own_class.public_id,
            Subject.ACCOUNT: world.people["colleague"].public_id,
            Subject.SCHOOL: world.elsewhere.public_id,
        }[subject]
        made = eraser_of(runtime, WORKER)
        ledger = LedgerFile(tmp_path)
        eraser = Eraser(WORKER, made.tables, made.installed, ledger, made.backups_kept)
        erasing.erase(eraser=eraser, subject=subject, public_id=erased, asked_as=AskedAs.COMMAND)
        assert [pieces(each) for each in (number, looked)] == [0, 0]
        assert pieces(apart) > 0
        before = len(mails())
        # The one is told by the job that would have brought it in, the other one by the hourly one.
        counts = import_upload(Running(app, {"number": number}))
        assert counts is not None
        assert counts["imported"] == 0
        assert forget_uploads(Running(app))["files of somebody erased"] == 1
        for each in (number, looked):
            over = row(each)
            assert over.state == ImportState.REFUSED
            assert ERASED_MEANWHILE[0] in str(over.report)
        assert len(mails()) == before + 2
        taken.settle()


def test_an_erasure_in_the_middle_of_an_import_has_it_undone(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, whole = queued(world, zipped(SHAPE)), read_set

    def overtaken(*given: Any) -> Any:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(RosterUpload).where(RosterUpload.import_id == number))
        return whole(*given)

    monkeypatch.setattr(services, "read_set", overtaken)
    counts = import_upload(Running(app, {"number": number}))
    assert counts is not None
    assert counts["imported"] == 0
    assert row(number).state == ImportState.REFUSED
    assert ERASED_MEANWHILE[0] in str(row(number).report)


def test_an_upload_is_kept_sealed_and_in_pieces(world: World) -> None:
    content = b"Wilhelmina;" * 200_000
    number = queued(world, content)
    with transaction(SYSTEM) as tx:
        raw = list(
            tx.scalars(text(f"select content from plugin_rosters.roster_upload where import_id = {number}"))
        )
        opened = tx.scalars(
            select(RosterUpload.content).where(RosterUpload.import_id == number).order_by(RosterUpload.number)
        ).all()
    assert len(raw) == 3
    assert not any(b"Wilhelmina" in bytes(piece) for piece in raw)
    assert b"".join(opened) == content


def test_an_upload_that_is_too_large_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "LARGEST_UPLOAD", 10)
    with pytest.raises(Rejected, match="Split it by school"):
        queued(world, b"x" * 11)


def test_after_a_day_nothing_of_an_upload_is_left(app: Flask, world: World) -> None:
    old, fresh = queued(world, b"old"), queued(world, b"fresh")
    with transaction(SYSTEM) as tx:
        created = clock.now() - timedelta(hours=25)
        tx.execute(update(RosterImport).where(RosterImport.id == old).values(created_at=created))
    before = len(mails())
    assert forget_uploads(Running(app))["given up"] == 1
    assert forget_uploads(Running(app))["given up"] == 0
    assert (row(old).state, pieces(old)) == (ImportState.FAILED, 0)
    assert len(mails()) == before + 1
    assert "could not be imported" in mails()[-1]
    assert row(old).public_id in mails()[-1]
    assert (row(fresh).state, pieces(fresh)) == (ImportState.WAITING, 1)


@pytest.mark.parametrize("role", ["teacher", "founder", "officer", "parent"])
def test_only_leaders_upload(world: World, role: str) -> None:
    for target in (Target(school=world.home.public_id), Target(district=world.district)):
        with pytest.raises(Denied):
            queued(world, b"x", role=role, target=target)


def test_a_leader_uploads_for_no_other_school(world: World) -> None:
    for target in (Target(school=world.outside.public_id), Target(district="abcd2345efgh6789")):
        with pytest.raises(NotFound):
            queued(world, b"x", target=target)


def test_a_leader_of_a_district_uploads_for_it(app: Flask, world: World) -> None:
    schools = select(func.count()).select_from(School).where(School.district_id == world.district_id)
    with transaction(SYSTEM) as tx:
        before = tx.scalar(schools) or 0
    number = queued(
        world, zipped(Shape(students=8, schools=2, seed=3)), target=Target(district=world.district)
    )
    import_upload(Running(app, {"number": number}))
    with transaction(SYSTEM) as tx:
        assert tx.scalar(schools) == before + 2
        assert tx.scalar(select(func.count()).select_from(Student)) is not None


def test_a_worker_that_only_looks_says_so_and_tells_the_leader(app: Flask, world: World) -> None:
    target = Target(school=world.home.public_id)
    public_id = services.queue_upload(
        principal=world.sign_in("leader"), target=target, content=[zipped(SHAPE)], look_first=True
    )
    looking = Running(app, {"number": numbered(public_id)})
    counts = import_upload(looking)
    assert (counts["imported"], looking.said) == (0, ["It was looked at; nothing was changed."])
    assert "Nothing is changed yet." in mails()[-1]
    # By another worker it is not looked at twice.
    assert import_upload(Running(app, {"number": numbered(public_id)})) == {}
    with transaction(SYSTEM) as tx:
        seen = services.digest_of(tx.get_one(RosterImport, numbered(public_id)))
    services.bring_in(principal=world.sign_in("leader"), roster=public_id, seen=seen)
    assert import_upload(Running(app, {"number": numbered(public_id)}))["imported"] == 1
