"""The engine against cases that were worked out by hand before it was there (`cases.toml`)."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from plugins.notifications.deadlines.engine import Row, Status, deadlines
from plugins.notifications.deadlines.facts import (
    Contract,
    Encrypted,
    Facts,
    FactsError,
    Given,
    Group,
    PoliceHold,
    Risk,
    Role,
    SchoolFacts,
)
from plugins.notifications.deadlines.law import Law, Order, Start, read_law

ROOT = Path(__file__).parents[4]
CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))["case"]
CONTRACTS = {"ndpa_v1": "contract-ndpa-v1", "hours": "contract-hours"}


@pytest.fixture(scope="module")
def law() -> Law:
    return read_law(ROOT / "config" / "jurisdictions.toml")


def facts_of(case: Mapping[str, Any]) -> Facts:
    hold = case.get("hold")
    return Facts(
        role=Role(case["role"]),
        risk=Risk(case["risk"]),
        noticed=case["noticed"],
        determined=case.get("determined"),
        confirmed=case.get("confirmed"),
        people=tuple(
            Group(
                each["place"],
                each["who"],
                each["number"],
                frozenset(each["kinds"]),
                Encrypted(each["encrypted"]),
                each.get("school"),
            )
            for each in case["people"]
        ),
        schools={each["id"]: _school(each) for each in case.get("school", ())},
        individuals_told=case.get("individuals_told", {}),
        hold=PoliceHold(hold["from"], hold.get("until")) if hold else None,
        given=tuple(Given(each["rule"], each["at"], each.get("school")) for each in case.get("given", ())),
    )


def _school(said: Mapping[str, Any]) -> SchoolFacts:
    rule, start = CONTRACTS.get(said["contract"]), said.get("contract_start")
    return SchoolFacts(
        said["id"],
        said["place"],
        ZoneInfo(said["zone"]),
        Contract(rule, said.get("contract_hours"), Start(start) if start else None) if rule else None,
        said.get("told"),
        said.get("individuals_told"),
    )


def said(row: Row) -> dict[str, Any]:
    """A row in the words of the cases; what is nothing is left out."""
    whole = {
        "rule": row.rule.id,
        "school": row.school,
        "duty_of": None if row.is_ours else "school",
        "to": list(row.to),
        "status": str(row.status),
        "order": str(row.order) if row.order is not Order.FREE else None,
        "reason": row.reason and str(row.reason),
        "waits_for": row.waits_for and str(row.waits_for),
        **{name: _written(getattr(row, name)) for name in ("due", "normal_due", "safe_due", "due_if")},
        "doubtful_people": row.doubtful_people if row.status is not Status.NOT_REQUIRED else None,
        "late": row.is_late,
        "needs_reason": row.needs_reason,
    }
    return {name: value for name, value in whole.items() if value}


def _written(moment: datetime | None) -> str | None:
    """With its offset: the same moment elsewhere is another day."""
    return moment.isoformat() if moment else None


def expected(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if value
    }


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["rule"], row.get("school", "")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_it_says_what_was_worked_out_by_hand(law: Law, case: Mapping[str, Any]) -> None:
    found = deadlines(law, facts_of(case))
    assert _sorted([said(row) for row in found.rows]) == _sorted([expected(row) for row in case["rows"]])
    assert {row.rule.id for row in found.earliest} == set(case.get("earliest", ()))
    assert list(found.unknown_places) == sorted(case.get("unknown_places", ()))
    if "verdict" in case:
        assert f"contract {found.contract}, statute {found.statute}" == case["verdict"]


AT = datetime(2026, 3, 6, 12, tzinfo=UTC)


def test_where_only_others_have_a_rule_it_says_that_something_is_missing(law: Law) -> None:
    """Oregon has rules for vendors alone, and Texas none for them: no rows, or few, are not nothing to do."""

    def people(place: str, school: str | None = None) -> Group:
        return Group(place, "staff", 5_000, frozenset({"name", "ssn"}), school=school)

    ours = Facts(Role.CONTROLLER, Risk.RISK, AT, people=(people("US-OR"), people("US-TX")))
    assert deadlines(law, ours).incomplete_places == ("US-OR",)
    school = SchoolFacts("waco", "US-TX", ZoneInfo("America/Chicago"))
    theirs = Facts(
        Role.PROCESSOR,
        Risk.RISK,
        AT,
        people=(people("US-OR", "waco"), people("US-TX", "waco")),
        schools={"waco": school},
    )
    assert deadlines(law, theirs).incomplete_places == ("US-TX",)


def test_a_doubtful_notice_that_was_given_is_seen(law: Law) -> None:
    case = next(case for case in CASES if case["name"] == "tx: credentials only, not confirmed as a trigger")
    given = (Given("us-tx-521-053-ag", AT),)
    rows = deadlines(law, replace(facts_of(case), given=given)).rows
    assert {row.rule.id: row.given_at for row in rows if row.given_at} == {"us-tx-521-053-ag": AT}


def test_a_notice_in_the_hour_that_comes_twice_is_not_late(law: Law) -> None:
    paris = ZoneInfo("Europe/Paris")
    noticed = datetime(2026, 10, 22, 2, 30, tzinfo=paris)
    group = Group("FR", "staff", 5, frozenset({"name"}))
    facts = Facts(Role.CONTROLLER, Risk.RISK, noticed, people=(group,))
    (due,) = {row.due for row in deadlines(law, facts).rows if row.due}
    assert due is not None
    before = datetime(2026, 10, 25, 1, 15, tzinfo=paris)
    rows = deadlines(law, replace(facts, given=(Given("eu-gdpr-33-1", before),))).rows
    assert [row.is_late for row in rows if row.given_at] == [False]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"noticed": datetime(2026, 3, 6)}, "noticed has no time zone"),  # noqa: DTZ001 - that is the case
        ({"people": (Group("US-NY", "staff", -1, frozenset(), school="albany"),)}, "fewer than no people"),
        ({"people": (Group("US-NY", "staff", 1, frozenset()),)}, "of no school"),
        ({"given": (Given("moon", AT),)}, "moon, which is no rule"),
    ],
)
def test_facts_that_cannot_be_are_refused(law: Law, changed: dict[str, Any], said: str) -> None:
    albany = SchoolFacts("albany", "US-NY", ZoneInfo("America/New_York"))
    facts = Facts(Role.PROCESSOR, Risk.RISK, AT, schools={"albany": albany})
    with pytest.raises(FactsError, match=said):
        deadlines(law, replace(facts, **changed))


@pytest.mark.parametrize(
    ("contract", "said"),
    [(Contract("contract-ndpa-v9"), "none of its rules"), (Contract("contract-hours"), "how many hours")],
)
def test_a_contract_that_nobody_can_go_by_is_refused(law: Law, contract: Contract, said: str) -> None:
    school = SchoolFacts("albany", "US-NY", ZoneInfo("America/New_York"), contract)
    with pytest.raises(FactsError, match=said):
        deadlines(law, Facts(Role.PROCESSOR, Risk.RISK, AT, schools={"albany": school}))


def test_each_rule_is_in_a_case(law: Law) -> None:
    asked = {row["rule"] for case in CASES for row in case["rows"]}
    assert {rule.id for rule in law.rule} == asked
    assert len(CASES) >= 60
