"""What an authority is told that stands at the incident already: computed, and not typed again.

It is computed anew while a form is a draft. What is proposed keeps it, so that two people decide about the
same.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext
from plugins.notifications import clocks, words
from plugins.notifications.authorities.queries import samples
from plugins.notifications.clocks import Standing
from plugins.notifications.deadlines.engine import Row
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.deadlines.law import Rule, Tells
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices.models import Notice, NoticeState
from plugins.notifications.said import AUTHORITIES, TELLS
from plugins.notifications.words import ENCRYPTED, FACTS, KINDS, RISKS, ROLES

# What ends within so long is late by the time at which somebody reads it.
SOON = timedelta(hours=1)
Known = Mapping[str, Any]
_MOMENTS = ("noticed_at", "determined_at", "confirmed_at", "held_since", "held_until")
_PEOPLE = ("students", "staff", "parents")


def asked(found: Standing) -> list[Row]:
    """The rules by which we have to tell an authority, or may have to."""
    return [
        row
        for row in found.deadlines.rows
        if row.is_ours and row.school is None and row.rule.tells in AUTHORITIES and row.status.is_to_be_told
    ]


def asked_by(found: Standing, rule: str) -> Row | None:
    """The same of one rule; None if it asks for nothing."""
    return next((row for row in asked(found) if row.rule.id == rule), None)


def rule_of(notice: Notice) -> Rule | None:
    """The rule that a form answers; None where laws have it no longer."""
    return next((each for each in clocks.law().rule if each.id == notice.rule), None)


def who(known: Known) -> str:
    """The authority by its name."""
    return _named(known["office"], known["tells"])


def name_of(rule: Rule) -> str:
    """The authority that a rule has us tell."""
    return _named(rule.office, rule.tells)


def is_late(row: Row | None, *, now: datetime) -> bool:
    """Whether the time of a rule that asks for a reason is over, or is within the hour."""
    return (
        row is not None
        and row.given_at is None
        and row.rule.late_needs_reason
        and row.due is not None
        and row.due <= now + SOON
    )


def known_of(tx: Transaction, notice: Notice) -> Known:
    """What a form says besides what was written: as it was proposed, or of a draft as it is now."""
    if notice.state != NoticeState.DRAFT and notice.facts is not None:
        return notice.facts
    return compute(tx, notice, tx.get_one(Incident, notice.incident_id))


def compute(tx: Transaction, notice: Notice, incident: Incident) -> Known:
    """What is known by now for the rule of a form, ready to be kept."""
    found, rule = clocks.standing(tx, incident), rule_of(notice)
    assert notice.rule is not None
    row = asked_by(found, notice.rule)
    there = [each for each in found.schools.values() if rule and clocks.law().covers(rule, each.place)]
    told = [each.individuals_told_at for each in there if each.individuals_told_at]
    return {
        "at": _kept(clock.now()),
        "rule": notice.rule,
        "tells": rule.tells if rule else Tells.REGULATOR,
        "office": rule.office if rule else "",
        "law": rule.law if rule else notice.rule,
        "citation": rule.citation if rule else "",
        "incident": incident.public_id,
        "due": _kept(row.due if row else None),
        "given_at": _kept(row.given_at if row else None),
        **{name: _kept(getattr(incident, name)) for name in _MOMENTS},
        "kinds": sorted(incident.kinds),
        "encrypted": incident.encrypted,
        "risk": incident.risk,
        "role": incident.role,
        "schools": len(there),
        "there": _numbers(there),
        "places": {
            place: _numbers([each for each in there if each.place == place])
            for place in sorted({each.place for each in there})
        },
        "everywhere": _numbers(list(found.schools.values())),
        "people_told_at": _kept(min(told, default=None)),
        "samples": [each.public_id for each in samples(tx, incident)],
    }


def in_words(known: Known) -> list[tuple[str, str]]:
    """What is filled in, as a page and a sheet of paper say it: title and text. Moments are in UTC."""
    places = known["places"] if len(known["places"]) > 1 else {}
    found = [
        (gettext("Authority"), who(known)),
        (gettext("Law"), f"{known['law']}: {known['citation']}" if known["citation"] else known["law"]),
        (gettext("Our reference"), known["incident"]),
        (gettext("Told before"), moment(known["given_at"])),
        *((str(FACTS[name]), moment(known[name])) for name in _MOMENTS[:3]),
        (gettext("Did the police ask to tell nobody?"), _held(known)),
        (str(FACTS["kinds"]), ", ".join(str(KINDS.get(each, each)) for each in known["kinds"])),
        (str(FACTS["encrypted"]), str(ENCRYPTED[Encrypted(known["encrypted"])])),
        (str(FACTS["risk"]), str(RISKS[Risk(known["risk"])])),
        (str(FACTS["role"]), str(ROLES[Role(known["role"])])),
        (gettext("People under this law, about"), people(known["there"])),
        *((place, people(numbers)) for place, numbers in places.items()),
        (gettext("Schools under this law"), amount(known["schools"])),
        (gettext("People everywhere, about"), people(known["everywhere"])),
        (gettext("People told"), moment(known["people_told_at"]) or gettext("Not yet")),
    ]
    return [(title, text) for title, text in found if text]


def people(numbers: Mapping[str, int]) -> str:
    """How many they are, all together and of each kind."""
    return gettext(
        "%(all)s: %(people)s",
        all=amount(sum(numbers.values())),
        people=words.people(**{name: numbers[name] for name in _PEOPLE}),
    )


def moment(kept: str | None) -> str:
    """A moment as an authority reads it; nothing of none."""
    return f"{datetime.fromisoformat(kept).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if kept else ""


def _named(office: str, tells: str) -> str:
    # As a heading begins; the laws name some of them by a common noun.
    return office[:1].upper() + office[1:] if office else str(TELLS[Tells(tells)])


def _held(known: Known) -> str:
    if not known["held_since"]:
        return gettext("No")
    if not known["held_until"]:
        return gettext("Since %(since)s", since=moment(known["held_since"]))
    return gettext(
        "From %(since)s to %(until)s", since=moment(known["held_since"]), until=moment(known["held_until"])
    )


def _kept(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")


def _numbers(some: Sequence[ConcernedSchool]) -> dict[str, int]:
    return {name: sum(getattr(each, name) for each in some) for name in _PEOPLE}
