"""Calling systems of districts: each call by one worker, outside of any transaction, and tried again.

The attempt is counted and the next one set before the call is made. A worker that is killed in between leaves
a call that is made again, with the same identifier, and never one that is lost.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import founders
from backoffice.audit.trail import record
from backoffice.messages.services import tell
from plugins.notifications.hooks import calling, content, mails, queries, signing
from plugins.notifications.hooks.models import CallState, DistrictHook, HookCall
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Notice

_MINUTES, _HOURS = ((1, 5, 30), (2, 5, 10, 24, 24))
# What comes after each attempt but the last.
AFTER = (*(timedelta(minutes=n) for n in _MINUTES), *(timedelta(hours=n) for n in _HOURS))
MOST = len(AFTER) + 1
# So long whoever makes the last attempt has it to itself; a call takes seconds.
LAST = timedelta(minutes=1)
# A run makes so many calls at once, and begins none after so many seconds: other work waits for its worker.
AT_ONCE, A_RUN = 8, 20.0


@dataclass(frozen=True)
class Claimed:
    """A call that is about to be made. Its secrets are in no message."""

    number: int
    public_id: str
    attempt: int
    is_test: bool
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    body: bytes = field(repr=False)


def note_due(who: Purpose) -> int:
    """Have systems of districts called by notices that went out since; how many."""
    with transaction(who) as tx:
        return queries.note_due(tx, at=clock.now())


def call_all(who: Purpose, *, private: bool, progress: Callable[[int], None], lasts: float = A_RUN) -> int:
    """Make the calls that are due, and begin none after so many seconds; how many were delivered.

    The others are made by the next run.
    """
    delivered, done, ends = 0, 0, time.perf_counter() + lasts
    with ThreadPoolExecutor(AT_ONCE) as calls:
        while time.perf_counter() < ends and (some := list(_claimed(who))):
            # Threads call, and no more: what came of it is written here.
            answers = calls.map(lambda each: _answer(each, private=private), some)
            for each, status in zip(some, answers, strict=True):
                delivered += _keep(who, each, status)
            done += len(some)
            progress(done)
    return delivered


def give_up(who: Purpose) -> int:
    """Give up what nobody will call any more; how many. And have new secrets stand alone after a day."""
    with transaction(who) as tx:
        queries.take_over_secrets(tx, at=clock.now())
        ended = queries.give_up(tx, at=clock.now(), most=MOST)
        for each in ended:
            if each.was_tried:
                _tell_founders(tx, each.id)
    return len(ended)


def _tell_founders(tx: Transaction, number: int) -> None:
    """Tell the founders that a district's system was not reached: of each notice once."""
    about = queries.unanswered(tx, number)
    if about is None:
        return
    told = mails.CallGivenUp(about.district, about.incident, about.notice, clock.now())
    for founder in founders(tx):
        once = f"{about.id} {about.district_id}"
        tell(tx, mails.GIVEN_UP_MESSAGE, to=founder, parameters=told, subject=about.notice, once=once)
    record(tx, "hooks.give-up", notice=about.id, district=about.district_id)


def claim(who: Purpose) -> Claimed | None:
    """Take the next call that is due, and count the attempt; none if there is none."""
    now = clock.now()
    with transaction(who) as tx:
        while row := queries.next_due(tx, at=now, most=MOST):
            call: HookCall = row.HookCall
            hook: DistrictHook = row.DistrictHook
            body = _body(tx, call, hook.district_id)
            if body is None:
                # None of its schools is concerned any more.
                call.state, call.finished_at, call.body = CallState.GIVEN_UP, now, None
                tx.flush()
                continue
            is_test = call.notice_id is None
            pause = LAST if is_test or call.attempts >= len(AFTER) else AFTER[call.attempts]
            call.attempts, call.next_try_at, call.body = call.attempts + 1, now + pause, body
            secrets = _secrets(hook, at=now)
            return Claimed(call.id, call.public_id, call.attempts, is_test, hook.url, secrets, body)
    return None


def _body(tx: Transaction, call: HookCall, district: int) -> bytes | None:
    """What is sent: each time what was sent the first time. None where no school is concerned any more."""
    if call.notice_id is None:
        return call.body or content.of_test(call.created_at)
    notice = tx.get_one(Notice, call.notice_id)
    schools = queries.concerned(tx, notice, district)
    if not schools:
        return None
    incident = tx.get_one(Incident, notice.incident_id)
    return call.body or content.of_notice(call.created_at, notice, incident, schools)


def _secrets(hook: DistrictHook, *, at: datetime) -> tuple[str, ...]:
    """With what calls are signed: for a day after a new secret was made, with the one before as well."""
    if hook.newer_secret is None or hook.renewed_at is None:
        return (hook.secret,)
    is_old = hook.renewed_at <= at - queries.BOTH_SIGN
    return (hook.newer_secret,) if is_old else (hook.newer_secret, hook.secret)


def _claimed(who: Purpose) -> Iterator[Claimed]:
    """As many as are made at once."""
    for _ in range(AT_ONCE):
        claimed = claim(who)
        if claimed is None:
            return
        yield claimed


def _answer(claimed: Claimed, *, private: bool) -> int | None:
    """The status that a call is answered with; None for no answer."""
    signed = signing.headers(claimed.secrets, call=claimed.public_id, at=clock.now(), body=claimed.body)
    try:
        return calling.call(claimed.url, claimed.body, signed, private=private)
    except calling.NoAnswer:
        return None


def _keep(who: Purpose, claimed: Claimed, status: int | None) -> bool:
    """Write down what came of a call; whether it was delivered."""
    is_over = claimed.is_test or claimed.attempt >= MOST or status == HTTPStatus.GONE
    is_delivered = status is not None and HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES
    state = CallState.DELIVERED if is_delivered else CallState.GIVEN_UP if is_over else CallState.WAITING
    now = clock.now()
    with transaction(who) as tx:
        was_kept = queries.finish(
            tx,
            claimed.number,
            attempt=claimed.attempt,
            state=state,
            last_status=status,
            finished_at=None if state is CallState.WAITING else now,
        )
        if was_kept and state is CallState.GIVEN_UP:
            _tell_founders(tx, claimed.number)
    return is_delivered
