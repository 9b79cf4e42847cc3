"""Which schools an incident concerns, how many of their people, and when who was told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Select, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage.public_id import PublicId, new_public_id
from plugins.notifications import clocks, contracts, words
from plugins.notifications.deadlines.engine import Row
from plugins.notifications.deadlines.law import Tells
from plugins.notifications.models import ConcernedSchool, EntryKind, GivenNotice, Incident
from plugins.notifications.notices.queries import is_any_on_its_way, is_form_decided, was_any_sent
from plugins.notifications.permissions import INCIDENTS_RUN
from plugins.notifications.picking import PERSONAL
from plugins.notifications.services import NOT_YET, ON_ITS_WAY, find_open, lines, lock_open, write
from plugins.notifications.terms.services import keep_from_incident

CHOOSE = lazy("Choose a school or a district.")
TOLD_ALREADY = lazy("This school was told. It stays in the record.")
TOO_EARLY = lazy("This lies before the moment at which it was noticed.")
FORM_FIRST = lazy("A form for this was proposed or approved. Under Notices, hand it in or give it up first.")
LATE = lazy("This is later than the law allows. Say why; whoever is told reads it.")
MOST = 10_000_000


@dataclass(frozen=True)
class People:
    """How many people of a school are concerned."""

    students: int
    staff: int
    parents: int


NOBODY = People(0, 0, 0)


def concern(*, principal: Principal, incident: str, place: str) -> int:
    """Say that an incident concerns a school or a whole district, with all of their people.

    Answers how many schools are new. Raises `Rejected`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        # Two founders decide about a notice, and that is about its readers too.
        if is_any_on_its_way(tx, row):
            raise Rejected.whole(ON_ITS_WAY)
        schools = tx.scalars(_schools(tx, place).order_by(School.id)).all()
        if not schools:
            raise Rejected(place=CHOOSE)
        known = _known(tx, row)
        new = [each for each in schools if each.id not in known or known[each.id].left_out_at is not None]
        # Whom somebody names stays named, whatever becomes of the set that had them first.
        for each in schools:
            if each.id in known and known[each.id].scoped_at is not None:
                _change(tx, known[each.id], scoped_at=None)
        if not new:
            return 0
        people = _people_of(tx, [school.id for school in new])
        terms, now = contracts.remembered(tx, new), clock.now()
        for school in new:
            if school.id in known:
                again = {
                    "place": clocks.place_of(school.country, school.state),
                    "time_zone": school.time_zone,
                    "concerned_at": now,
                    "scoped_at": None,
                }
                _change(tx, known[school.id], left_out_at=None, **again, **vars(people[school.id]))
            else:
                tx.add(_concerned(tx, row, school, people[school.id], terms.get(school.id), at=now))
        tx.flush()
        write(
            tx,
            row,
            EntryKind.SCHOOLS,
            ngettext(
                "%(num)s school is concerned: %(people)s",
                "%(num)s schools are concerned: %(people)s",
                len(new),
                people=said(_together(people.values())),
            ),
        )
        record(tx, "incidents.concern", incident=row.id, schools=[school.id for school in new])
    return len(new)


def follow(
    tx: Transaction, incident: Incident, found: Sequence[tuple[School, People, People]]
) -> tuple[int, int]:
    """Take the numbers of a computed set, before and now, for schools where they have changed.

    A number that somebody has corrected is raised where the set is larger, and never lowered. A school that
    was left out is concerned after all once somebody comes. One that only the set had brought, and of which
    nobody is left in it, is left out; it stays if it was told. How many were left out so, and how many stay.
    """
    known, now_at = _known(tx, incident), clock.now()
    terms = contracts.remembered(tx, [school for school, _before, _now in found if school.id not in known])
    empty: list[ConcernedSchool] = []
    for school, before, now in found:
        row = known.get(school.id)
        if row is None:
            made = _concerned(tx, incident, school, now, terms.get(school.id), at=now_at)
            made.scoped_at = now_at
            tx.add(made)
            continue
        had = People(row.students, row.staff, row.parents)
        more = {name: max(number, getattr(had, name)) for name, number in vars(now).items()}
        came = any(number > getattr(before, name) for name, number in vars(now).items())
        back: dict[str, object] = {"left_out_at": None} if came else {}
        if came and row.left_out_at is not None:
            back |= {"concerned_at": now_at, "scoped_at": now_at}
        _change(tx, row, **back, **(vars(now) if had == before else more))
        if had == before and now == NOBODY and row.scoped_at is not None and row.left_out_at is None:
            empty.append(row)
    tx.flush()
    return _leave_empty(tx, incident, empty, at=now_at)


def _leave_empty(
    tx: Transaction, incident: Incident, empty: Sequence[ConcernedSchool], *, at: datetime
) -> tuple[int, int]:
    """Leave these schools out; those stay that were told. How many, and how many stay."""
    if not empty:
        return 0, 0
    somebody_was = was_any_sent(tx, incident)
    gone = [each for each in empty if not (somebody_was or _is_told(tx, each))]
    for each in gone:
        _change(tx, each, left_out_at=at)
    return len(gone), len(empty) - len(gone)


def is_no_longer_reached(school: ConcernedSchool) -> bool:
    """Whether it was concerned by whom the scope reached alone, which by now is nobody of it."""
    return school.scoped_at is not None and not (school.students or school.staff or school.parents)


def _is_told(tx: Transaction, row: ConcernedSchool) -> bool:
    given = select(GivenNotice.id).where(GivenNotice.concerned_school_id == row.id).limit(1)
    return bool(row.told_at or row.individuals_told_at) or tx.scalar(given) is not None


def count_people(*, principal: Principal, school: str, people: People) -> None:
    """Say how many people of a school are concerned, where it is not all. Raises `Rejected`, `NotFound`."""
    wrong = {
        name: gettext("Write a whole number.")
        for name, number in vars(people).items()
        if not 0 <= number <= MOST
    }
    if wrong:
        raise Rejected(**wrong)
    with transaction(principal) as tx:
        row, incident = _find(tx, school)
        before = People(row.students, row.staff, row.parents)
        if before == people:
            return
        _change(tx, row, **vars(people))
        write(
            tx,
            incident,
            EntryKind.SCHOOLS,
            gettext("%(after)s of one school (before: %(before)s)", after=said(people), before=said(before)),
        )
        record(tx, "incidents.count", incident=incident.id, school=row.school_id, **vars(people))


def state_contract(
    *, principal: Principal, school: str, terms: contracts.Terms, whole_district: bool
) -> None:
    """Say what the contract of a concerned school asks, or that of its district for all its schools here.

    Raises `Rejected`, `NotFound`.
    """
    terms = contracts.checked(terms)
    with transaction(principal) as tx:
        row, incident = _find(tx, school)
        rows = _of_district(tx, incident, row) if whole_district else [row]
        changed = [each for each in rows if contracts.terms_of(each) != terms]
        if not changed:
            return
        for each in changed:
            _change(tx, each, **_columns(terms))
        said_now = contracts.said(terms)
        write(
            tx,
            incident,
            EntryKind.SCHOOLS,
            ngettext(
                "The contract of %(num)s school: %(terms)s",
                "The contract of %(num)s schools: %(terms)s",
                len(changed),
                terms=said_now,
            ),
        )
        numbers = sorted(each.school_id for each in changed if each.school_id is not None)
        record(tx, "incidents.state-contract", incident=incident.id, schools=numbers)
        # What was invented in a drill is remembered by none.
        if not incident.is_drill:
            above = select(School.district_id).where(School.id == row.school_id)
            whole = tx.scalar(above) if whole_district else None
            keep_from_incident(tx, terms, numbers, whole_district=whole)


def leave_out(*, principal: Principal, school: str) -> PublicId:
    """Say that a school is not concerned after all; one that was told stays. Answers of which incident.

    Raises `Rejected`, `NotFound`.
    """
    with transaction(principal) as tx:
        row, incident = _find(tx, school)
        if _is_told(tx, row) or was_any_sent(tx, incident):
            raise Rejected.whole(TOLD_ALREADY)
        people, number = People(row.students, row.staff, row.parents), row.school_id
        _change(tx, row, left_out_at=clock.now())
        write(
            tx,
            incident,
            EntryKind.SCHOOLS,
            gettext("One school is not concerned after all (%(people)s)", people=said(people)),
        )
        record(tx, "incidents.leave-out", incident=incident.id, school=number)
        return PublicId(incident.public_id)


def tell_school(*, principal: Principal, school: str, at: datetime, late_reason: str) -> None:
    """Write down that a school was told by us, and from when its own clocks run. It is told once.

    A telling that is late for a law that asks why says why. Raises `Rejected`, `NotFound`.
    """
    with transaction(principal) as tx:
        row, incident = _find(tx, school)
        if row.told_at is not None:
            raise Rejected.whole(TOLD_ALREADY)
        reason = lines(late_reason)
        _check_moment(incident, at)
        _check_reason(
            [
                each
                for each in clocks.standing(tx, incident).deadlines.rows
                if each.school == row.public_id and each.is_ours and each.rule.tells is Tells.SCHOOLS
            ],
            at,
            reason,
        )
        _change(tx, row, told_at=at, late_reason=reason or None)
        write(
            tx, incident, EntryKind.TOLD, gettext("One school was told by us"), reason=reason or None, at=at
        )
        record(tx, "incidents.tell-school", incident=incident.id, school=row.school_id)


def people_were_told(*, principal: Principal, school: str, at: datetime) -> None:
    """Write down that a school's people were told. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row, incident = _find(tx, school)
        if row.individuals_told_at is not None:
            raise Rejected.whole(TOLD_ALREADY)
        _check_moment(incident, at)
        _change(tx, row, individuals_told_at=at)
        write(tx, incident, EntryKind.TOLD, gettext("People of one school were told"), at=at)
        record(tx, "incidents.people-told", incident=incident.id, school=row.school_id)


def give_notice(
    *, principal: Principal, incident: str, rule: str, school: str | None, at: datetime, late_reason: str
) -> None:
    """Write down that what a rule asks for was done. A late one says why, where the law asks for that.

    Raises `Rejected`, `NotFound`.
    """
    with transaction(principal) as tx:
        row = find_open(tx, incident)
        found = clocks.standing(tx, row)
        asked = [
            each
            for each in found.deadlines.rows
            if (each.rule.id, each.school) == (rule, school) and each.status.is_to_be_told
        ]
        if not asked:
            raise NotFound
        if is_form_decided(tx, row, rule):
            raise Rejected.whole(FORM_FIRST)
        if asked[0].given_at is not None:
            raise Rejected.whole(gettext("This was written down by somebody else meanwhile."))
        give(tx, row, found, asked, at=at, late_reason=late_reason)


def give(
    tx: Transaction,
    incident: Incident,
    found: clocks.Standing,
    asked: Sequence[Row],
    *,
    at: datetime,
    late_reason: str,
) -> None:
    """Write down, at an incident that is held, that what these rows of one rule ask for was done.

    Raises `Rejected`.
    """
    rule, school, reason = asked[0].rule, asked[0].school, lines(late_reason)
    _check_moment(incident, at)
    _check_reason(asked, at, reason)
    keep_given(tx, incident, rule.id, found.schools[school].id if school else None, at=at, late_reason=reason)
    if rule.tells is Tells.SCHOOLS and school and found.schools[school].told_at is None:
        _change(tx, found.schools[school], told_at=at, late_reason=reason or None)
    write(tx, incident, EntryKind.TOLD, f"{rule.law}: {rule.citation}", reason=reason or None, at=at)
    record(tx, "incidents.give-notice", incident=incident.id, rule=rule.id)


def keep_given(
    tx: Transaction, incident: Incident, rule: str, school: int | None, *, at: datetime, late_reason: str
) -> None:
    """Keep that the notice of a rule was given, of a concerned school by its number where it is about one."""
    tx.add(
        GivenNotice(
            id=tx.take_id(GivenNotice),
            incident_id=incident.id,
            rule=rule,
            concerned_school_id=school,
            at=at,
            late_reason=late_reason or None,
            given_by=tx.principal.account_id,
        )
    )
    tx.flush()


def said(people: People) -> str:
    """How many they are, in words."""
    return words.people(people.students, people.staff, people.parents)


def difference(before: People, after: People) -> str:
    """By how many they have become more or fewer, in words."""
    signed = {name: _signed(number - getattr(before, name)) for name, number in vars(after).items()}
    return gettext("%(students)s students, %(staff)s staff, %(parents)s parents", **signed)


def _signed(number: int) -> str:
    return f"{number:+}".replace("-", "−") if number else "0"  # noqa: RUF001 - the minus sign of print


def _schools(tx: Transaction, place: str) -> Select[School]:
    """The school with this identifier, all of the district with it, or all that are one teacher's own."""
    district = select(District.id).where(District.public_id == place)
    of_one = School.kind == SchoolKind.PERSONAL
    named = (School.public_id == place) | School.district_id.in_(visible(tx.principal, district))
    there = of_one if place == PERSONAL else named & ~of_one
    return visible(tx.principal, select(School).where(there, School.erasing_since.is_(None)))


def _people_of(tx: Transaction, numbers: list[int]) -> dict[int, People]:
    names = ("school_id", "students", "staff", "parents")
    asked = func.plugin_notifications.people_of(literal(numbers, ARRAY(BigInteger)))
    found = asked.table_valued(*(column(name, BigInteger) for name in names))
    return {
        each.school_id: People(each.students, each.staff, each.parents) for each in tx.execute(select(found))
    }


def _known(tx: Transaction, incident: Incident) -> dict[int | None, ConcernedSchool]:
    """The schools that it concerns or was thought to, by their numbers."""
    some = select(ConcernedSchool).where(ConcernedSchool.incident_id == incident.id)
    return {each.school_id: each for each in tx.scalars(some)}


def _of_district(tx: Transaction, incident: Incident, row: ConcernedSchool) -> Sequence[ConcernedSchool]:
    """A concerned school and the others of its district that are concerned, too."""
    above = select(School.district_id).where(School.id == row.school_id).scalar_subquery()
    others = (
        select(ConcernedSchool)
        .join(School, School.id == ConcernedSchool.school_id)
        .where(
            ConcernedSchool.incident_id == incident.id,
            ConcernedSchool.left_out_at.is_(None),
            ConcernedSchool.id != row.id,
            School.district_id == above,
        )
    )
    return [row, *tx.scalars(others.order_by(ConcernedSchool.id))]


def _columns(terms: contracts.Terms | None) -> dict[str, object]:
    if terms is None:
        return {}
    return {"contract_rule": terms.rule, "contract_hours": terms.hours, "contract_start": terms.start}


def _concerned(
    tx: Transaction,
    incident: Incident,
    school: School,
    people: People,
    terms: contracts.Terms | None,
    *,
    at: datetime,
) -> ConcernedSchool:
    return ConcernedSchool(
        id=tx.take_id(ConcernedSchool),
        public_id=new_public_id(),
        incident_id=incident.id,
        school_id=school.id,
        place=clocks.place_of(school.country, school.state),
        time_zone=school.time_zone,
        concerned_at=at,
        **vars(people),
        **_columns(terms),
    )


def _together(people: Iterable[People]) -> People:
    each = list(people)
    return People(sum(p.students for p in each), sum(p.staff for p in each), sum(p.parents for p in each))


def _find(tx: Transaction, school: str) -> tuple[ConcernedSchool, Incident]:
    row = find(tx, ConcernedSchool, school, permission=INCIDENTS_RUN)
    incident = lock_open(tx, row.incident_id)
    # Whoever was before at this incident may have changed it.
    tx.refresh(row)
    if row.left_out_at is not None:
        raise Rejected.whole(gettext("This school was left out. Add it again first."))
    return row, incident


def _change(tx: Transaction, row: ConcernedSchool, **values: object) -> None:
    tx.execute(
        update(ConcernedSchool)
        .where(ConcernedSchool.id == row.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _check_moment(incident: Incident, at: datetime) -> None:
    if at > clock.now():
        raise Rejected(at=NOT_YET)
    if at < incident.noticed_at:
        raise Rejected(at=TOO_EARLY)


def _check_reason(rows: Sequence[Row], at: datetime, reason: str) -> None:
    late = [row for row in rows if row.due is not None and at > row.due]
    if any(row.rule.late_needs_reason for row in late) and not reason:
        raise Rejected(late_reason=LATE)
