"""An uploaded set waits sealed, is imported by a worker, once, and is forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.problems import Rejected
from backoffice.schools.models import School, Student
from plugins.rosters import services
from plugins.rosters.importing.places import Target
from plugins.rosters.jobs import forget_uploads, import_upload
from plugins.rosters.models import ImportState, RosterImport, RosterUpload
from plugins.rosters.reading.report import Report
from tests.factories.oneroster import Shape, zipped
from tests.factories.world import SYSTEM, World

SHAPE = Shape(students=6, classes_a_student=2, unwanted=False)


WORKER = Purpose("rosters.import")


@dataclass
class Running:
    """What a worker gives to a job."""

    app: Flask
    arguments: Mapping[str, int | str] = field(default_factory=dict)
    who: Purpose = WORKER
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
    assert len(over.report["administrators"]) == 1
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
    assert kept["dropped"] == {"users.csv phone": 6}
    assert [problem["sentence"] for problem in kept["problems"]] == ["Something is odd."]


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
    assert forget_uploads(Running(app)) == {"given up": 1}
    assert forget_uploads(Running(app)) == {"given up": 0}
    assert (row(old).state, pieces(old)) == (ImportState.FAILED, 0)
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
    number = queued(
        world, zipped(Shape(students=8, schools=2, seed=3)), target=Target(district=world.district)
    )
    import_upload(Running(app, {"number": number}))
    with transaction(SYSTEM) as tx:
        schools = select(School.id).where(School.district_id == world.district_id)
        assert len(tx.scalars(schools).all()) == 4
        assert tx.scalar(select(func.count()).select_from(Student)) is not None
