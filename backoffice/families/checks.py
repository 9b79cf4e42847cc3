"""Whether parents see their own child and no more, and whether every wider view was granted by somebody."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    column,
    distinct,
    event,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql.visitors import iterate

from backoffice.access import probe
from backoffice.access.principal import Ids
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, some
from backoffice.families import queries
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.requests import queries as request_queries
from backoffice.fields.models import CustomField, StudentValue
from backoffice.privacy.inventory import name
from backoffice.schools.checks import any_row, guarded, weaknesses
from backoffice.schools.models import Enrollment, Membership, Role, School, TeachingRole
from backoffice.schools.reach import OWN_TABLE, SAMPLE, key
from backoffice.storage.catalog import LiveTable
from backoffice.storage.numbers import one_of

# What the parent's pages show. All else of a child is not theirs to see, a teacher's comment above all.
SHOWN = frozenset(
    {
        "app.student.public_id",
        "app.student.given_name",
        "app.classroom.name",
        "app.classroom.archived_at",
        "app.enrollment.balance",
        "app.action.label",
        "app.point_entry.value",
        "app.point_entry.awarded_at",
        "app.student_view.viewer_id",
        "app.student_view.role",
        "app.student_view.at",
        "app.guardian_request.kind",
        "app.guardian_request.asked_at",
        "app.guardian_request.answered_at",
        "app.guardian_request.answer",
    }
)
# Read to put rows together, never shown.
NUMBERS = frozenset({"app.student.school_id", "app.student.id", "app.classroom.id"})


def parent_view(look: Looking) -> Finding:
    """As real parents: no row beyond the linked children, and on their pages the allowed columns alone."""
    tables = guarded(look)
    weak = weaknesses(look, tables)
    if weak:
        return falls_short(f"Isolation is broken: {some(weak)}.")
    parents = _parents(look.tx)
    columns: set[str] = set()
    children = 0
    for parent, epoch in parents:
        own = _own(look.tx, parent)
        with probe.as_account(parent, epoch) as (connection, principal):
            leaking = [
                each.name
                for each in tables
                if each.readable
                and (outside := _outside(each, parent, own)) is not None
                and connection.scalar(any_row(each, outside))
            ]
            if leaking:
                return falls_short(f"A parent can read foreign rows of {some(leaking)}.")
            with Transaction(principal.credential, bind=connection) as tx, _noting(tx, columns):
                seen = queries.children(tx)
                for child in {each.public_id for each in seen}:
                    queries.given_name(tx, child)
                    queries.openings(tx, child, ZoneInfo("UTC"))
                    request_queries.own(tx, child)
                queries.between_classes(tx)
        children += len(own.children)
    beyond = sorted(columns - SHOWN - NUMBERS)
    if beyond:
        return falls_short(f"A parent's page reads {some(beyond)}.")
    if not parents:
        return not_exercised("No parent follows a child yet.")
    return holds(
        f"{count(len(parents), 'parent')} of {count(children, 'child', 'children')} tried: 0 foreign rows,"
        f" {count(len(columns & SHOWN), 'column')} shown."
    )


def authorised_cross_classroom(look: Looking) -> Finding:
    """Whoever sees more than one classroom was put there by a way that we know."""
    missing = 0
    origins: Counter[str] = Counter()
    for model in (Membership, TeachingRole):
        for origin, number in look.tx.execute(select(model.origin, func.count()).group_by(model.origin)):
            if origin is None:
                missing += number
            else:
                origins[origin] += number
    leaders = look.tx.scalar(
        select(func.count(distinct(Membership.account_id))).where(Membership.role == Role.LEADER)
    )
    several = (
        select(TeachingRole.account_id).group_by(TeachingRole.account_id).having(func.count() > 1).subquery()
    )
    teachers = look.tx.scalar(select(func.count()).select_from(several))
    schools, most = _by_school(look.tx)
    if missing:
        return falls_short(f"{count(missing, 'grant')} without an origin.")
    if not origins:
        return not_exercised("Nobody works at a school yet.")
    return holds(
        f"{count(leaders or 0, 'leader')} and {count(teachers or 0, 'teacher')} of several classes, at most"
        f" {most:,} at one of {count(schools, 'school')}; {count(sum(origins.values()), 'grant')}, each with"
        f" its origin: {some([f'{number:,} {origin}' for origin, number in origins.most_common()])}."
    )


def _by_school(tx: Transaction) -> tuple[int, int]:
    """How many schools there are, and at the one with most, how many people see more than one class."""
    leads = select(School.id.label("school"), Membership.account_id.label("account")).join(
        Membership, or_(Membership.school_id == School.id, Membership.district_id == School.district_id)
    )
    several = (
        select(TeachingRole.school_id.label("school"), TeachingRole.account_id.label("account"))
        .group_by(TeachingRole.school_id, TeachingRole.account_id)
        .having(func.count() > 1)
    )
    wide = leads.where(Membership.role == Role.LEADER).union(several).subquery()
    people = select(func.count().label("people")).select_from(wide).group_by(wide.c.school).subquery()
    schools = tx.scalar(select(func.count()).select_from(School)) or 0
    return schools, tx.scalar(select(func.coalesce(func.max(people.c.people), 0))) or 0


def _parents(tx: Transaction) -> list[tuple[int, int]]:
    """Parents who are nothing else, with their epochs: some of the newest and of the oldest."""
    follows = select(GuardianLink.account_id).where(GuardianLink.status == GuardianStatus.APPROVED)
    plain = select(Account.id, Account.security_epoch).where(
        Account.status == AccountStatus.ACTIVE,
        Account.founder.is_(False),
        Account.id.in_(follows),
        Account.id.not_in(select(Membership.account_id)),
    )
    found = {
        row.id: row.security_epoch
        for order in (Account.id.desc(), Account.id)
        for row in tx.execute(plain.order_by(order).limit(SAMPLE))
    }
    return sorted(found.items())


@dataclass(frozen=True)
class _Own:
    """Internal numbers of a parent's children, of their classes, and of fields that say something of them."""

    children: Ids
    rooms: Ids
    fields: Ids


def _own(tx: Transaction, parent: int) -> _Own:
    """What a parent may see of, worked out from the tables and not from the policies."""
    follows = select(GuardianLink.student_id).where(
        GuardianLink.account_id == parent, GuardianLink.status == GuardianStatus.APPROVED
    )
    children = frozenset(tx.scalars(follows))
    sits = select(Enrollment.classroom_id).where(
        one_of(Enrollment.student_id, children), Enrollment.ended_at.is_(None)
    )
    written = select(StudentValue.field_id).where(one_of(StudentValue.student_id, children))
    return _Own(children, frozenset(tx.scalars(sits)), frozenset(tx.scalars(written)))


def _outside(each: LiveTable, parent: int, own: _Own) -> ColumnElement[bool] | None:
    """The condition of rows that are not a parent's: another account's, another child's, another class's."""
    account = key(each, "account_id")
    if account is not None:
        return account.is_distinct_from(parent)
    for scope, within in (("student_id", own.children), ("classroom_id", own.rooms)):
        found = key(each, scope)
        if found is not None:
            return not_(one_of(found, within))
    # What is written about a child says nothing without what its field is called.
    if each.name == str(CustomField.__table__):
        return not_(one_of(column("id", BigInteger), own.fields))
    # Of a school or a district itself nothing is a parent's.
    known = any(key(each, scope) is not None for scope in OWN_TABLE)
    return true() if known else None


@contextmanager
def _noting(tx: Transaction, columns: set[str]) -> Iterator[None]:
    """Note which columns the statements of a transaction select."""

    def note(state: ORMExecuteState) -> None:
        if not state.is_select:
            return
        for chosen in state.statement.selected_columns:  # type: ignore[attr-defined]
            columns.update(name(part) for part in iterate(chosen) if isinstance(part, Column))

    event.listen(tx, "do_orm_execute", note)
    try:
        yield
    finally:
        event.remove(tx, "do_orm_execute", note)


CHECKS = (
    Check("parent-view", parent_view),
    Check("authorised-cross-classroom", authorised_cross_classroom),
)
