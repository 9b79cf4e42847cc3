"""A drill is played after a script: what comes in is answered once, and is told to nobody before."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from plugins.notifications import schools
from plugins.notifications.contracts import Terms
from plugins.notifications.drills import queries, services
from plugins.notifications.drills.models import Drill
from plugins.notifications.drills.scripts import BY_NAME, SCRIPTS
from plugins.notifications.models import ConcernedSchool, Counted, Incident
from plugins.notifications.services import close_incident
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens, row_of
from tests.plugins.notifications.drills.conftest import concern_home, drill_of, events_of, go_on, play
from tests.plugins.notifications.notices.conftest import Founders, timeline

DONE = "We call the leader, and write down what was said"


def test_a_script_begins_an_incident_that_is_played(founders: Founders) -> None:
    made = play(founders[0], "stolen-laptop")
    row, drill, script = row_of(made), drill_of(made), BY_NAME["stolen-laptop"]
    assert (row.is_drill, row.what) == (True, str(script.what))
    assert (drill.script, drill.faster, drill.score) == ("stolen-laptop", 60, None)
    comes = [
        (each.name, each.comes_at - drill.begun_at, each.late_at - each.comes_at) for each in events_of(made)
    ]
    assert comes == [
        (each.name, timedelta(minutes=each.after), timedelta(minutes=each.within)) for each in script.events
    ]


def test_the_same_form_begins_one(founders: Founders) -> None:
    form = str(uuid4())
    made = {services.play(principal=founders[0], script="mail-service", form=form) for _ in range(2)}
    assert len(made) == 1
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Drill)) == 1


def test_an_unknown_script_and_an_unknown_form_begin_none(founders: Founders) -> None:
    with pytest.raises(Rejected, match="Choose one"):
        services.play(principal=founders[0], script="narwhal", form=str(uuid4()))
    with pytest.raises(Rejected):
        services.play(principal=founders[0], script="mail-service", form="narwhal")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Incident)) == 0


def test_a_drill_of_ones_own_has_no_script_and_runs_as_fast(opens: Opens) -> None:
    made = opens(is_drill=True)
    drill = drill_of(made)
    assert (drill.script, drill.faster, events_of(made)) == (None, 60, [])


def test_what_came_in_is_answered_once(founders: Founders) -> None:
    made = play(founders[0])
    first = events_of(made)[0]
    with time_machine.travel(first.comes_at + timedelta(minutes=1), tick=True):
        services.answer_event(principal=founders[1], event=first.public_id, answer=f" {DONE} ")
        with pytest.raises(Rejected, match="answered already"):
            services.answer_event(principal=founders[0], event=first.public_id, answer="Something else")
    answered = events_of(made)[0]
    assert (answered.answer, answered.answered_by) == (DONE, founders[1].account_id)
    said = [line for _kind, line, _reason in timeline(made)]
    assert said[-2:] == [f"Came in: {SCRIPTS[0].events[0].said}", f"Done about it: {DONE}"]
    with transaction(SYSTEM) as tx:
        noted = select(func.count()).where(AuditEntry.verb == "incidents.answer-event")
        assert tx.scalar(noted) == 1


def test_what_is_still_to_come_is_told_to_nobody(founders: Founders) -> None:
    made = play(founders[0])
    second = events_of(made)[1]
    with pytest.raises(Rejected, match="not come in yet"):
        services.answer_event(principal=founders[0], event=second.public_id, answer=DONE)
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == made)).one()
        assert queries.came_in(tx, row, at=clock.now()) == []
        assert queries.is_more_to_come(tx, row, at=clock.now())
        later = clock.now() + timedelta(minutes=9)
        assert [each.name for each in queries.came_in(tx, row, at=later)] == ["leader-calls", "more-classes"]


@pytest.mark.parametrize("answer", ["", " \n ", "x" * 4001])
def test_an_answer_has_words(founders: Founders, answer: str) -> None:
    made = play(founders[0])
    first = events_of(made)[0]
    with time_machine.travel(first.comes_at, tick=True), pytest.raises(Rejected):
        services.answer_event(principal=founders[0], event=first.public_id, answer=answer)


def test_nobody_but_founders_plays(world: World, founders: Founders) -> None:
    made = play(founders[0])
    first = events_of(made)[0]
    for role in ("teacher", "leader", "parent"):
        who = world.sign_in(role)
        with pytest.raises(Denied):
            play(who)
        with pytest.raises(NotFound):
            services.answer_event(principal=who, event=first.public_id, answer=DONE)
        with transaction(who) as tx:
            for table in ("drill", "drill_event"):
                assert tx.execute(text(f"select count(*) from plugin_notifications.{table}")).scalar() == 0


def test_what_was_scored_or_answered_stays_as_it_was(founders: Founders) -> None:
    made = play(founders[0])
    go_on(made, timedelta(minutes=5))
    first = events_of(made)[0]
    services.answer_event(principal=founders[0], event=first.public_id, answer=DONE)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Drill).values(score=7, parts=[]))
    # While it is open, too.
    with transaction(founders[0]) as tx:
        again = tx.execute(text("update plugin_notifications.drill set score = 100, parts = '{}'"))
        assert again.rowcount == 0  # type: ignore[attr-defined]
        answers = tx.execute(
            text("update plugin_notifications.drill_event set answer = 'x' where id = :id"), {"id": first.id}
        )
        assert answers.rowcount == 0  # type: ignore[attr-defined]
    assert drill_of(made).score == 7
    for words in ("set faster = 1", "set begun_at = now()"):
        with pytest.raises(ProgrammingError), transaction(founders[0]) as tx:
            tx.execute(text(f"update plugin_notifications.drill {words}"))


def test_nothing_is_answered_once_it_is_closed(founders: Founders) -> None:
    made = play(founders[0])
    go_on(made, timedelta(minutes=9))
    first, second, *_ = events_of(made)
    services.answer_event(principal=founders[0], event=first.public_id, answer=DONE)
    close_incident(principal=founders[0], incident=made, reason=DONE, although_open=True)
    with pytest.raises(Rejected, match="closed"):
        services.answer_event(principal=founders[0], event=second.public_id, answer=DONE)
    with transaction(founders[0]) as tx:
        late = text("update plugin_notifications.drill_event set answer = 'x' where id = :id")
        assert tx.execute(late, {"id": second.id}).rowcount == 0  # type: ignore[attr-defined]
    said = [line for _kind, line, _reason in timeline(made)]
    assert said[-2:] == [f"Came in, and was not answered: {SCRIPTS[0].events[1].said}", DONE]


def test_what_is_done_in_the_first_minute_comes_after_the_beginning(world: World, founders: Founders) -> None:
    made = play(founders[0])
    school = concern_home(world, founders[0], made)
    this_minute = clock.now().replace(second=0, microsecond=0)
    assert row_of(made).noticed_at <= this_minute
    schools.tell_school(principal=founders[0], school=school, at=this_minute, late_reason="")


def test_what_a_drill_invents_of_a_contract_is_remembered_by_no_incident(
    world: World, founders: Founders, opens: Opens
) -> None:
    made = play(founders[0])
    school = concern_home(world, founders[0], made)
    terms = Terms("contract-hours", 24, Counted.NOTICED)
    schools.state_contract(principal=founders[0], school=school, terms=terms, whole_district=False)
    real = opens()
    concern_home(world, founders[0], real)
    with transaction(SYSTEM) as tx:
        of_it = select(ConcernedSchool).join(Incident, Incident.id == ConcernedSchool.incident_id)
        assert tx.scalars(of_it.where(Incident.public_id == real)).one().contract_rule is None


def test_a_real_incident_is_never_played(founders: Founders, opens: Opens) -> None:
    made = row_of(opens())
    with pytest.raises(ProgrammingError), transaction(founders[0]) as tx:
        tx.add(Drill(id=tx.take_id(Drill), incident_id=made.id, begun_at=clock.now(), faster=60))
        tx.flush()
