"""The file of plans: read, and refused with every mistake at once."""

import re
from pathlib import Path

import pytest

from backoffice.entitlements import Entitlement
from plugins.billing import plans
from plugins.billing.models import PlanName


def test_the_plans_as_they_ship() -> None:
    found = plans.read(plans.FILE)
    assert set(found.by_name) == set(PlanName)
    assert found.free.lookup_keys == ()
    assert found.by_name[PlanName.SCHOOL].limits(12) == {Entitlement.SEATS: 12}
    assert found.of_price("teacher_yearly") == found.by_name[PlanName.TEACHER]
    assert found.of_price("no such") is None
    assert found.of_price(None) is None
    assert found.grace.days == 14


def test_no_plan_limits_a_right() -> None:
    """Payment gates no export, no deletion, no security and no notice, by whatever name."""
    told = plans.FILE.read_text("utf-8")
    named = re.findall(r'"([a-z._-]+)" =', told)
    assert set(named) <= set(Entitlement)
    assert not [name for name in named if re.search("export|delet|eras|secur|notic|breach|report", name)]


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "plans.toml"
    path.write_text(
        "trial_days = 30\ngrace_days = 14\ninvoice_days = 'thirty'\nsurprise = 1\n"
        '[plan.free]\nentitlements = { "exports.max" = 1, "classes.max" = -1 }\n'
        '[plan.teacher]\nlookup_keys = ["same"]\nsurprise = 2\n'
        '[plan.school]\nlookup_keys = ["same"]\n'
        "[plan.galaxy]\n"
    )
    with pytest.raises(plans.PlansError) as refused:
        plans.read(path)
    assert refused.value.problems == [
        f"plans.toml: {problem}"
        for problem in (
            "invoice_days is no number of days.",
            "quote_days is no number of days.",
            "nothing is called surprise.",
            "there is no plan galaxy.",
            "the plan district is missing.",
            "free: exports.max is no entitlement.",
            "free: classes.max is no number.",
            "teacher: nothing is called surprise.",
            "galaxy has no price. Name its lookup_keys.",
            "the price same belongs to two plans.",
        )
    ]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(plans.PlansError, match="cannot be read"):
        plans.read(tmp_path / "plans.toml")
