"""The engine against cases that were worked out by hand before it was there (`cases.toml`)."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from plugins.notifications.deadlines.engine import Row, Status, deadlines
from plugins.notifications.deadlines.facts import (
    Contract,
    Encrypted,
    Facts,
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


def test_each_rule_is_in_a_case(law: Law) -> None:
    asked = {row["rule"] for case in CASES for row in case["rows"]}
    assert {rule.id for rule in law.rule} == asked
    assert len(CASES) >= 60
