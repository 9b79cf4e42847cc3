"""Letters: to whom no mail arrived, in care of their school, and to schools as such; each once."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession
from backoffice.accounts.services.proof import LASTS, ProofNeeded
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.jobs.models import QueuedJob
from backoffice.privacy.erasure.events import SubjectErased
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role, School, TeachingRole
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from plugins.notifications.letters import queries, services
from plugins.notifications.letters.queries import Due
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import sending
from plugins.notifications.notices import services as notices
from plugins.notifications.notices.models import Audience, DeliveryState, LetterBatch, NoticeDelivery
from plugins.notifications.services import close_incident
from tests.factories.paper import text_of
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.letters.conftest import came_back, put, send
from tests.plugins.notifications.notices.conftest import (
    HEADING,
    REASON,
    SPANISH,
    WORKER,
    Founders,
    deliveries,
    let_out,
    row_of,
    timeline,
)
from tests.plugins.notifications.notices.test_late import LATE, school
from tests.plugins.notifications.notices.test_late import due as due_in
from tests.plugins.notifications.notices.test_late import kept as late_reason_of


def due(founders: Founders, notice: str) -> Due:
    with transaction(founders[0]) as tx:
        return queries.due(tx, row_of(notice))


def batches(founders: Founders, notice: str) -> list[tuple[str, int]]:
    with transaction(founders[0]) as tx:
        return [(each.public_id, number) for each, number in queries.batches(tx, row_of(notice))]


def shape(batch: str) -> int:
    """What a worker does; how many letters it shaped."""
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(LetterBatch.id).where(LetterBatch.public_id == batch)).one()
    return services.prepare(WORKER, number)


def on_paper(founders: Founders, notice: str, batch: str) -> services.Printed:
    asked = services.print_letters(principal=founders[0], notice=notice, batch=batch)
    assert shape(batch) == asked
    done = services.fetch_letters(principal=founders[0], notice=notice, batch=batch)
    assert done is not None
    assert done.letters == asked
    return done


def printed(founders: Founders, notice: str, batch: str) -> str:
    done = on_paper(founders, notice, batch)
    return " ".join(text_of(done.pdf).split())


def test_a_mail_that_came_back_becomes_a_letter_in_care_of_the_school(
    world: World, founders: Founders, incident: str
) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    assert due(founders, notice) == Due(0, 0, 0)
    came_back(notice)
    assert due(founders, notice) == Due(1, 0, 0)
    assert services.make_letters(principal=founders[0], notice=notice) == 1
    assert due(founders, notice) == Due(0, 0, 0)
    ((batch, number),) = batches(founders, notice)
    assert number == 1
    parent, said = world.people["parent"], printed(founders, notice, batch)
    for words in (parent.name, f"c/o {world.home.name}", "12 Seaview Avenue", HEADING, "What we do"):
        assert words in said
    assert parent.email not in said
    # On the sheet and on the letter.
    assert said.count("San Rafael, CA 94901") == 2
    assert {each.state for each in deliveries(notice)} == {DeliveryState.BOUNCED}
    assert services.letters_posted(principal=founders[1], notice=notice, batch=batch, at=clock.now()) == 1
    assert {each.state for each in deliveries(notice)} == {DeliveryState.LETTER}
    assert ("told", "Letters were posted: 1.", None) in timeline(incident)
    # A second founder who presses, too, notes nothing; printing again is possible.
    with pytest.raises(Rejected):
        services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=clock.now())
    with pytest.raises(Rejected):
        services.make_letters(principal=founders[0], notice=notice)
    assert parent.name in printed(founders, notice, batch)


def test_whoever_mail_reached_gets_none(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    assert send() > 2
    teacher = world.people["teacher"]
    came_back(notice, account=teacher.id)
    assert services.make_letters(principal=founders[0], notice=notice) == 1
    said = printed(founders, notice, batches(founders, notice)[0][0])
    assert teacher.name in said
    others = [person.name for role, person in world.people.items() if role not in {"teacher", "founder"}]
    assert [name for name in others if name in said] == []


def test_a_district_stands_in_for_a_school_without_an_address_and_nobody_for_both(
    world: World, founders: Founders, incident: str
) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    came_back(notice)
    put(world)
    assert due(founders, notice) == Due(0, 1, 0)
    with pytest.raises(Rejected):
        services.make_letters(principal=founders[0], notice=notice)
    assert batches(founders, notice) == []
    put(world, district="1 Bay Street\nSan Rafael")
    assert services.make_letters(principal=founders[0], notice=notice) == 1
    assert "1 Bay Street" in printed(founders, notice, batches(founders, notice)[0][0])


def test_schools_are_written_to_on_paper_and_told_when_it_is_posted(
    world: World, founders: Founders, incident: str
) -> None:
    notice = let_out(founders, incident, Audience.LETTERS)
    assert send() == 1
    assert send() == 0
    ((state, mail),) = [(each.state, each.mail_id) for each in deliveries(notice)]
    assert (state, mail) == (DeliveryState.TO_POST, None)
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    said = printed(founders, notice, batch)
    assert f"1 {world.home.name}, 12 Seaview Avenue" in said
    assert "c/o" not in said

    send()
    assert told_at(incident) is None
    services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=clock.now())
    came_back(notice)
    assert told_at(incident) is not None


def told_at(incident: str) -> object:
    with transaction(SYSTEM) as tx:
        of_it = text(
            "select told_at from plugin_notifications.concerned_school c"
            " join plugin_notifications.incident i on i.id = c.incident_id where i.public_id = :incident"
        )
        return tx.execute(of_it, {"incident": incident}).scalar()


def test_a_school_where_nobody_could_be_mailed_gets_a_letter(
    world: World, founders: Founders, incident: str
) -> None:
    with transaction(SYSTEM) as tx:
        for each in tx.scalars(select(Membership)).all():
            tx.delete(each)
    notice = let_out(founders, incident, Audience.SCHOOLS)
    assert send() == 1
    assert [(each.state, each.mail_id) for each in deliveries(notice)] == [(DeliveryState.FAILED, None)]
    assert due(founders, notice) == Due(1, 0, 0)
    assert world.home.name


def test_in_a_drill_letters_are_printed_as_one_and_nobody_is_told(
    world: World, founders: Founders, drill: str
) -> None:
    notice = let_out(founders, drill, Audience.LETTERS)
    send()
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    said = printed(founders, notice, batch)
    assert said.count("DRILL") == 2
    assert "This is a drill. Nothing of it is real." in said
    services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=clock.now())
    assert {each.state for each in deliveries(notice)} == {DeliveryState.PLAYED}
    assert world.home.name in said


def test_a_letter_is_in_the_language_of_its_reader(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    came_back(notice)
    with transaction(SYSTEM) as tx:
        parent = {"id": world.people["parent"].id}
        before = tx.execute(text("select language from app.account where id = :id"), parent).scalar()
        tx.execute(text("update app.account set language = 'es' where id = :id"), parent)
    services.make_letters(principal=founders[0], notice=notice)
    said = printed(founders, notice, batches(founders, notice)[0][0])
    with transaction(SYSTEM) as tx:
        tx.execute(
            text("update app.account set language = :spoken where id = :id"), {**parent, "spoken": before}
        )
    assert SPANISH["heading"] in said
    assert f"a/c {world.home.name}" in said
    assert "Address sheet" in said


def test_what_is_paused_makes_no_letters(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    send()
    came_back(notice, account=deliveries(notice)[0].account_id)
    assert due(founders, notice).letters == 1
    notices.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    assert due(founders, notice) == Due(0, 0, 0)


def test_the_trail_says_who_printed_what_and_no_name(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    came_back(notice)
    services.make_letters(principal=founders[0], notice=notice)
    printed(founders, notice, batches(founders, notice)[0][0])
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(3)).all()
        details = tx.scalars(select(AuditDetail.detail).order_by(AuditDetail.entry_id.desc()).limit(3)).all()
    assert verbs == ["notices.fetch-letters", "notices.print-letters", "notices.make-letters"]
    assert [each["letters"] for each in details] == [1, 1, 1]
    assert world.people["parent"].name not in repr(details)


@pytest.mark.parametrize("role", ["teacher", "leader", "parent"])
def test_nobody_else_has_letters_made_or_reads_where_they_go(
    world: World, founders: Founders, incident: str, role: str
) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    came_back(notice)
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    other = world.sign_in(role)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: services.make_letters(principal=other, notice=notice),
        lambda: services.print_letters(principal=other, notice=notice, batch=batch),
        lambda: services.letters_posted(principal=other, notice=notice, batch=batch, at=clock.now()),
    )
    for attempt in attempts:
        with pytest.raises(Exception) as refused:  # noqa: PT011 - by role another refusal
            attempt()
        assert type(refused.value).__name__ in {"Denied", "NotFound"}
    letters = func.plugin_notifications
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(LetterBatch.id).where(LetterBatch.public_id == batch)).one()
    let_out(founders, incident, Audience.LETTERS)
    send()
    due_now = row_of(let_out(founders, incident, Audience.LETTERS)).id
    send()

    def tried(who: Principal) -> list[int]:
        """What the database itself answers, with the services out of the way, and undone."""
        found = []
        for called in (
            select(func.count()).select_from(letters.letters_in(number, clock.now())),
            select(func.sum(letters.letters_due_of(due_now).table_valued("due").c.due)),
            select(letters.make_letters(due_now, "n7m2p9q4r8t3v6wx", clock.now(), 5)),
            select(letters.post_letters(number, clock.now(), None)),
            select(letters.release_letters(number, None)),
        ):
            with pytest.raises(ZeroDivisionError), transaction(who) as tx:
                found.append(int(tx.execute(called).scalar() or 0))
                raise ZeroDivisionError
        return found

    assert tried(other) == [0, 0, 0, 0, 0]
    assert tried(founders[0]) == [1, 1, 1, 1, 1]


def test_a_batch_is_of_its_notice_and_wants_a_fresh_proof(founders: Founders, incident: str) -> None:
    notice, other = (let_out(founders, incident, each) for each in (Audience.PARENTS, Audience.LETTERS))
    send()
    came_back(notice)
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    for named in (batch, "n7m2p9q4r8t3v6wx", "nothing", ""):
        with pytest.raises(NotFound):
            services.print_letters(principal=founders[0], notice=other, batch=named)
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - LASTS - timedelta(seconds=1)))
    with pytest.raises(ProofNeeded):
        services.print_letters(principal=founders[0], notice=notice, batch=batch)


def test_what_can_no_longer_be_posted_is_not_said_to_be(
    world: World, founders: Founders, incident: str
) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    send()
    came_back(notice)
    made = services.make_letters(principal=founders[0], notice=notice)
    assert made > 2
    ((batch, _number),) = batches(founders, notice)
    first, second, *_rest = deliveries(notice)
    with transaction(SYSTEM) as tx:
        # One mail was tried again and left, and one person was erased.
        gone = update(NoticeDelivery).where(NoticeDelivery.id == second.id)
        tx.execute(gone.values(account_id=None, mail_id=None))
        tx.execute(
            update(NoticeDelivery).where(NoticeDelivery.id == first.id).values(state=DeliveryState.SENT)
        )
    done = on_paper(founders, notice, batch)
    assert done.letters == made - 2
    at = clock.now()
    assert services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=at) == made - 2
    states = Counter(each.state for each in deliveries(notice))
    assert states == {DeliveryState.LETTER: made - 2, DeliveryState.SENT: 1, DeliveryState.BOUNCED: 1}
    assert f"Letters were posted: {made - 2}." in [said for _kind, said, _why in timeline(incident)]


def test_an_address_that_is_taken_away_leaves_nobody_told(
    world: World, founders: Founders, incident: str
) -> None:
    notice = let_out(founders, incident, Audience.LETTERS)
    send()
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    put(world)
    with pytest.raises(Rejected):
        services.print_letters(principal=founders[0], notice=notice, batch=batch)
    with pytest.raises(Rejected):
        services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=clock.now())
    send()
    came_back(notice)
    assert told_at(incident) is None


def test_a_letter_to_a_parent_goes_where_the_child_is_and_not_where_they_work(
    world: World, founders: Founders, incident: str
) -> None:
    parent, colleague = world.people["parent"], world.people["colleague"]
    with transaction(SYSTEM) as tx:
        # First the school where the parent works, and no child of theirs is.
        concerned = tx.scalars(select(ConcernedSchool)).one()
        number = concerned.incident_id
        tx.delete(concerned)
        tx.flush()
        numbers = {"students": 2, "staff": 3, "parents": 1}
        place = {"place": "US-CA", "time_zone": "America/Los_Angeles"}
        for school in (world.elsewhere, world.home):
            row = {"public_id": new_public_id(), "incident_id": number, "school_id": school.id}
            tx.add(ConcernedSchool(id=tx.take_id(ConcernedSchool), **row, **place, **numbers))
            tx.flush()
        tx.get_one(School, world.elsewhere.id).postal_address = "9 Employer Road"
        tx.add(
            Membership(
                account_id=parent.id, school_id=world.elsewhere.id, role=Role.TEACHER, created_at=clock.now()
            )
        )
    try:
        notice = let_out(founders, incident, Audience.PARENTS)
        send()
        came_back(notice)
        services.make_letters(principal=founders[0], notice=notice)
        said = printed(founders, notice, batches(founders, notice)[0][0])
    finally:
        with transaction(SYSTEM) as tx:
            tx.get_one(School, world.elsewhere.id).postal_address = None
    assert f"c/o {world.home.name}" in said
    assert "Employer Road" not in said
    assert colleague.name not in said


def test_who_has_left_the_schools_is_counted_as_that(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    send()
    teacher = world.people["teacher"].id
    came_back(notice, account=teacher)
    with transaction(SYSTEM) as tx:
        for table in (TeachingRole, Membership):
            tx.execute(delete(table).where(table.account_id == teacher))
    assert due(founders, notice) == Due(0, 0, 1)


def test_what_no_font_has_is_not_printed_as_nothing(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    came_back(notice)
    with transaction(SYSTEM) as tx:
        person = tx.get_one(Account, world.people["parent"].id)
        before, person.name = person.name, "李明"
    with pytest.raises(Rejected) as refused:
        services.make_letters(principal=founders[0], notice=notice)
    assert "by hand" in refused.value.in_words
    with transaction(SYSTEM) as tx:
        tx.get_one(Account, world.people["parent"].id).name = before
    assert batches(founders, notice) == []
    assert due(founders, notice) == Due(1, 0, 0)


def test_letters_that_wait_are_paused_taken_apart_and_called_off(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.LETTERS)
    send()
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    with pytest.raises(Rejected) as refused:
        close_incident(principal=founders[0], incident=incident, reason="Over", although_open=True)
    assert "not posted" in refused.value.in_words
    notices.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    with pytest.raises(Rejected):
        services.print_letters(principal=founders[0], notice=notice, batch=batch)
    notices.resume_notice(principal=founders[0], notice=notice)
    assert services.take_letters_apart(principal=founders[0], notice=notice, batch=batch) == 1
    assert batches(founders, notice) == []
    services.make_letters(principal=founders[0], notice=notice)
    notices.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    notices.stop_notice(principal=founders[0], notice=notice, reason=REASON)
    assert batches(founders, notice) == []
    assert {each.state for each in deliveries(notice)} == {DeliveryState.CALLED_OFF}
    close_incident(principal=founders[0], incident=incident, reason="Over", although_open=True)


def test_when_it_was_posted_counts_and_not_when_somebody_said_so(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.LETTERS)
    send()
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    made = clock.now() - timedelta(days=3)
    with transaction(SYSTEM) as tx:
        tx.execute(update(LetterBatch).values(made_at=made))
    for at in (clock.now() + timedelta(hours=1), made - timedelta(hours=1)):
        with pytest.raises(Rejected):
            services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=at)
    at = made + timedelta(hours=2)
    services.letters_posted(principal=founders[0], notice=notice, batch=batch, at=at)
    send()
    came_back(notice)
    assert told_at(incident) == at
    # A letter that got lost is printed again, but not for good.
    assert on_paper(founders, notice, batch).letters == 1
    with transaction(SYSTEM) as tx:
        tx.execute(update(LetterBatch).values(posted_at=clock.now() - services.PRINTED_AGAIN))
    with pytest.raises(Rejected):
        services.print_letters(principal=founders[0], notice=notice, batch=batch)


def test_more_than_a_batch_go_into_the_next(
    world: World, founders: Founders, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST", 2)
    notice = let_out(founders, incident, Audience.STAFF)
    send()
    came_back(notice)
    all_of_them = due(founders, notice).letters
    assert all_of_them > 2
    seen: Counter[str] = Counter()
    while due(founders, notice).letters:
        services.make_letters(principal=founders[0], notice=notice)
    for batch, number in batches(founders, notice):
        assert number <= 2
        said = printed(founders, notice, batch)
        seen.update(person.name for person in world.people.values() if f"Hello {person.name}," in said)
    assert sum(seen.values()) == all_of_them
    assert set(seen.values()) == {1}


def test_letters_that_tell_a_school_after_its_time_say_why(
    world: World, founders: Founders, incident: str
) -> None:
    due_in(incident, 10)
    notice = let_out(founders, incident, Audience.LETTERS)
    to_staff = let_out(founders, incident, Audience.STAFF)
    send()
    came_back(to_staff, account=world.people["teacher"].id)
    for each in (notice, to_staff):
        services.make_letters(principal=founders[0], notice=each)
    ((batch, _number),) = batches(founders, notice)
    ((of_staff, _number),) = batches(founders, to_staff)
    due_in(incident, -10)
    posted: dict[str, Any] = {"principal": founders[0], "notice": notice, "batch": batch, "at": clock.now()}
    # No school is told by what goes to its staff.
    services.letters_posted(**{**posted, "notice": to_staff, "batch": of_staff})
    for reason in ("", "too short"):
        with pytest.raises(Rejected) as rejected:
            services.letters_posted(**posted, late_reason=reason)
        assert set(rejected.value.fields) == {"late_reason"}
    assert services.letters_posted(**posted, late_reason=LATE) == 1
    assert late_reason_of(notice) == LATE
    assert late_reason_of(to_staff) is None
    assert timeline(incident)[-1][0::2] == ("told", LATE)
    sending.settle(WORKER)
    assert school().late_reason == LATE


def test_batches_that_are_posted_late_have_each_a_reason_of_its_own(
    world: World, founders: Founders, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST", 1)
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.id).where(Incident.public_id == incident)).one()
        place = {"place": "US-CA", "time_zone": "UTC", "students": 1, "staff": 1, "parents": 0}
        other = {"incident_id": number, "school_id": world.outside.id, **place}
        tx.add(ConcernedSchool(public_id=new_public_id(), **other))
        tx.get_one(School, world.outside.id).postal_address = "3 Low Road\nAlbany, NY 12205"
    due_in(incident, 10)
    notice = let_out(founders, incident, Audience.LETTERS)
    send()
    while due(founders, notice).letters:
        services.make_letters(principal=founders[0], notice=notice)
    due_in(incident, -10)
    reasons = [f"{LATE}, batch {number}" for number in (1, 2)]
    for (batch, _number), reason in zip(batches(founders, notice), reasons, strict=True):
        posted: dict[str, Any] = {"principal": founders[0], "notice": notice, "batch": batch}
        services.letters_posted(**posted, at=clock.now(), late_reason=reason)
    # Only now it is noted that the schools were told.
    sending.settle(WORKER)
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(ConcernedSchool)).all()
        assert sorted(each.late_reason or "" for each in kept) == reasons
        assert all(each.told_at for each in kept)


def test_letters_in_time_and_to_schools_that_know_say_nothing(founders: Founders, incident: str) -> None:
    due_in(incident, 10)
    notice, again = (let_out(founders, incident, Audience.LETTERS) for _ in range(2))
    send()
    for each in (notice, again):
        services.make_letters(principal=founders[0], notice=each)
        ((batch, _number),) = batches(founders, each)
        posted: dict[str, Any] = {"principal": founders[0], "notice": each, "batch": batch}
        services.letters_posted(**posted, at=clock.now(), late_reason=LATE)
        assert late_reason_of(each) is None
        sending.settle(WORKER)
        # The first has told the school.
        due_in(incident, -10)


def test_a_member_of_a_school_whose_mail_came_back_tells_it_by_letter(
    founders: Founders, incident: str
) -> None:
    """Mails to the leaders came back, so that the school was not told, until their letter is posted."""
    due_in(incident, 10)
    notice = let_out(founders, incident, Audience.SCHOOLS)
    send()
    came_back(notice)
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    due_in(incident, -10)
    posted: dict[str, Any] = {"principal": founders[0], "notice": notice, "batch": batch, "at": clock.now()}
    with pytest.raises(Rejected, match="Say why they were posted so late"):
        services.letters_posted(**posted)
    services.letters_posted(**posted, late_reason=LATE)
    sending.settle(WORKER)
    assert school().late_reason == LATE


def ready(founders: Founders) -> tuple[str, str]:
    """A notice to parents with a batch of one letter."""
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.public_id)).one()
    notice = let_out(founders, number, Audience.PARENTS)
    send()
    came_back(notice)
    services.make_letters(principal=founders[0], notice=notice)
    ((batch, _number),) = batches(founders, notice)
    return notice, batch


def kept() -> tuple[bytes | None, datetime | None, str | None]:
    wanted = (LetterBatch.pdf, LetterBatch.print_asked_at, LetterBatch.print_language)
    with transaction(SYSTEM) as tx:
        pdf, asked, spoken = tx.execute(select(*wanted)).one()
        return pdf, asked, spoken


@pytest.mark.usefixtures("incident")
def test_letters_are_prepared_once_by_a_worker_and_fetched_for_an_hour(founders: Founders) -> None:
    notice, batch = ready(founders)
    named: dict[str, Any] = {"notice": notice, "batch": batch}
    with pytest.raises(Rejected, match="not prepared"):
        services.fetch_letters(principal=founders[0], **named)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(QueuedJob))
    for who in founders:
        assert services.print_letters(principal=who, **named) == 1
    with transaction(SYSTEM) as tx:
        # While it is being prepared, asking again begins nothing.
        assert list(tx.scalars(select(QueuedJob.task_name))) == [services.PRINT]
    with pytest.raises(Rejected, match="not prepared"):
        services.fetch_letters(principal=founders[0], **named)
    told: list[int] = []
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(LetterBatch.id)).one()
    assert services.prepare(WORKER, number, told=told.append) == 1
    assert told == [1]
    # Run again it finds it done.
    assert services.prepare(WORKER, number) == 0
    for who in founders:
        done = services.fetch_letters(principal=who, **named)
        assert done is not None
        assert done.pdf.startswith(b"%PDF")
    assert services.forget_prints(WORKER) == 0
    with transaction(SYSTEM) as tx:
        tx.execute(update(LetterBatch).values(print_asked_at=clock.now() - queries.READY_FOR))
    assert services.forget_prints(WORKER) == 1
    assert kept() == (None, None, None)
    with pytest.raises(Rejected, match="not prepared"):
        services.fetch_letters(principal=founders[0], **named)


@pytest.mark.usefixtures("incident")
@pytest.mark.parametrize(
    ("subject", "stays"), [(Subject.ACCOUNT, False), (Subject.SCHOOL, False), (Subject.STUDENT, True)]
)
def test_what_is_prepared_goes_with_whoever_is_erased(
    founders: Founders, subject: Subject, stays: bool
) -> None:
    """What a worker shapes just then is not kept either: it was asked for before."""
    notice, batch = ready(founders)
    services.print_letters(principal=founders[0], notice=notice, batch=batch)
    shape(batch)
    with transaction(SYSTEM) as tx:
        services.forget_erased(tx, SubjectErased(erasure="r", subject=subject, outside=()))
    assert (kept()[0] is not None) is stays
    assert (kept()[1] is not None) is stays


@pytest.mark.usefixtures("incident")
def test_what_was_prepared_for_others_is_given_to_nobody(world: World, founders: Founders) -> None:
    """Somebody was erased, has another name, or moved meanwhile: nobody gets the letter of before."""
    notice, batch = ready(founders)
    named: dict[str, Any] = {"principal": founders[0], "notice": notice, "batch": batch}
    services.print_letters(**named)
    shape(batch)
    put(world, school="1 Elsewhere Road")
    assert services.fetch_letters(**named) is None
    assert kept()[0] is None
    with pytest.raises(Rejected, match="not prepared"):
        services.fetch_letters(**named)
    shape(batch)
    done = services.fetch_letters(**named)
    assert done is not None
    assert "1 Elsewhere Road" in text_of(done.pdf)
    notices.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    with pytest.raises(Rejected, match="Nothing is to be printed"):
        services.fetch_letters(**named)


@pytest.mark.usefixtures("incident")
def test_what_a_worker_never_finished_is_asked_for_again(founders: Founders) -> None:
    notice, batch = ready(founders)
    named: dict[str, Any] = {"principal": founders[0], "notice": notice, "batch": batch}
    services.print_letters(**named)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(QueuedJob))
        asked = clock.now() - services.GIVEN_UP_AFTER
        tx.execute(update(LetterBatch).values(print_asked_at=asked))
    services.print_letters(**named)
    with transaction(SYSTEM) as tx:
        assert list(tx.scalars(select(QueuedJob.task_name))) == [services.PRINT]


@pytest.mark.usefixtures("incident")
def test_what_is_prepared_is_sealed_and_for_founders(
    world: World, founders: Founders, runtime: Runtime
) -> None:
    notice, batch = ready(founders)
    named: dict[str, Any] = {"notice": notice, "batch": batch}
    services.print_letters(principal=founders[0], **named)
    shape(batch)
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        pdf = connection.execute(text("select pdf from plugin_notifications.letter_batch")).scalar_one()
    assert b"%PDF" not in bytes(pdf)
    functions = func.plugin_notifications
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(LetterBatch.id)).one()
    for role in ("leader", "teacher", "officer"):
        who = world.sign_in(role)
        with pytest.raises((NotFound, Denied)):
            services.fetch_letters(principal=who, **named)
        with transaction(who) as tx:
            assert tx.rows(select(LetterBatch.id)) == []
            assert not tx.scalar(select(functions.ask_for_print(number, clock.now(), "en")))
    # Whom letters go to without being asked who one is: the worker's alone.
    with pytest.raises(ProgrammingError, match="permission denied"), transaction(founders[0]) as tx:
        tx.rows(select(functions.letters_to(number, clock.now()).table_valued("delivery_id")))
    with transaction(SYSTEM) as tx:
        long_ago = clock.now() - LASTS
        tx.execute(update(AccountSession).values(proven_at=long_ago))
    with pytest.raises(ProofNeeded):
        services.fetch_letters(principal=founders[0], **named)
