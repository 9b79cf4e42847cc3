"""What of an archive's fields of a school's own comes into a school, and what stays out and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from backoffice.access.permissions import FIELDS_MANAGE
from backoffice.access.policy import can, visible
from backoffice.access.principal import Kind
from backoffice.access.transaction import Transaction
from backoffice.fields import queries, services
from backoffice.fields.models import CustomField, FieldKind, FieldSubject
from backoffice.fields.words import sensitive_in
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools import names
from backoffice.schools.models import School
from plugins.exports.back.looking import Content, NameKey, Row, name_key, values_in
from plugins.exports.back.taken import wanted_of

NOT_YOURS = lazy(
    "There is no such field in this school, and only who manages its fields makes one."
    " Ask for it, then import."
)
SENSITIVE = lazy(
    "A word in it stands for something that laws protect more than other data."
    " Make the field first and say why the school needs it, then import."
)
FULL = lazy("The school has as many fields of its own as there can be. Delete one first, then import.")
OTHER_KIND = lazy("There is a field of this name in this school that holds something else.")
OTHER_CHOICES = lazy(
    "The field in this school does not have what was chosen. Add the choice first, then import."
)
NOT_TAUGHT = lazy("Only who leads the school writes about students who are in no class.")
OVER = lazy("The field in this school does not keep anything for so long.")


@dataclass(frozen=True)
class Staying:
    """How many fields and values stay out for one reason."""

    why: str
    fields: int = 0
    values: int = 0

    @property
    def title(self) -> str:
        """How many, in words that quote nothing of the archive."""
        said = []
        if self.fields:
            said.append(
                ngettext(
                    "%(count)s field of the school's own",
                    "%(count)s fields of the school's own",
                    self.fields,
                    count=amount(self.fields),
                )
            )
        if self.values:
            said.append(
                ngettext(
                    "%(count)s value in such fields",
                    "%(count)s values in such fields",
                    self.values,
                    count=amount(self.values),
                )
            )
        return " · ".join(said)

    @property
    def sentence(self) -> str:
        """How many, and why."""
        return gettext("Not brought in: %(what)s. %(why)s", what=self.title, why=self.why)


@dataclass(frozen=True)
class Fitted:
    """What stays out, and by what each field of the archive is found in the school."""

    staying: tuple[Staying, ...]
    keys: Mapping[str, NameKey]


def fit(tx: Transaction, place: School, content: Content, now: datetime) -> Fitted:
    """Leave out of `content` the values that stay out, and the fields that are not to be made.

    Those that are to be made are left in `content.fields`; what is not is there already, or stays out.
    Changes nothing in the school.
    """
    return _Fit(tx, place, content, now).fit()


def hold(tx: Transaction, place: School, content: Content) -> None:
    """Have the fields that an archive's values may go into stay as they are until the transaction ends.

    Whoever makes one waits as well. To be called before `fit`, so that it sees what is written into.
    """
    services.one_at_a_time(tx, place.id)
    if not content.fields:
        return
    wanted = {name_key(row) for row in content.fields.values()}
    # Their columns and not themselves: what is kept of them is read when nobody changes it any more.
    named = select(CustomField.id, CustomField.subject, CustomField.kind, CustomField.name).where(
        CustomField.school_id == place.id, CustomField.erased_at.is_(None)
    )
    found = tx.execute(visible(tx.principal, named)).all()
    services.hold(
        tx,
        place.id,
        [each.id for each in found if (each.subject, each.kind, names.plain(each.name or "")) in wanted],
    )


def _by_name(tx: Transaction, school: int) -> dict[NameKey, CustomField]:
    """The fields of a school by what fields of an archive are found by."""
    return {
        (each.subject, each.kind, names.plain(each.name or "")): each
        for each in queries.fields_of(tx, school)
    }


class _Fit:
    def __init__(self, tx: Transaction, place: School, content: Content, now: datetime) -> None:
        self._content, self._now = content, now
        self._there = _by_name(tx, place.id)
        self._manages = can(tx.principal, FIELDS_MANAGE, place)
        self._writes_of_all = tx.principal.kind is Kind.SYSTEM or place.id in tx.principal.led_schools
        self._fields, self._values = Counter[str](), Counter[str]()
        # By the name: what a field holds here, and for how many days. Names that are taken, by subject.
        self._open: dict[NameKey, tuple[tuple[str, ...], int]] = {
            key: (tuple(each.choices or ()), each.keep_days) for key, each in self._there.items()
        }
        self._taken = {(subject, name) for subject, _kind, name in self._there}

    def fit(self) -> Fitted:
        content = self._content
        # Before fields that stay out are gone: their values are counted.
        keys = {key: name_key(row) for key, row in content.fields.items()}
        shut = self._sort_fields()
        seated = {student for (_room, student), row in content.seats.items() if row["ended_at"] is None}
        for subject, rows in values_in(content).items():
            for spot, row in list(rows.items()):
                why = shut.get(spot[1]) or self._why_not(keys[spot[1]], row)
                if not why and subject is FieldSubject.STUDENT and not self._writes_of_all:
                    why = None if spot[0] in seated else str(NOT_TAUGHT)
                if why:
                    self._values[why] += 1
                    del rows[spot]
        every = dict.fromkeys((*self._fields, *self._values))
        staying = tuple(Staying(why, self._fields[why], self._values[why]) for why in every)
        return Fitted(staying, keys)

    def _sort_fields(self) -> dict[str, str]:
        """Keep those that are to be made; why each of the others that are not there stays out."""
        new, shut = dict[str, Row](), dict[str, str]()
        for key, row in self._content.fields.items():
            named = name_key(row)
            if named in self._open:
                continue
            why = self._why_not_made(row, named)
            if why:
                shut[key] = why
                self._fields[why] += 1
                continue
            new[key] = row
            self._open[named] = (tuple(row["choices"] or ()), row["keep_days"])
            self._taken.add((named[0], named[2]))
        self._content.fields = new
        return shut

    def _why_not_made(self, row: Row, named: NameKey) -> str | None:
        if (named[0], named[2]) in self._taken:
            return str(OTHER_KIND)
        if not self._manages:
            return str(NOT_YOURS)
        if sensitive_in(wanted_of(row).texts):
            return str(SENSITIVE)
        if sum(subject == named[0] for subject, _name in self._taken) >= services.MOST_FIELDS:
            return str(FULL)
        return None

    def _why_not(self, named: NameKey, row: Row) -> str | None:
        choices, keep_days = self._open[named]
        if named[1] == FieldKind.CHOICE and row["value"] not in choices:
            return str(OTHER_CHOICES)
        if row["set_at"] + timedelta(days=keep_days) <= self._now:
            return str(OVER)
        return None


def make(tx: Transaction, school: int, rows: Mapping[str, Row]) -> dict[NameKey, CustomField]:
    """Make the fields of these rows, for who manages the fields of the school; all that it has then."""
    for row in rows.values():
        services.make_field_in(
            tx,
            school,
            subject=FieldSubject(row["subject"]),
            kind=FieldKind(row["kind"]),
            wanted=wanted_of(row),
        )
    return _by_name(tx, school)
