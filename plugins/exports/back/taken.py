"""What of an export is taken in, and what is not and why: a check or a sentence for each kind and field.

What is about children and their points is taken in. What lets somebody in, what names people who work with
the class, and what the service notes by itself is made anew or not at all.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from backoffice import clock
from backoffice.fields import services as fields
from backoffice.fields.models import LONGEST_KEPT, FieldKind, FieldSubject
from backoffice.fields.values import LONGEST_TEXT
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools import names
from backoffice.schools.award_models import Whom
from backoffice.schools.models import NamesShown
from backoffice.schools.services import actions, classrooms
from backoffice.schools.services.points import LONGEST_COMMENT
from backoffice.storage.public_id import is_public_id
from backoffice.wording import clean
from plugins.exports.back.problems import Wrong

Check = Callable[[Any], Any]

# Nothing here is older. What lies still further back has no day in every time zone.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
# Clocks differ a little.
_AHEAD = timedelta(days=1)
_LONGEST_ALIAS = 32
_MINUTES = 24 * 60
_MOST_GOAL = 10_000
_MOST_BALANCE = 2**31 - 1

NO_TEXT = lazy("A text is missing, or is too long.")
NO_IDENTIFIER = lazy("An identifier is missing, or is none.")
NO_MOMENT = lazy("A date and time is missing, or is none.")
TOO_EARLY = lazy("A date and time lies before the year 2000.")
TO_COME = lazy("A date and time lies in the future.")
NO_NUMBER = lazy("A number is missing, or is too large or too small.")
NO_CHOICE = lazy("A choice is missing, or is none that there is.")
NO_FLAG = lazy("A yes or no is missing.")


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _or(check: Check, otherwise: Any) -> Check:
    """What is only named has none; then this."""
    return lambda value: otherwise if value is None else check(value)


def known(value: Any) -> str:
    """A public identifier. Raises `Wrong`, as all of these do."""
    if not (isinstance(value, str) and is_public_id(value)):
        raise Wrong(NO_IDENTIFIER)
    return value


def alias(value: Any) -> str:
    """A name that is only this export's own."""
    if not (isinstance(value, str) and 0 < len(value) <= _LONGEST_ALIAS):
        raise Wrong(NO_IDENTIFIER)
    return value


def _text(most: int) -> Check:
    def check(value: Any) -> str:
        said = clean(value) if isinstance(value, str) else ""
        if not 0 < len(said) <= most:
            raise Wrong(NO_TEXT)
        return said

    return check


def _class_name(value: Any) -> str:
    said = clean(value) if isinstance(value, str) else ""
    if problem := classrooms.problem_with(said):
        raise Wrong(problem)
    return said


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong(NO_TEXT)
    return names.written(value)


def _past(value: Any) -> datetime:
    """A moment in UTC as exports have it, that was or is."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Wrong(NO_MOMENT)
    if found < _FIRST:
        raise Wrong(TOO_EARLY)
    if found > clock.now() + _AHEAD:
        raise Wrong(TO_COME)
    return found.astimezone(UTC)


def _number(least: int, most: int) -> Check:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Wrong(NO_NUMBER)
        return value

    return check


def _points(value: Any) -> int:
    found: int = _number(-actions.MOST_POINTS, actions.MOST_POINTS)(value)
    if found == 0:
        raise Wrong(NO_NUMBER)
    return found


def _choice(options: Collection[str] | type[StrEnum]) -> Check:
    offered = frozenset(map(str, options))

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in offered:
            raise Wrong(NO_CHOICE)
        return value

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong(NO_FLAG)
    return value


def _options(value: Any) -> tuple[str, ...]:
    if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise Wrong(NO_CHOICE)
    return tuple(map(clean, value))


# In the order in which they are written: what is pointed at comes first.
TAKEN: Mapping[str, Mapping[str, Check]] = {
    "classrooms": {
        "public_id": known,
        "name": _class_name,
        "door_from": _optional(_number(0, _MINUTES)),
        "door_to": _optional(_number(0, _MINUTES)),
        "shared_devices": _or(_flag, True),
        "pins_required": _or(_flag, False),
        "names_shown": _or(_choice(NamesShown), str(NamesShown.NAMES)),
        "created_at": _optional(_past),
        "archived_at": _optional(_past),
        "colour": _optional(_choice(names.COLOURS)),
        "icon": _optional(_choice(names.FIGURES)),
        "follows": _optional(known),
    },
    "students": {
        "public_id": known,
        "given_name": _name,
        "family_name": _optional(_name),
        "created_at": _optional(_past),
    },
    "custom-fields": {
        "public_id": known,
        "subject": _choice(FieldSubject),
        "kind": _choice(FieldKind),
        # One that was deleted is called nothing any more.
        "name": _optional(_text(fields.LONGEST_NAME)),
        "purpose": _optional(_text(fields.LONGEST_PURPOSE)),
        "choices": _optional(_options),
        "keep_days": _number(1, LONGEST_KEPT),
    },
    "enrollments": {
        "classroom": known,
        "student": known,
        "alias": _optional(_text(names.LONGEST)),
        "avatar": _choice(names.AVATARS),
        "balance": _number(-_MOST_BALANCE, _MOST_BALANCE),
        "goal": _optional(_number(1, _MOST_GOAL)),
        "joined_at": _past,
        "ended_at": _optional(_past),
    },
    "actions": {
        "public_id": known,
        "classroom": _optional(known),
        "label": _text(actions.LONGEST_LABEL),
        "value": _points,
        "icon": _optional(_choice(actions.ICONS)),
        "created_at": _optional(_past),
        "retired_at": _optional(_past),
    },
    "point-awards": {
        "public_id": known,
        "classroom": known,
        "action": known,
        "whom": _choice(Whom),
        "awarded_at": _past,
        "undone_at": _optional(_past),
    },
    "student-values": {
        "student": known,
        "field": known,
        "value": _text(LONGEST_TEXT),
        "set_at": _past,
    },
    "classroom-values": {
        "classroom": known,
        "field": known,
        "value": _text(LONGEST_TEXT),
        "set_at": _past,
    },
    "point-entries": {
        "number": alias,
        "classroom": known,
        "student": known,
        "action": known,
        "award": _optional(known),
        "value": _points,
        "comment": _optional(_text(LONGEST_COMMENT)),
        "awarded_at": _past,
        "undoes": _optional(alias),
    },
}
KINDS = tuple(TAKEN)
# What is held in memory whole; points are read once more instead.
HELD = KINDS[:-1]

_ACCOUNTS = lazy(
    "Accounts are not brought in. Whoever brings it in owns the classes and stands by the points."
)
_FAMILIES = lazy("Parents are asked anew: nobody follows a child because a file says so.")
_LETS_IN = lazy("What lets somebody in is made anew.")
_NOTED = lazy("It is what the service noted there. Here it notes anew.")
_PLACE = lazy("It is brought into the school that is chosen, which stays as it is.")
_SOURCE = lazy("The school's own system says so where it is connected.")
_OTHERS = lazy("It was between people, and is answered where it was asked.")
_SAID_ANEW = lazy("Whoever makes a field in this school says so anew.")
_BY_FIELD = lazy("The field in this school says how long it is kept.")
_OWN = lazy("It is about an account itself.")
_AT_STRIPE = lazy("It is what Stripe has of the school that paid, and stays there.")

# The kinds of which nothing is taken in.
NOT_TAKEN_IN: Mapping[str, str] = {
    "billing-customers": _AT_STRIPE,
    "billing-invoices": _AT_STRIPE,
    "billing-subscriptions": _AT_STRIPE,
    "accounts": _ACCOUNTS,
    "account-identities": _OWN,
    "account-letters": _OWN,
    "account-links": _OWN,
    "account-passkeys": _OWN,
    "account-passwords": _OWN,
    "account-recovery-codes": _OWN,
    "account-second-factors": _OWN,
    "account-sessions": _OWN,
    "action-changes": _NOTED,
    "classroom-changes": _NOTED,
    "classroom-codes": _LETS_IN,
    "classroom-tablets": _LETS_IN,
    "contract-ends": _PLACE,
    "districts": _PLACE,
    "email-changes": _OWN,
    "exports-exports": _NOTED,
    "exports-intakes": _NOTED,
    "factor-resets": _OWN,
    "guardian-invitations": _FAMILIES,
    "guardian-links": _FAMILIES,
    "guardian-requests": _FAMILIES,
    "mail-choices": _OWN,
    "messages": _OWN,
    "identity-offers": _OWN,
    "invitations": _ACCOUNTS,
    "large-changes": _OWN,
    "mails": _NOTED,
    "memberships": _ACCOUNTS,
    "ownerless-classes": _NOTED,
    "pin-overrides": _NOTED,
    "retention-idle-accounts": _NOTED,
    "roster-change-students": _NOTED,
    "roster-changes": _NOTED,
    "rosters-account-sources": _SOURCE,
    "rosters-classroom-sources": _SOURCE,
    "rosters-roster-imports": _NOTED,
    "rosters-school-sources": _SOURCE,
    "rosters-student-sources": _SOURCE,
    "rosters-teaching-sources": _SOURCE,
    "rosters-unseateds": _SOURCE,
    "saved-views": _OWN,
    "school-changes": _NOTED,
    "schools": _PLACE,
    "security-events": _OWN,
    "sign-ups": _OWN,
    "student-cards": _LETS_IN,
    "student-changes": _NOTED,
    "student-sessions": _LETS_IN,
    "student-views": _NOTED,
    "suspensions": _OWN,
    "teaching-roles": _ACCOUNTS,
    "worries": _OTHERS,
}
# Fields of kinds of which the others are taken in. A public identifier is made anew.
FIELDS_NOT_TAKEN_IN: Mapping[str, str] = {
    "actions.school": _PLACE,
    "classroom-values.due_at": _BY_FIELD,
    "classroom-values.school": _PLACE,
    "classrooms.door": _LETS_IN,
    "classrooms.door_until": _LETS_IN,
    "classrooms.school": _PLACE,
    "custom-fields.confirmed_at": _SAID_ANEW,
    "custom-fields.confirmed_by": _SAID_ANEW,
    "custom-fields.created_at": _NOTED,
    "custom-fields.erased_at": _NOTED,
    "custom-fields.erased_by": _NOTED,
    "custom-fields.need": _SAID_ANEW,
    "custom-fields.school": _PLACE,
    "custom-fields.values_gone": _NOTED,
    "enrollments.in_source": _SOURCE,
    "enrollments.origin": _NOTED,
    "enrollments.school": _PLACE,
    "point-awards.awarded_by": _ACCOUNTS,
    "point-awards.form": _NOTED,
    "point-awards.school": _PLACE,
    "point-awards.undone_by": _ACCOUNTS,
    "point-entries.awarded_by": _ACCOUNTS,
    "point-entries.school": _PLACE,
    "student-values.due_at": _BY_FIELD,
    "student-values.school": _PLACE,
    "students.active_on": _NOTED,
    "students.pin_changed_at": _LETS_IN,
    "students.school": _PLACE,
}


def taken(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row is taken in, checked. Raises `Wrong`."""
    found = {name: check(row.get(name)) for name, check in TAKEN[kind].items()}
    if kind == "students" and (problem := names.problem_with(found["given_name"], found["family_name"])):
        raise Wrong(problem)
    if kind == "custom-fields" and found["name"] is not None:
        _check_field(found)
    return found


def wanted_of(row: Mapping[str, Any]) -> fields.Wanted:
    """What the field of a row is to be. That a school needs it is said anew, or not at all."""
    return fields.Wanted(row["name"], row["purpose"] or "", row["keep_days"], row["choices"] or ())


def _check_field(row: Mapping[str, Any]) -> None:
    try:
        fields.checked(wanted_of(row), FieldKind(row["kind"]))
    except Rejected as rejected:
        raise Wrong(rejected.in_words) from None
