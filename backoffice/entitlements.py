"""What a school's plan holds, asked in one place and only by what makes something new.

Payment gates no right: a limit stops the next creation with a sentence. It never stops reading, changing,
exporting, erasing, archiving, ending, resetting, signing in, accepting an invitation, reporting, or a notice,
and takes away nothing that is there. Which plan a school has is a plugin's to know (`Plugin.entitlements`);
where none does, or it sets no limit, nothing is counted and no statement is made.

Whatever makes a class that is not archived asks for `CLASSES`:

- `schools/services/classrooms.py`: `create_classroom`;
- `schools/services/archiving.py`: `restore_classroom`;
- `schools/services/importing_classes.py`: `import_classrooms`;
- `plugins/exports/back`: `bring_in`; `plugins/rosters`: `import_roster`.

Whatever makes a student asks for `STUDENTS`:

- `schools/services/rosters.py`: `add_students`, one by one and pasted;
- `schools/services/importing.py`: `import_students`;
- `plugins/exports/back`: `bring_in`; `plugins/rosters`: `import_roster`.

Whatever sends an invitation of staff asks for `SEATS`, unless its address has a place there already:

- `staff/services/invitations.py`: `invite`, `invite_to_class`, `invite_known`.

What makes such rows and does not ask: a new school year (each class that it makes follows one that it
archives); signing up (the school is new); accepting an invitation and sending it again (its place was taken
when it was sent); a roster's teachers (they take a place when they are invited); a place given at the server;
moving, merging and undoing, which make nobody; and the old class of the demo.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import lazy, ngettext
from backoffice.problems import Rejected
from backoffice.storage import functions


class Entitlement(StrEnum):
    """What a plan can limit, by the name that stands in its file."""

    # Accounts in use with a place as teacher or leader, and addresses with an open invitation.
    SEATS = "seats.max"
    # Classes that are not archived.
    CLASSES = "classes.max"
    # Students, in whichever classes they are.
    STUDENTS = "students.max"

    @property
    def called(self) -> str:
        """What it is called on a page."""
        return TITLES[self]


TITLES = {
    Entitlement.SEATS: lazy("Teachers and other staff"),
    Entitlement.CLASSES: lazy("Classes that are not archived"),
    Entitlement.STUDENTS: lazy("Students"),
}
# What the plan of a school holds, by the school's number; None is without limit, and so is what is not named.
Limits = Callable[[Transaction, int], Mapping[Entitlement, int | None]]
# Where the plan of a school is changed, for a principal who may; else None.
Link = Callable[[Transaction, int], str | None]

_TO_DO = {
    # By whether the reader can change the plan.
    (Entitlement.SEATS, True): lazy(
        "Withdraw an invitation, end the place of somebody who has left, or choose a larger plan."
    ),
    (Entitlement.SEATS, False): lazy(
        "Ask a leader of the school to end the place of somebody who has left, or to choose a larger plan."
    ),
    (Entitlement.CLASSES, True): lazy("Archive a class that is over, or choose a larger plan."),
    (Entitlement.CLASSES, False): lazy(
        "Archive a class that is over, or ask a leader of the school to choose a larger plan."
    ),
    (Entitlement.STUDENTS, True): lazy(
        "Choose a larger plan, or delete students whom nobody at the school needs any more."
    ),
    (Entitlement.STUDENTS, False): lazy("Ask a leader of the school to choose a larger plan."),
}
GOES_ON = lazy("Everything that is there goes on as before.")


class Planned(Protocol):
    """What is read here of a plugin."""

    @property
    def name(self) -> str: ...
    @property
    def entitlements(self) -> Limits | None: ...
    @property
    def billing_link(self) -> Link | None: ...


@dataclass(frozen=True)
class _Source:
    plugin: str
    limits: Limits
    link: Link | None


_source: _Source | None = None


def install(plugins: Iterable[Planned]) -> None:
    """Make these the installed plugins of the process; at most one of them knows plans."""
    global _source  # noqa: PLW0603 - a process has one set of plugins
    found = [
        _Source(each.name, each.entitlements, each.billing_link)
        for each in plugins
        if each.entitlements is not None
    ]
    _source = found[0] if found else None


class LimitReached(Rejected):
    """The plan of the school holds no more of it. Nothing has been changed, and nothing is taken away."""

    def __init__(
        self, *, entitlement: Entitlement, held: int, limit: int, wanted: int, may_pay: bool
    ) -> None:
        self.entitlement, self.held, self.limit, self.wanted = entitlement, held, limit, wanted
        said = [_how_many(entitlement, held, limit)]
        if wanted > 1:
            said.append(_how_many_more(self.over, wanted))
        said += [str(_TO_DO[entitlement, may_pay]), str(GOES_ON)]
        super().__init__(**{"": " ".join(said)})

    @property
    def over(self) -> int:
        """How many of those that are wanted are beyond the limit."""
        return min(self.wanted, self.held + self.wanted - self.limit)


def planned(tx: Transaction) -> bool:
    """Whether any plugin that is switched on knows plans."""
    return _in_force(tx) is not None


def limit_of(tx: Transaction, school_id: int, entitlement: Entitlement) -> int | None:
    """How many the plan of a school holds; None where it does not say."""
    source = _in_force(tx)
    return None if source is None else source.limits(tx, school_id).get(entitlement)


def used(tx: Transaction, school_id: int) -> Mapping[Entitlement, int]:
    """How many of each a school has, in one statement; nothing of a school that is not the principal's.

    Leaders, teachers, founders and the system may ask. Nobody waits for anybody.
    """
    row = functions.used_of(tx, school_id=school_id)
    if row is None:
        return {}
    return {
        Entitlement.SEATS: row.seats,
        Entitlement.CLASSES: row.classes,
        Entitlement.STUDENTS: row.students,
    }


def require_room(
    tx: Transaction,
    *,
    school_id: int,
    entitlement: Entitlement,
    wanted: int = 1,
    addresses: Collection[bytes] = (),
) -> None:
    """Let a service make so many more of something in a school. Raises `LimitReached`.

    `addresses` are, for `SEATS`, the blind indexes of those who are invited: whoever has a place already, or
    is invited to one, takes none. To be called last before the first of them is written: where there is a
    limit, it waits for whoever else makes the same in this school, and lets the next wait for this
    transaction's end. Without a limit it makes no statement.
    """
    limit = limit_of(tx, school_id, entitlement) if wanted > 0 else None
    if limit is None:
        return
    row = functions.take_room(tx, school_id=school_id, entitlement=entitlement, addresses=addresses)
    if row is None:
        # Not the principal's school: the database refuses what is to be made there.
        return
    wanted -= row.seated
    if wanted > 0 and row.used + wanted > limit:
        raise _reached(tx, school_id, entitlement, row.used, limit, wanted)


def beyond_limit(tx: Transaction, *, school_id: int, entitlement: Entitlement, made: int) -> int:
    """How many of what this transaction made in a school already are beyond its limit; 0 where there is none.

    For what does not know before how many it makes, and undoes all of it then. Waits as `require_room` does.
    """
    limit = limit_of(tx, school_id, entitlement) if made > 0 else None
    if limit is None:
        return 0
    row = functions.take_room(tx, school_id=school_id, entitlement=entitlement, addresses=())
    return 0 if row is None else max(0, min(made, row.used - limit))


def no_room(
    tx: Transaction, *, school_id: int, entitlement: Entitlement, wanted: int = 1
) -> LimitReached | None:
    """What `require_room` would raise as things are now, to be said before somebody types or confirms."""
    limit = limit_of(tx, school_id, entitlement) if wanted > 0 else None
    if limit is None:
        return None
    held = used(tx, school_id).get(entitlement, 0)
    return _reached(tx, school_id, entitlement, held, limit, wanted) if held + wanted > limit else None


def link_to_plans(tx: Transaction, school_id: int) -> str | None:
    """Where the principal can change the plan of the school, if there is such a page and they may."""
    source = _in_force(tx)
    return None if source is None or source.link is None else source.link(tx, school_id)


def _in_force(tx: Transaction) -> _Source | None:
    source = _source
    return source if source is not None and tx.enabled(source.plugin) else None


def _reached(
    tx: Transaction, school_id: int, entitlement: Entitlement, held: int, limit: int, wanted: int
) -> LimitReached:
    who = tx.principal
    may_pay = school_id in who.led_schools or school_id in who.personal_schools
    return LimitReached(entitlement=entitlement, held=held, limit=limit, wanted=wanted, may_pay=may_pay)


def _how_many(entitlement: Entitlement, held: int, limit: int) -> str:
    given = {"used": amount(held), "count": amount(limit)}
    match entitlement:
        case Entitlement.SEATS:
            return ngettext(
                "This school has %(used)s of the %(count)s person on its staff that its plan holds, open"
                " invitations included.",
                "This school has %(used)s of the %(count)s people on its staff that its plan holds, open"
                " invitations included.",
                limit,
                **given,
            )
        case Entitlement.CLASSES:
            return ngettext(
                "This school has %(used)s of the %(count)s class that its plan holds.",
                "This school has %(used)s of the %(count)s classes that its plan holds.",
                limit,
                **given,
            )
        case Entitlement.STUDENTS:
            return ngettext(
                "This school has %(used)s of the %(count)s student that its plan holds.",
                "This school has %(used)s of the %(count)s students that its plan holds.",
                limit,
                **given,
            )


def _how_many_more(over: int, wanted: int) -> str:
    return ngettext(
        "%(over)s of the %(count)s new ones is over the limit.",
        "%(over)s of the %(count)s new ones are over the limit.",
        over,
        over=amount(over),
        count=amount(wanted),
    )
