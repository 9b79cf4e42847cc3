"""What pages answer to real people: asked as them, in a transaction that is undone. Nothing of it is kept."""

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from flask import g
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access import probe
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.views import SignedInUser
from backoffice.controls.check import Looking
from backoffice.schools.let_in import children_let_in
from backoffice.schools.models import Classroom


def answered_to_one(
    look: Looking, which: ColumnElement[bool], paths: Iterable[str]
) -> Iterator[tuple[str, Response]]:
    """What these addresses answer to one active account of this kind; nothing if there is none."""
    active = (which, Account.status == AccountStatus.ACTIVE)
    found = look.tx.execute(select(Account.id, Account.security_epoch).where(*active).limit(1)).first()
    if found is None:
        return
    with probe.as_account(found.id, found.security_epoch) as (connection, who):
        for path in paths:
            with look.app.test_request_context(path, base_url=look.settings.base_url):
                # As after `enter`, but where the session is: it is never committed.
                g.reading = Transaction(
                    who.credential, bind=connection, join_transaction_mode="create_savepoint"
                )
                g.zone = ZoneInfo(who.time_zone)
                g._login_user = SignedInUser(who)  # noqa: SLF001 - where Flask-Login looks first
                yield path, look.app.full_dispatch_request()


def answered_to_a_child(look: Looking, paths: Iterable[str]) -> Iterator[tuple[str, Response]]:
    """What these answer to a child who has just come in at a shared device; nothing if there is none."""
    row = look.tx.execute(children_let_in(clock.now()).where(Classroom.shared_devices).limit(1)).first()
    if row is None:
        return
    with probe.as_student(row.code_index, row.public_id, pin_hash=row.pin_hash) as (connection, who):
        for path in paths:
            with look.app.test_request_context(path, base_url=look.settings.base_url):
                g.reading = Transaction(
                    who.credential, bind=connection, join_transaction_mode="create_savepoint"
                )
                g.zone = ZoneInfo(who.time_zone)
                g.child = who
                yield path, look.app.full_dispatch_request()
