"""Reading the policy, and that it and the program say the same: whatever is wrong is said at once."""

from dataclasses import replace
from pathlib import Path

import pytest

from backoffice.accounts.models import AccountSession
from backoffice.outbox.kinds import MAILS
from backoffice.outbox.models import OutgoingMail
from backoffice.plugin import Plugin
from backoffice.privacy.retention import core, kinds, policy
from backoffice.privacy.retention.kinds import Kind, Rows, mismatches
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.policy import Policy, RetentionError, load
from backoffice.runtime import Runtime

GOOD = """
[kind.mails]
title = "Mails"
purpose = "To know."
need = "For a while."
period = "P6M"
clock = "When it was sent."
columns = ["app.mail.finished_at"]
action = "erase"
warnings = []
"""


def read(folder: Path, text: str) -> Policy:
    (folder / policy.FILE).write_text(text)
    return load(folder)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(RetentionError) as raised:
        read(folder, text)
    return raised.value.problems


def test_a_good_one_is_read(tmp_path: Path) -> None:
    entry = read(tmp_path, GOOD).entries["mails"]
    assert (entry.title, entry.period.iso, entry.action, entry.plugin) == ("Mails", "P6M", "erase", None)


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('period = "P6M"', 'period = "half a year"', "kind.mails.period: Write it as an ISO 8601 duration"),
        ('period = "P6M"', "period = 6", "kind.mails.period: Write it as an ISO 8601 duration"),
        ('period = "P6M"\n', "", "kind.mails.period: Field required"),
        ('title = "Mails"', 'title = ""', "kind.mails.title: String should have at least 1 character"),
        (
            'action = "erase"',
            'action = "burn"',
            "kind.mails.action: Input should be 'erase', 'empty' or 'close'",
        ),
        (
            'columns = ["app.mail.finished_at"]',
            'columns = ["finished"]',
            "kind.mails.columns.0: String should match",
        ),
        ("warnings = []", 'warnings = ["P1D", "P30D"]', "kind.mails: The warnings have to stand in order"),
        ("warnings = []", 'warnings = ["P30D", "P30D"]', "kind.mails: The warnings have to stand in order"),
        ("warnings = []", 'warnings = ["P7M"]', "kind.mails: A warning has to come within the period."),
        ("warnings = []", 'warnings = []\nwhy = "x"', "kind.mails.why: Extra inputs are not permitted"),
        ("[kind.mails]", "[kind.Mails]", "kind.Mails"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, line: str, instead: str, said: str) -> None:
    (found,) = problems(tmp_path, GOOD.replace(line, instead))
    assert found.startswith(f"{policy.FILE}, {said}")


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    both = GOOD.replace("P6M", "six months").replace('"erase"', '"burn"')
    assert len(problems(tmp_path, both)) == 2


def test_what_is_no_file_or_no_toml_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match="cannot be read"):
        load(tmp_path)
    assert "cannot be read" in problems(tmp_path, "[kind")[0]


# -- policy and program


def against(said: str, *kept: Kind, folder: Path) -> list[str]:
    return list(mismatches(read(folder, said), {"core": kept}))


def test_the_shipped_policy_and_the_program_say_the_same(runtime: Runtime) -> None:
    plugins: dict[str, tuple[Kind, ...]] = {plugin.name: plugin.retention for plugin in runtime.plugins}
    assert list(mismatches(policy.on_disk(), {"core": core.KINDS, **plugins})) == []
    assert list(kinds.installed()) == list(policy.on_disk().entries)


def test_a_kind_without_an_entry_and_an_entry_without_a_kind(tmp_path: Path) -> None:
    lonely = Kind("lonely", (Rows(AccountSession, AccountSession.last_seen_at),))
    assert against(GOOD, MAILS, folder=tmp_path) == []
    assert against(GOOD, MAILS, lonely, folder=tmp_path) == [
        "retention.toml has no entry for lonely, which the core keeps."
    ]
    assert against(GOOD, folder=tmp_path) == [
        "retention.toml has an entry for mails, and the core keeps no such data."
    ]
    assert against(GOOD, MAILS, MAILS, folder=tmp_path) == ["There are two kinds of data named mails."]


def test_an_entry_of_a_plugin_counts_where_that_is_installed(tmp_path: Path) -> None:
    said = GOOD.replace("warnings = []", 'warnings = []\nplugin = "rosters"')
    assert against(said, folder=tmp_path) == []
    assert list(mismatches(read(tmp_path, said), {"core": (), "rosters": ()})) == [
        "retention.toml has an entry for mails, and the plugin rosters keeps no such data."
    ]
    assert against(said, MAILS, folder=tmp_path) == ["retention.toml, mails: it is data of the core."]


@pytest.mark.parametrize(
    ("name", "warnings", "refused"),
    [
        ("accounts-without-a-place", 0, "exactly 1"),
        ("accounts-without-a-place", 2, "exactly 1"),
        ("inactive-teachers", 0, "1 or more"),
        ("ownerless-classes", 0, "1 or more"),
        ("ended-contracts", 0, "1 or more"),
        ("ended-contracts", 3, None),
    ],
)
def test_a_job_has_as_many_warnings_as_it_can_go_by(
    runtime: Runtime, name: str, warnings: int, refused: str | None
) -> None:
    del runtime
    kind, ours = kinds.installed()[name], policy.on_disk()
    told = tuple(Period(days, "day") for days in (9, 6, 3))[:warnings]
    entry = replace(ours.entries[name], warnings=told)
    found = list(mismatches(policy.Policy({name: entry}), {"retention": [kind]}))
    assert found == (
        [f"retention.toml, {name}: its job goes by {refused} in `warnings`, and there are {warnings}."]
        if refused
        else []
    )


def test_the_clock_the_action_and_the_longest_time_have_to_agree(tmp_path: Path) -> None:
    assert against(GOOD.replace("finished_at", "created_at"), MAILS, folder=tmp_path) == [
        "retention.toml, mails: its clock stands in app.mail.finished_at."
    ]
    assert against(GOOD.replace('"erase"', '"empty"'), MAILS, folder=tmp_path) == [
        "retention.toml, mails: the program would erase it."
    ]
    assert against(GOOD.replace("P6M", "P7M"), MAILS, folder=tmp_path) == [
        "retention.toml, mails: its columns say that it is kept for P6M at most."
    ]
    emptied = Kind("mails", (Rows(OutgoingMail, OutgoingMail.finished_at, empties=("reason",)),))
    assert against(GOOD, emptied, folder=tmp_path) == ["retention.toml, mails: the program would empty it."]


def test_a_policy_that_does_not_fit_stops_the_start() -> None:
    before = kinds.installed()
    with pytest.raises(RetentionError, match="has no entry for lonely"):
        kinds.install({"core": (*core.KINDS, Kind("lonely"))})
    assert kinds.installed() is before


def test_a_plugin_lets_go_of_its_own_alone() -> None:
    from backoffice.plugin import _faults

    greedy = Plugin(
        name="greedy", title="G", summary="", tables=None, personal_data=(), retention=(MAILS,), package="x"
    )
    assert list(_faults(greedy)) == [
        "The plugin greedy says that mails goes by age, of which a table is none of its own."
    ]
