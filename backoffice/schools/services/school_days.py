"""On which days a school teaches, by which clock and in which language. Doors keep the days and the clock."""

from collections.abc import Collection
from functools import cache

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import SCHOOL_DAYS_EDIT
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import places
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.language import catalogues
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.doors import in_order
from backoffice.schools.models import School
from backoffice.storage import functions

NO_DAY = lazy("Choose at least one day of the week.")
NO_ZONE = lazy("Choose a time zone of the list.")
NO_LANGUAGE = lazy("Choose a language of the list.")


@cache
def time_zones() -> frozenset[str]:
    """The time zones that a school can have: those of a country by their present names, and UTC."""
    return places.zones() | {"UTC"}


def shown(school: School) -> tuple[str, str, str]:
    """What a form shows of it, for its `version`."""
    return " ".join(in_order(school.school_days)), school.time_zone, school.language


def set_school_days(
    *,
    principal: Principal,
    school: str,
    days: Collection[str],
    time_zone: str,
    language: str | None = None,
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Set on which days of the week ("mon") a school teaches, its time zone, and its language if given.

    It holds at once. `seen` is the `version` of what was shown. Raises `Rejected`, `Overtaken`, `NotFound`.
    """
    chosen = in_order(days)
    if not chosen or len(chosen) != len(set(days)):
        raise Rejected(days=NO_DAY)
    if language not in (None, *catalogues.languages()):
        raise Rejected(language=NO_LANGUAGE)
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=SCHOOL_DAYS_EDIT)
        # A row that only a function of the database may change cannot be held by itself.
        functions.lock_school_days(tx, school_id=place.id)
        tx.refresh(place)
        # What a roster brought stands, whether or not it is on the list.
        if time_zone not in time_zones() | {place.time_zone}:
            raise Rejected(time_zone=NO_ZONE)
        wanted = (" ".join(chosen), time_zone, language or place.language)
        if not is_to_be_written(seen, now=shown(place), wanted=wanted):
            return
        keep_change(
            tx,
            place,
            back,
            days=(in_order(place.school_days), chosen),
            time_zone=(place.time_zone, time_zone),
            language=(place.language, language or place.language),
        )
        done = functions.set_school_days(tx, school_id=place.id, days=chosen, time_zone=time_zone)
        if done == "no such zone":
            raise Rejected(time_zone=NO_ZONE)
        if done != "set":
            raise NotFound
        record(tx, "schools.days", school_id=place.id, days=chosen, time_zone=time_zone)
        if language is not None and language != place.language:
            _set_language(tx, place, language)


def _set_language(tx: Transaction, place: School, language: str) -> None:
    if not functions.set_school_language(tx, school_id=place.id, language=language):
        raise NotFound
    record(tx, "schools.language", school_id=place.id, language=language)
