"""Whether people get rid of what they delete, at once: by the nightly test, and by all erasures of late."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from backoffice import clock
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.privacy.canary.trial import BEFORE_ERASING, NOT_CLEARED
from backoffice.privacy.erasure.models import AskedAs, Canary, Erasure, ErasureOutside, Stage
from backoffice.privacy.holdings import Subject

LATELY = timedelta(days=30)
# One night may be missed, and two are not.
NIGHTS = timedelta(days=2)
# After that long, whatever interrupted it does not go away by itself.
UNFINISHED = timedelta(hours=1)
OUTSIDE = timedelta(days=1)
# A legal hold is an obligation to wait: from its end on it is as if it had been confirmed then.
BEGAN = func.coalesce(Erasure.freed_at, Erasure.confirmed_at)
NOT_YET = "The nightly test of erasing has not run yet."


def teacher_deletion(look: Looking) -> Finding:
    """The last nightly test made, corrected, exported and erased a child, a class and an account."""
    last = _last(look)
    if last is None:
        return not_exercised(NOT_YET)
    if wrong := _what_failed(last):
        return falls_short(wrong)
    slowest = _slowest(look)
    said = f"; the slowest deletion of 30 days took {_seconds(slowest)}" if slowest is not None else ""
    return holds(
        f"On {last.begun_at:%Y-%m-%d} a made-up child was added, corrected, exported and erased, then its"
        f" class and its teacher's account{said}."
    )


def immediate_deletion(look: Looking) -> Finding:
    """Nothing that was deleted is left, waits or took long."""
    last = _last(look)
    wrong = _what_is_left(look) or _what_waits(look) or _what_took_long(look)
    wrong = wrong or (_what_failed(last) if last else None)
    if wrong:
        return falls_short(wrong)
    if last is None:
        return not_exercised(NOT_YET)
    # It holds once a drill has replayed the ledger over a backup that was restored.
    return not_exercised(
        f"Erasures of 30 days left nothing, a child's took {_seconds(_slowest(look, Subject.STUDENT))} at"
        " most; no restore drill has shown yet that nothing comes back with a backup."
    )


def _what_is_left(look: Looking) -> str | None:
    clean = Erasure.receipt.contains('"left":0,')
    lately = (Erasure.verified_at >= clock.now() - LATELY, Erasure.receipt.is_not(None))
    left = look.tx.scalar(select(func.count()).where(*lately, ~clean))
    return f"{count(left, 'receipt')} of 30 days with something left." if left else None


def _what_waits(look: Looking) -> str | None:
    now, stages = clock.now(), (Stage.CONFIRMED, Stage.NOTED, Stage.ERASED)
    here = select(func.count()).where(Erasure.stage.in_(stages), now - UNFINISHED > BEGAN)
    if late := look.tx.scalar(here):
        return f"{count(late, 'erasure')} confirmed more than an hour ago and not done."
    since = func.greatest(ErasureOutside.noted_at, Erasure.freed_at)
    of_it = ErasureOutside.erasure == Erasure.public_id
    # After a restore its erasure may be unknown. What a hold has stopped half-way waits outside as here.
    beyond = select(func.count()).select_from(ErasureOutside).outerjoin(Erasure, of_it)
    stands = (ErasureOutside.done_at.is_(None), func.coalesce(Erasure.stage, "") != Stage.HELD)
    if late := look.tx.scalar(beyond.where(*stands, since < now - OUTSIDE)):
        return f"{count(late, 'thing')} erased here more than a day ago and not yet outside."
    return None


def _what_took_long(look: Looking) -> str | None:
    most = registry.current().control("immediate-deletion").times[0]
    slowest = _slowest(look, Subject.STUDENT)
    late = slowest is not None and slowest > most
    return f"A child's erasure took {_seconds(slowest)}." if late else None


def _last(look: Looking) -> Canary | None:
    """The newest test; one that is under way is none yet."""
    old = clock.now() - UNFINISHED
    ended = Canary.ended_at.is_not(None) | (Canary.begun_at < old)
    return look.tx.scalars(select(Canary).where(ended).order_by(Canary.begun_at.desc()).limit(1)).first()


def _what_failed(last: Canary) -> str | None:
    day = f"{last.begun_at:%Y-%m-%d}"
    if last.ended_at is None:
        return f"The nightly test of erasing of {day} was interrupted."
    if last.problem is not None:
        # What exactly is for the founders: it names tables, and people who read this know none.
        return f"The nightly test of erasing of {day} failed: {_failed_at(last, last.problem)}"
    if clock.now() - last.begun_at > NIGHTS:
        return f"The last nightly test of erasing was on {day}."
    return None


def _failed_at(last: Canary, problem: str) -> str:
    if NOT_CLEARED in problem:
        return "what a test had made up could not all be erased."
    if last.step in BEFORE_ERASING:
        return "it did not come to erasing what it had made up."
    return "something was wrong when it erased what it had made up, or looked for what was left of it."


def _slowest(look: Looking, subject: Subject | None = None) -> timedelta | None:
    # What a replay erases again was asked for by nobody, and waits for nobody.
    of = [Erasure.verified_at >= clock.now() - LATELY, Erasure.asked_as != AskedAs.LEDGER]
    if subject is not None:
        of.append(Erasure.subject == subject)
    took: Any = func.max(Erasure.verified_at - BEGAN)
    found: timedelta | None = look.tx.scalar(select(took).where(*of))
    return found


def _seconds(length: timedelta | None) -> str:
    return f"{length.total_seconds():.1f} s" if length is not None else "no time"


CHECKS = (
    Check("teacher-deletion", teacher_deletion),
    Check("immediate-deletion", immediate_deletion),
)
