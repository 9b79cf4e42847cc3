"""A large erasure in portions: which tables it goes through, and some rows of one of them at a time.

What may show half of a subject goes in portions only where nobody sees it: in schools that are hidden from
the moment of the confirmation on, and of accounts that nobody gets in to. Of classes and students of other
schools only what there are many of goes so; they themselves go in the last step, all at once.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, any_, column, delete, func, select, update

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.privacy.erasure import ledger
from backoffice.privacy.erasure.plan import MODELS, Plan
from backoffice.privacy.erasure.reach import Part
from backoffice.privacy.holdings import Subject, Target
from backoffice.schools.models import School
from backoffice.storage.numbers import one_of

# Nothing hangs on these, and no page shows a subject by them.
MANY = frozenset({"app.point_entry", "app.student_session", "app.student_view"})
# Most rows are in these. Of all together there are hardly more than so many times what there is in them.
TELLING = MANY | {"app.student", "app.enrollment", "app.account"}
BESIDE = 5
# The name of what comes before all parts.
FIRST = "0 "
# What the ledger has before it goes, by table.
NOTED = {str(MODELS[each].__table__): each for each in (Subject.STUDENT, Subject.CLASSROOM)}


def of(plan: Plan, parts: Callable[[Target], Sequence[Part]], *, begun: str) -> Iterator[tuple[str, Part]]:
    """The parts that go in portions, each with a name, from the one on that has begun.

    `parts` are those of a target, in the order in which they are emptied.
    """
    first = int(begun.partition(" ")[0])
    for place, target in enumerate(plan.targets):
        if place < first:
            continue
        hidden = _is_hidden(plan, target)
        reached = [part for part in parts(target) if hidden or part.table.fullname in MANY]
        names = [f"{place} {part.table.fullname}" for part in reached]
        skipped = names.index(begun) if begun in names else 0
        yield from zip(names[skipped:], reached[skipped:], strict=True)


def table_of(name: str) -> str:
    """The table of a part that is called so."""
    return name.partition(" ")[2]


def hide(tx: Transaction, plan: Plan) -> None:
    """Show the schools of a plan to nobody any more."""
    schools = plan.of(Subject.SCHOOL)
    if schools:
        here = update(School).where(one_of(School.id, schools), School.erasing_since.is_(None))
        tx.execute(here.values(erasing_since=clock.now()).execution_options(synchronize_session=False))


def seen(tx: Transaction, part: Part, most: int) -> dict[int, UUID]:
    """Number and mark of so many of a part at most that the ledger has to have; of other tables none."""
    subject, table = NOTED.get(part.table.fullname), part.table
    if subject is None:
        return {}
    for way in part.ways:
        some = select(table.c.id, table.c.public_id).where(way.condition(table)).limit(most)
        rows = tx.execute(some).all()
        if rows:
            marks = ledger.marks_of(subject, (public_id for _number, public_id in rows))
            return dict(zip((number for number, _public_id in rows), marks, strict=True))
    return {}


def unknown(tx: Transaction, part: Part, found: Mapping[int, UUID]) -> dict[str, list[UUID]]:
    """The marks, by kind, of those among them that are in no line of the ledger.

    Something that is no person may have added them since, such as an import.
    """
    return ledger.missing_among(tx, {NOTED[part.table.fullname]: [*found.values()]}) if found else {}


def take(tx: Transaction, part: Part, most: int, found: Collection[int]) -> int:
    """Delete so many rows of a part at most, and of what the ledger has these; how many there were."""
    table = part.table
    if table.fullname in NOTED and not found:
        return 0
    # Where a row lies, and no key: the planner would read a large table whole for many keys. Days of a log
    # have rows at the same places, so that it is asked of each row there once more whether it goes.
    place: Any = column("ctid")
    for way in part.ways:
        if found:
            which = and_(way.condition(table), one_of(table.c.id, found))
        else:
            some = select(place).select_from(table).where(way.condition(table)).limit(most).correlate(None)
            which = and_(way.condition(table), place == any_(func.array(some.scalar_subquery())))
        gone: Any = tx.execute(delete(table).where(which))
        if gone.rowcount:
            return int(gone.rowcount)
    return 0


def _is_hidden(plan: Plan, target: Target) -> bool:
    schools = plan.of(Subject.SCHOOL)
    if target.subject in {Subject.SCHOOL, Subject.DISTRICT}:
        return True
    if target.subject is Subject.ACCOUNT:
        # By the place of whoever goes it is told again what passes on.
        return bool(schools) and not plan.passings
    return target.school in schools
