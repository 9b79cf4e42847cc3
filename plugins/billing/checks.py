"""Whether payments go through Stripe alone, no card is kept, no child can pay, and who may."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Column, Table, func, select
from sqlalchemy.types import TypeEngine

from backoffice import clock
from backoffice.access.policy import RoleName, granted
from backoffice.accounts.models import Account
from backoffice.audit.models import AuditEntry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, metadatas, some
from backoffice.controls.visiting import answered_to_a_child, answered_to_one
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.settings import STRIPE
from backoffice.storage.columns import Class
from backoffice.storage.sealed import Sealed, SealedBytes
from plugins.billing.asking import is_live_key
from plugins.billing.cards import card_numbers
from plugins.billing.permissions import BILLING_MANAGE, PERMISSIONS

OURS = "plugin_billing_"
OK = 200
# The newest values of each column, and the last bytes of each file of the log.
SAMPLED, LAST_BYTES = 300, 1 << 20
LATELY = timedelta(days=30)
_MAY_MANAGE = frozenset({RoleName.LEADER, RoleName.SOLE_TEACHER})
_NEVER = (RoleName.STUDENT, RoleName.GUARDIAN, RoleName.HELPER, RoleName.CO_TEACHER)


def stripe_only(look: Looking) -> Finding:
    """The only address that payments go to is Stripe's."""
    base = look.settings.stripe_api_base
    if base != STRIPE:
        return not_exercised(
            f"Payments go to a stand-in on this machine ({urlsplit(base).netloc}); nothing is paid."
        )
    if look.settings.stripe_api_key is None:
        return holds("No payment can be made: no key of Stripe's is set, and no other address is known.")
    if not is_live_key(look.settings.stripe_api_key.get_secret_value()):
        return not_exercised("The key is of Stripe's mode for trying out: nothing is paid.")
    return holds(f"Every payment goes to {urlsplit(base).netloc}; no other address is known.")


def no_card_data(look: Looking) -> Finding:
    """No value that is kept, sealed or not, and no line of the log is a card number."""
    values, columns, wrong = 0, 0, []
    for table, column in _texts(look):
        columns += 1
        newest = next(iter(table.primary_key), None)
        sample = select(column).where(column.is_not(None)).limit(SAMPLED)
        for value in look.tx.scalars(sample.order_by(newest.desc()) if newest is not None else sample):
            values += 1
            if any(card_numbers(_as_text(value))):
                wrong.append(str(column))
                break
    if wrong:
        return falls_short(f"Card numbers in {some(wrong)}.")
    lines = 0
    for line in _log_lines(look.settings.log_dir):
        lines += 1
        if any(card_numbers(line)):
            return falls_short("A line of the log holds a card number.")
    logged = f" and {count(lines, 'log line')}" if lines else ""
    return holds(
        f"{count(values, 'value')} of {count(columns, 'column')}{logged} sampled, none is a card number."
        " Cards are typed on Stripe's pages."
    )


def no_student_payments(look: Looking) -> Finding:
    """No page of payments opens to a child or a parent."""
    named = [role for role in _NEVER if granted(role) & {str(each) for each in PERMISSIONS}]
    if named:
        return falls_short(f"These may pay: {some(named)}.")
    paths = sorted(_addresses(look))
    parents = Account.id.in_(
        select(GuardianLink.account_id).where(GuardianLink.status == GuardianStatus.APPROVED)
    )
    tried = 0
    for answers in (answered_to_a_child(look, paths), answered_to_one(look, parents, paths)):
        for path, answer in answers:
            tried += 1
            if answer.status_code == OK:
                return falls_short(f"{path} opens to somebody who may not pay.")
    if not tried:
        return not_exercised("There is no child and no parent yet.")
    return holds(
        f"{count(len(paths), 'address', 'addresses')} of payments tried as a child and a parent: none opens."
    )


def subscription_managers(look: Looking) -> Finding:
    """Only whoever leads a school, or signed up alone, may change what is paid."""
    others = [role for role in RoleName if str(BILLING_MANAGE) in granted(role) and role not in _MAY_MANAGE]
    if others:
        return falls_short(f"These may change what is paid, too: {some(others)}.")
    lately = (AuditEntry.verb.like("billing.%"), AuditEntry.at >= clock.now() - LATELY)
    changes = look.tx.execute(
        select(AuditEntry.actor_kind, func.count()).where(*lately).group_by(AuditEntry.actor_kind)
    ).all()
    strangers = sum(number for kind, number in changes if kind not in {"account", "system"})
    if strangers:
        return falls_short(f"{count(strangers, 'change')} of 30 days by nobody with an account.")
    made = sum(number for kind, number in changes if kind == "account")
    return holds(
        f"Leaders and teachers who signed up alone may change what is paid, nobody else;"
        f" {count(made, 'change')} of 30 days."
    )


def _texts(look: Looking) -> Iterator[tuple[Table, Column[object]]]:
    """Each column that could hold what somebody typed: texts, sealed ones opened, but no secret."""
    for metadata in metadatas(look):
        for table in metadata.tables.values():
            for column in table.columns:
                held = column.info.get("held")
                kind = getattr(held, "kind", None)
                if kind in {Class.SECRET, Class.NETWORK_ADDRESS}:
                    continue
                if _is_text(column.type):
                    yield table, column


def _is_text(kind: TypeEngine[Any]) -> bool:
    # What is sealed is kept as bytes, and read as what was sealed.
    if isinstance(kind, Sealed):
        return not isinstance(kind, SealedBytes)
    return kind.python_type in {str, dict, list}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _log_lines(folder: Path | None) -> Iterable[str]:
    for path in sorted(folder.glob("*.log*")) if folder and folder.exists() else ():
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - LAST_BYTES, 0))
            yield from file.read().decode("utf-8", "replace").splitlines()


def _addresses(look: Looking) -> Iterator[str]:
    """Every page of payments, with an identifier that nobody has where one is asked for."""
    for rule in look.app.url_map.iter_rules():
        if rule.endpoint.startswith(OURS) and "GET" in (rule.methods or ()):
            _domain, path = rule.build(dict.fromkeys(rule.arguments, "2222222222222222"[:16])) or ("", "")
            if path and "." not in path:
                yield path


CHECKS = (
    Check("stripe-only", stripe_only),
    Check("no-card-data", no_card_data),
    Check("no-student-payments", no_student_payments),
    Check("subscription-managers", subscription_managers),
)
