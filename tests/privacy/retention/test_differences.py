"""What two policies say differently, and what of it schools have to be told before it is in force."""

from dataclasses import replace

import pytest

from backoffice.language import spoken
from backoffice.privacy.retention import policy
from backoffice.privacy.retention.differences import Difference, Longer, differences
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.policy import Action, Policy
from backoffice.privacy.retention.words import Told

MAILS = policy.on_disk().entries["mails"]


def test_of_each_kind_that_differs_the_fields_that_do() -> None:
    ours = policy.on_disk()
    assert list(differences(ours, ours)) == []
    lonely = replace(MAILS, name="lonely")
    kept = {name: each for name, each in ours.entries.items() if name != "tries"}
    other = Policy(
        {**kept, "mails": replace(MAILS, period=Period(3, "month"), need="Else."), "lonely": lonely}
    )
    assert [(each.name, each.changed) for each in differences(ours, other)] == [
        ("mails", ("need", "period")),
        ("lonely", ()),
        ("tries", ()),
    ]


@pytest.mark.parametrize(
    ("values", "longer", "waits"),
    [
        ({"period": Period(3, "month")}, Longer.SHORTER, False),
        ({"period": Period(7, "month")}, Longer.LONGER, True),
        ({"period": Period(1, "year")}, Longer.LONGER, True),
        ({"need": "Said otherwise."}, None, False),
        ({"title": "Said otherwise"}, None, False),
        ({"purpose": "For advertising."}, None, True),
        ({"period": Period(3, "month"), "purpose": "For advertising."}, Longer.SHORTER, True),
        ({"clock": "When it was read."}, None, True),
        ({"action": Action.EMPTY}, None, True),
        ({"warnings": (Period(7, "day"), Period(1, "day"))}, None, False),
        ({"warnings": (Period(1, "day"),)}, None, True),
        ({"columns": ("app.mail.created_at",)}, None, False),
    ],
)
def test_what_keeps_longer_or_does_more_waits(
    values: dict[str, object], longer: Longer | None, waits: bool
) -> None:
    old = replace(MAILS, warnings=(Period(7, "day"),))
    found = Difference("mails", old, replace(old, **{"warnings": old.warnings, **values}))  # type: ignore[arg-type]
    assert (found.period, found.waits) == (longer, waits)


def test_what_is_new_or_gone_does_not_wait() -> None:
    assert not Difference("mails", None, MAILS).waits
    assert not Difference("mails", MAILS, None).waits


def test_the_digest_is_of_what_is_said_and_in_no_language_or_order() -> None:
    ours = policy.on_disk()
    with spoken.speaking("es"):
        assert str(MAILS.title) != "Mails that were sent or given up"
        assert (
            ours.digest == Policy({name: ours.entries[name] for name in reversed(list(ours.entries))}).digest
        )
        assert policy.remembered(ours.said).digest == ours.digest
    assert policy.remembered(ours.said).entries == ours.entries
    assert Policy({"mails": replace(MAILS, need="Else.")}).digest != Policy({"mails": MAILS}).digest


def test_it_is_said_in_the_language_that_is_spoken() -> None:
    told = Told(Difference("mails", MAILS, replace(MAILS, period=Period(3, "month"))))
    (line,) = told.lines
    assert (line.label, line.old, line.new, line.longer) == ("Kept for", "6 months", "3 months", "shorter")
    with spoken.speaking("es"):
        (line,) = told.lines
        assert (line.old, line.new) == ("6 meses", "3 meses")
