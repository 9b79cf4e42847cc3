"""Laws are read whole or not at all, and say what nobody has verified."""

from datetime import date
from pathlib import Path

import pytest

from plugins.notifications.deadlines.law import LawError, read_law

LAWS = Path(__file__).parents[4] / "config" / "jurisdictions.toml"


def test_the_laws_of_this_installation_are_sound() -> None:
    law = read_law(LAWS)
    assert {place for rule in law.rule for place in (rule.jurisdiction,)} >= {"EU", "US-NY", "contract"}
    # Who shows a rule as verified can say where it was read.
    assert [rule.id for rule in law.rule if rule.verified and rule.read == "nobody"] == []
    assert [rule.id for rule in law.rule if rule.verified_on and not rule.url] == []


def test_a_rule_is_doubted_until_somebody_reads_it_and_again_after_a_year() -> None:
    rules = {rule.id: rule for rule in read_law(LAWS).rule}
    read, never = rules["us-ny-121-10-vendor"], rules["contract-ndpa-v1"]
    assert read.verified_on is not None
    assert [read.is_doubted(day) for day in (date(2027, 11, 28), date(2027, 11, 30))] == [False, True]
    assert never.is_doubted(date(2026, 11, 28))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("amount = 72\n", "", "eu-gdpr-33-1 has a limit without a number"),
        ('unit = "hours"', 'unit = "none"', "eu-gdpr-33-1 has a limit without a number, or a number"),
        ('unit = "hours"', 'unit = "weeks"', "rule.0.unit"),
        ('zone = "Europe/Brussels"', 'zone = "Europe/Atlantis"', "this is no time zone"),
        ('triggers = ["any_personal_data"]', 'triggers = ["moon"]', "the trigger moon, which is not there"),
        ('calendar = "us-federal"', 'calendar = "lunar"', "the calendar lunar, which is not there"),
        ('id = "eu-gdpr-34"', 'id = "eu-gdpr-33-1"', "two rules are called eu-gdpr-33-1"),
        ('outer_rule = "us-md-', 'outer_rule = "us-xx-', "which is not there or not needed"),
        ("late_needs_reason = true", "late_needs_reson = true", "late_needs_reson"),
        ("[places]\n", "[places\n", "is no TOML"),
    ],
)
def test_whatever_is_wrong_is_said(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = LAWS.read_text("utf-8")
    assert before in text
    changed = tmp_path / "jurisdictions.toml"
    changed.write_text(text.replace(before, after, 1), "utf-8")
    with pytest.raises(LawError) as raised:
        read_law(changed)
    assert said in str(raised.value)
    assert str(raised.value).startswith("jurisdictions.toml")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = LAWS.read_text("utf-8").replace("amount = 72\n", "").replace('zone = "UTC"', 'zone = "Moon"')
    changed = tmp_path / "jurisdictions.toml"
    changed.write_text(text, "utf-8")
    with pytest.raises(LawError) as raised:
        read_law(changed)
    assert len(raised.value.problems) == 2
