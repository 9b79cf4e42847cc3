"""Calls are signed, made once by each notice, tried again, and given up."""

import base64
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import delete, select, update

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.messages.models import Message
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import District, School
from backoffice.storage.public_id import new_public_id
from plugins.notifications import schools
from plugins.notifications.hooks import queries, sending, services
from plugins.notifications.hooks.models import CallState, DistrictHook, HookCall
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import sending as written
from plugins.notifications.notices import services as notices
from plugins.notifications.notices.models import Audience, Notice
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.hooks.conftest import CALLER, again, calls, set_up, work
from tests.plugins.notifications.hooks.sink import Sink
from tests.plugins.notifications.notices.conftest import (
    BOTH,
    REASON,
    WORKER,
    Founders,
    let_out,
    mails,
    propose,
    proven,
    row_of,
)

GIVEN_UP = "notifications.hook-given-up"
SPANS = (1, 5, 30, 120, 300, 600, 1440, 1440)


@pytest.fixture
def secret(world: World, leader: Principal, sink: Sink) -> str:
    return set_up(world, leader, sink.url)


def test_a_call_is_signed_and_says_what_the_notice_says(
    world: World, founders: Founders, incident: str, secret: str, sink: Sink
) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    assert work() == 1
    ((headers, body),) = sink.got
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
    said = json.loads(body)
    assert said["type"] == "notice.schools"
    assert said["data"] == {
        "notice": notice,
        "incident": incident,
        "wording": BOTH,
        "schools": [
            {
                "id": world.home.public_id,
                "name": "Home Hollow School",
                "students": 2,
                "staff": 3,
                "parents": 1,
            }
        ],
    }
    (call,) = calls()
    assert (call.state, call.attempts, call.last_status) == (CallState.DELIVERED, 1, 204)
    assert call.finished_at is not None
    assert work() == 0
    assert len(sink.got) == 1


@pytest.mark.parametrize("audience", [Audience.STAFF, Audience.PARENTS, Audience.LETTERS, Audience.BANNER])
@pytest.mark.usefixtures("secret")
def test_only_notices_to_schools_call(
    founders: Founders, incident: str, sink: Sink, audience: Audience
) -> None:
    let_out(founders, incident, audience)
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_what_was_not_let_out_calls_nobody(founders: Founders, incident: str, sink: Sink) -> None:
    propose(founders[0], incident, Audience.SCHOOLS)
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_a_drill_calls_nobody(founders: Founders, drill: str, sink: Sink) -> None:
    let_out(founders, drill, Audience.SCHOOLS)
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_a_district_that_is_not_concerned_is_not_called(
    world: World, founders: Founders, incident: str, sink: Sink
) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(school_id=world.outside.id))
    let_out(founders, incident, Audience.SCHOOLS)
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_a_school_that_was_left_out_meanwhile_is_not_told_of(
    founders: Founders, incident: str, sink: Sink
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(left_out_at=clock.now()))
    assert (work(), sink.got) == (0, [])
    assert [each.state for each in calls()] == [CallState.GIVEN_UP]


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("status", [500, 404, 302])
def test_it_is_tried_nine_times_and_given_up(
    founders: Founders, incident: str, sink: Sink, status: int
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sink.status = status
    at = clock.now()
    with time_machine.travel(at, tick=False) as now:
        work()
        for tried, minutes in enumerate(SPANS, start=1):
            assert len(sink.got) == tried
            now.shift(timedelta(minutes=minutes) - timedelta(seconds=1))
            work()
            assert len(sink.got) == tried, minutes
            assert calls()[0].state == CallState.WAITING
            now.shift(timedelta(seconds=1))
            work()
        (call,) = calls()
        assert (call.state, call.attempts, call.last_status) == (CallState.GIVEN_UP, 9, status)
        assert len(mails(GIVEN_UP)) == 2
        # What was sent is kept while it is tried again, and no longer.
        assert call.body is None
        now.shift(timedelta(days=9))
        work()
    assert len(sink.got) == 9
    assert len({headers["webhook-id"] for headers, _ in sink.got}) == 1
    assert len({body for _, body in sink.got}) == 1


@pytest.mark.usefixtures("secret")
def test_one_that_comes_back_gets_it(founders: Founders, incident: str, sink: Sink) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sink.status = 503
    assert work() == 0
    sink.status = 200
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
        assert work() == 1
    assert [(each.state, each.attempts) for each in calls()] == [(CallState.DELIVERED, 2)]


@pytest.mark.usefixtures("secret")
def test_one_that_is_gone_is_given_up_at_once(founders: Founders, incident: str, sink: Sink) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sink.status = 410
    work()
    assert [(each.state, each.attempts) for each in calls()] == [(CallState.GIVEN_UP, 1)]


@pytest.mark.usefixtures("secret")
def test_a_worker_that_is_killed_before_the_answer_costs_one_call_more(
    founders: Founders, incident: str, sink: Sink
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    assert sending.claim(CALLER) is not None
    # It has called or not, and nobody knows.
    assert sending.claim(CALLER) is None
    assert (work(), sink.got) == (0, [])
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
        assert work() == 1
    assert [(each.state, each.attempts) for each in calls()] == [(CallState.DELIVERED, 2)]


@pytest.mark.usefixtures("secret")
def test_one_that_is_killed_in_the_last_attempt_leaves_nothing_waiting(
    founders: Founders, incident: str, sink: Sink
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    with time_machine.travel(clock.now(), tick=False) as now:
        for _ in range(sending.MOST):
            assert sending.claim(CALLER) is not None
            now.shift(timedelta(days=2))
        assert sending.claim(CALLER) is None
        work()
    assert [(each.state, each.attempts, each.body) for each in calls()] == [(CallState.GIVEN_UP, 9, None)]
    assert sink.got == []
    assert len(mails(GIVEN_UP)) == 2


@pytest.mark.usefixtures("secret")
def test_two_runs_at_once_call_once(founders: Founders, incident: str, sink: Sink) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sink.pause = 0.3
    runs = [threading.Thread(target=work) for _ in range(3)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert len(sink.got) == 1
    assert [(each.state, each.attempts) for each in calls()] == [(CallState.DELIVERED, 1)]


@pytest.mark.usefixtures("secret")
def test_a_notice_that_is_paused_holds_what_waits(founders: Founders, incident: str, sink: Sink) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    notices.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    assert (work(), sink.got) == (0, [])
    notices.resume_notice(principal=founders[0], notice=notice)
    assert work() == 1


@pytest.mark.usefixtures("secret")
def test_one_that_was_paused_before_is_not_begun(founders: Founders, incident: str, sink: Sink) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    notices.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_one_that_is_stopped_gives_up_what_waits(founders: Founders, incident: str, sink: Sink) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    for do in (notices.pause_notice, notices.stop_notice):
        do(principal=founders[0], notice=notice, reason=REASON)
    assert (work(), sink.got) == (0, [])
    assert [each.state for each in calls()] == [CallState.GIVEN_UP]


@pytest.mark.usefixtures("secret")
def test_an_address_that_is_removed_gives_up_what_waits(
    world: World, founders: Founders, incident: str, leader: Principal, sink: Sink
) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    services.remove_hook(principal=again(leader), school=world.home.public_id)
    assert (work(), sink.got) == (0, [])
    (call,) = calls()
    assert (call.state, call.hook_id, call.notice_id) == (CallState.GIVEN_UP, None, row_of(notice).id)


def test_what_may_not_be_called_any_more_is_not(
    world: World, founders: Founders, incident: str, leader: Principal, sink: Sink
) -> None:
    """Set while private addresses were allowed, and called when they are not."""
    set_up(world, leader, sink.url)
    let_out(founders, incident, Audience.SCHOOLS)
    assert (work(private=False), sink.got) == (0, [])
    (call,) = calls()
    assert (call.state, call.last_status) == (CallState.WAITING, None)


@pytest.mark.usefixtures("secret")
def test_a_test_is_sent_once(world: World, leader: Principal, sink: Sink) -> None:
    services.send_test(principal=leader, school=world.home.public_id)
    sink.status = 500
    assert work() == 0
    ((_, body),) = sink.got
    assert (json.loads(body)["type"], json.loads(body)["data"]) == ("test", {})
    assert [(each.state, each.last_status) for each in calls()] == [(CallState.GIVEN_UP, 500)]
    sink.status = 200
    services.send_test(principal=leader, school=world.home.public_id)
    assert work() == 1
    assert len(sink.got) == 2


@pytest.mark.usefixtures("secret")
def test_what_went_out_before_there_was_an_address_calls_nobody(
    founders: Founders, incident: str, sink: Sink
) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    with transaction(SYSTEM) as tx:
        sent = {"state": "sent", "sent_at": clock.now()}
        tx.execute(update(Notice).where(Notice.public_id == notice).values(**sent))
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_whoever_is_added_once_it_went_out_is_not_called(
    world: World, founders: Founders, incident: str, sink: Sink
) -> None:
    """Two founders have decided about the schools that were concerned then."""
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(school_id=world.outside.id))
    let_out(founders, incident, Audience.SCHOOLS)
    written.send_notices(WORKER, progress=lambda _done: None)
    schools.concern(principal=founders[0], incident=incident, place=world.home.public_id)
    assert (work(), calls(), sink.got) == (0, [], [])


@pytest.mark.usefixtures("secret")
def test_what_is_written_to_everybody_before_anybody_looks_calls_all_the_same(
    founders: Founders, incident: str, sink: Sink
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    written.send_notices(WORKER, progress=lambda _done: None)
    assert work() == 1
    assert len(sink.got) == 1


@pytest.mark.usefixtures("secret")
def test_a_district_is_told_of_its_own_schools_alone(
    world: World, founders: Founders, incident: str, sink: Sink
) -> None:
    with transaction(SYSTEM) as tx:
        where = {"country": "US", "state": "CA", "time_zone": "America/Los_Angeles", "language": "en"}
        other = District(public_id=new_public_id(), name="Walrus District", created_at=clock.now(), **where)
        tx.add(other)
        tx.flush()
        tx.execute(update(School).where(School.id == world.outside.id).values(district_id=other.id))
        number = tx.scalars(select(Incident.id).where(Incident.public_id == incident)).one()
        place = {"place": "US-CA", "time_zone": "America/Los_Angeles", "school_id": world.outside.id}
        people = {"students": 7, "staff": 7, "parents": 7}
        tx.add(ConcernedSchool(public_id=new_public_id(), incident_id=number, **place, **people))
    try:
        let_out(founders, incident, Audience.SCHOOLS)
        assert work() == 1
        ((_headers, body),) = sink.got
        assert [each["id"] for each in json.loads(body)["data"]["schools"]] == [world.home.public_id]
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == world.outside.id).values(district_id=None))
            tx.execute(delete(District).where(District.id == other.id))


@pytest.mark.usefixtures("secret")
def test_a_run_ends_in_time_whatever_systems_do(founders: Founders, incident: str, sink: Sink) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    assert (work(lasts=0), sink.got) == (0, [])
    assert [each.attempts for each in calls()] == [0]


@pytest.mark.usefixtures("secret")
def test_old_trials_are_forgotten(world: World, leader: Principal, sink: Sink) -> None:
    services.send_test(principal=leader, school=world.home.public_id)
    work()
    assert len(calls()) == 1
    with transaction(SYSTEM) as tx:
        tx.execute(update(HookCall).values(finished_at=clock.now() - timedelta(days=31)))
    work()
    assert calls() == []
    assert len(sink.got) == 1


@pytest.mark.usefixtures("secret")
def test_what_is_tried_again_is_what_was_sent_first(
    world: World, founders: Founders, incident: str, sink: Sink
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sink.status = 503
    work()
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(students=77))
        tx.execute(update(School).where(School.id == world.home.id).values(name="Gnu School"))
    try:
        assert calls()[0].body == sink.got[0][1]
        sink.status = 204
        with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
            assert work() == 1
        (_, first), (_, second) = sink.got
        assert first == second
        assert calls()[0].body is None
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(School).where(School.id == world.home.id).values(name="Home Hollow School"))


@pytest.mark.usefixtures("secret")
def test_what_was_sent_is_forgotten_however_it_ends(
    world: World, founders: Founders, incident: str, leader: Principal, sink: Sink
) -> None:
    sink.status = 503
    notice = let_out(founders, incident, Audience.SCHOOLS)
    work()
    assert calls()[0].body is not None
    for do in (notices.pause_notice, notices.stop_notice):
        do(principal=founders[0], notice=notice, reason=REASON)
    work()
    let_out(founders, incident, Audience.SCHOOLS)
    work()
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(left_out_at=clock.now()))
        tx.execute(update(HookCall).values(next_try_at=clock.now()))
    work()
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(left_out_at=None))
    let_out(founders, incident, Audience.SCHOOLS)
    work()
    services.remove_hook(principal=again(leader), school=world.home.public_id)
    assert [(each.state, each.body) for each in calls()] == [(CallState.GIVEN_UP, None)] * 3
    # Nobody has failed to reach anybody: that was decided.
    assert mails(GIVEN_UP) == []


def signatures(secrets: list[str], headers: dict[str, str], body: bytes) -> str:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    keys = [base64.b64decode(each.removeprefix("whsec_")) for each in secrets]
    made = [base64.b64encode(hmac.new(key, signed, sha256).digest()).decode() for key in keys]
    return " ".join(f"v1,{each}" for each in made)


def test_for_a_day_a_new_secret_and_the_one_before_both_sign(
    world: World, leader: Principal, secret: str, sink: Sink
) -> None:
    school = world.home.public_id
    lost = services.renew_secret(principal=leader, school=school)
    newer = services.renew_secret(principal=leader, school=school)
    assert len({secret, lost, newer}) == 3
    at = clock.now()

    def called() -> tuple[dict[str, str], bytes]:
        services.send_test(principal=proven(world, "leader"), school=school)
        assert work() == 1
        return sink.got[-1]

    for after, signs in (
        (timedelta(minutes=1), [newer, secret]),
        (timedelta(hours=23), [newer, secret]),
        (timedelta(hours=24, seconds=1), [newer]),
        (timedelta(hours=25), [newer]),
    ):
        with time_machine.travel(at + after, tick=False):
            headers, body = called()
        assert headers["webhook-signature"] == signatures(signs, headers, body), after
    with transaction(SYSTEM) as tx:
        hook = tx.scalars(select(DistrictHook)).one()
        # Nothing of the old one is left.
        assert (hook.secret, hook.newer_secret, hook.renewed_at) == (newer, None, None)


def test_after_the_day_a_newer_secret_waits_until_a_worker_has_put_the_old_one_away(
    world: World, leader: Principal, secret: str, sink: Sink
) -> None:
    """The district's system knows the newer one alone by then: no call may go out without it."""
    school = world.home.public_id
    known = services.renew_secret(principal=leader, school=school)
    with time_machine.travel(clock.now() + queries.BOTH_SIGN, tick=False):
        with pytest.raises(Rejected, match="just being put away"):
            services.renew_secret(principal=proven(world, "leader"), school=school)
        services.send_test(principal=proven(world, "leader"), school=school)
        assert work() == 1
        headers, body = sink.got[-1]
        assert headers["webhook-signature"] == signatures([known], headers, body)
        # Now it can be renewed, and the one that is known signs on.
        newest = services.renew_secret(principal=proven(world, "leader"), school=school)
        services.send_test(principal=proven(world, "leader"), school=school)
        assert work() == 1
        headers, body = sink.got[-1]
        assert headers["webhook-signature"] == signatures([newest, known], headers, body)


@pytest.mark.usefixtures("secret")
def test_founders_are_told_once_of_a_call_that_was_given_up(
    world: World, founders: Founders, incident: str, leader: Principal, sink: Sink
) -> None:
    notice = let_out(founders, incident, Audience.SCHOOLS)
    sink.status = 410
    work()
    told = mails(GIVEN_UP)
    assert len(told) == 2
    assert {to for to, _said in told} == {world.people[role].email for role in ("founder", "outsider")}
    assert all(notice in said and incident in said for _to, said in told)
    assert not any(sink.url in said or "key=1" in said for _to, said in told)
    with transaction(SYSTEM) as tx:
        kinds = select(Message.subject, Message.kind).where(Message.kind == GIVEN_UP)
        assert tx.execute(kinds).all() == [(notice, GIVEN_UP)] * 2
    # A second address of the same district, and the same notice.
    services.remove_hook(principal=again(leader), school=world.home.public_id)
    set_up(world, again(leader), sink.url)
    work()
    assert len(mails(GIVEN_UP)) == 2
    # Another notice is another.
    let_out(founders, incident, Audience.SCHOOLS)
    work()
    assert len(mails(GIVEN_UP)) == 4


@pytest.mark.usefixtures("secret", "founders")
def test_nobody_is_told_of_a_trial(world: World, leader: Principal, sink: Sink) -> None:
    services.send_test(principal=leader, school=world.home.public_id)
    sink.status = 410
    work()
    assert mails(GIVEN_UP) == []


CALLER_PROCESS = """
import sys
from pathlib import Path
from backoffice.access.principal import Purpose
from backoffice.runtime import open_runtime
from backoffice.settings import Settings
import plugins.notifications
from plugins.notifications.hooks import sending
keyring, address = sys.argv[1:]
open_runtime(Settings(keyring_file=Path(keyring)), address)
sending.call_all(Purpose("test"), private=True, progress=lambda done: None)
"""


@pytest.mark.usefixtures("secret")
def test_a_worker_that_is_killed_while_it_calls_leads_to_one_double(
    runtime: Runtime, keyring_file: Path, founders: Founders, incident: str, sink: Sink
) -> None:
    let_out(founders, incident, Audience.SCHOOLS)
    sending.note_due(CALLER)
    # It has everything, and the worker waits for its answer.
    sink.pause = 4
    line = [sys.executable, "-c", CALLER_PROCESS, str(keyring_file), runtime.database.address]
    process = subprocess.Popen(line)
    ends = time.monotonic() + 30
    while not sink.got:
        assert process.poll() is None, "It ended before it could be killed."
        assert time.monotonic() < ends
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    sink.pause = 0
    (call,) = calls()
    assert (call.state, call.attempts) == (CallState.WAITING, 1)
    assert (work(), len(sink.got)) == (0, 1)
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
        assert work() == 1
        assert work() == 0
    (first, body), (second, again_body) = sink.got
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again_body
    assert [(each.state, each.attempts, each.body) for each in calls()] == [(CallState.DELIVERED, 2, None)]
