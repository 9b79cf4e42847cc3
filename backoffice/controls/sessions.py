"""Whether sessions end: by themselves, with new credentials, and when an account is suspended."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from backoffice import clock
from backoffice.access import probe
from backoffice.access.principal import AccountToken, Credential, SessionEnded, StudentToken, enter
from backoffice.accounts.models import (
    Account,
    AccountPassword,
    AccountSecondFactor,
    AccountSession,
    AccountStatus,
)
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.students.models import StudentSession

TRIED = 20
MINUTE = timedelta(minutes=1)
Table = type[AccountSession] | type[StudentSession]


def session_expiry(look: Looking) -> Finding:
    """No session may last longer than the settings say, and none that is over lets anybody in."""
    sessions = look.settings.sessions
    lasting: dict[Table, tuple[int, int]] = {
        AccountSession: (sessions.account_idle, sessions.account_absolute),
        StudentSession: (
            max(sessions.student_idle_shared, sessions.student_idle_own),
            sessions.student_absolute,
        ),
    }
    live = 0
    for table, (idle, absolute) in lasting.items():
        live += look.tx.scalar(select(func.count()).where(*_live(table))) or 0
        longer = or_(
            table.expires_at > table.started_at + absolute * MINUTE,
            table.idle_minutes > idle,
        )
        beyond = look.tx.scalar(select(func.count()).where(*_live(table), longer))
        if beyond:
            return falls_short(f"{count(beyond, 'live session')} may last longer than configured.")
    over = _over(look)
    if let_in := _let_in(over):
        return falls_short(f"{count(let_in, 'session')} that should be over let somebody in.")
    return holds(
        f"{count(live, 'live session')}; an adult's ends after {sessions.account_idle} idle minutes and"
        f" {sessions.account_absolute // 60} hours, a child's after {sessions.student_idle_shared} and"
        f" {sessions.student_absolute // 60}; {count(len(over), 'session')} tried that are over, all refused."
    )


def compromise(look: Looking) -> Finding:
    """No session is older than its account's credentials, and none of a suspended account lets anybody in."""
    total = look.tx.scalar(select(func.count()).select_from(Account)) or 0
    if not total:
        return not_exercised("There is no account yet.")
    within = select(AccountSession.token_digest).join(Account, Account.id == AccountSession.account_id)
    password = within.outerjoin(AccountPassword, AccountPassword.account_id == Account.id)
    factor = AccountSecondFactor.account_id == Account.id
    older = password.outerjoin(AccountSecondFactor, factor).where(
        *_live(AccountSession),
        or_(
            AccountSession.security_epoch != Account.security_epoch,
            Account.status != AccountStatus.ACTIVE,
            AccountSession.started_at < AccountPassword.set_at,
            AccountSession.started_at < AccountSecondFactor.set_at,
        ),
    )
    outdated = [AccountToken(digest) for digest in look.tx.scalars(older.limit(TRIED))]
    if let_in := _let_in(outdated):
        return falls_short(
            f"{count(let_in, 'session')} of a suspended account or of credentials of before let somebody in."
        )
    active = Account.status == AccountStatus.ACTIVE
    if not (_stays_outside(look, active, epochs_back=1) and _stays_outside(look, ~active)):
        return falls_short("A suspended account, or credentials of before, can begin a session.")
    live = look.tx.scalar(select(func.count()).where(*_live(AccountSession)))
    return holds(
        f"{count(live or 0, 'live session')}; {count(len(outdated), 'session')} of credentials of before or"
        " of a suspended account tried, none let anybody in; nor can such an account begin one."
    )


def _live(table: Table) -> Sequence[ColumnElement[bool]]:
    now = clock.now()
    return (
        table.ended_at.is_(None),
        table.expires_at > now,
        table.last_seen_at + func.make_interval(0, 0, 0, 0, 0, table.idle_minutes) > now,
    )


def _over(look: Looking) -> list[Credential]:
    """Sessions that nobody ended and whose time has passed, and some that were ended."""
    accounts = select(AccountSession.token_digest).where(not_(and_(*_live(AccountSession))))
    students = select(StudentSession.token_id).where(not_(and_(*_live(StudentSession))))
    return [
        *map(AccountToken, look.tx.scalars(accounts.order_by(AccountSession.id.desc()).limit(TRIED))),
        *map(StudentToken, look.tx.scalars(students.order_by(StudentSession.id.desc()).limit(TRIED))),
    ]


def _let_in(credentials: Sequence[Credential]) -> int:
    """With how many of these somebody gets in. Nothing of the trying stays."""
    entered = 0
    for credential in credentials:
        with probe.as_nobody() as connection:
            try:
                enter(connection, credential)
            except SessionEnded:
                continue
            entered += 1
    return entered


def _stays_outside(look: Looking, which: ColumnElement[bool], *, epochs_back: int = 0) -> bool:
    """Whether no session begins for such an account, by credentials of so many epochs before."""
    one = look.tx.execute(select(Account.id, Account.security_epoch).where(which).limit(1)).first()
    if one is None:
        return True
    try:
        with probe.as_account(one.id, one.security_epoch - epochs_back):
            return False
    except SessionEnded:
        return True


CHECKS = (Check("session-expiry", session_expiry), Check("compromise", compromise))
