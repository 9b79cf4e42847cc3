"""`backoffice retention preview` and `run`: what they print, and how they end."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backoffice.access.transaction import transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.accounts.models import AccountSession
from backoffice.privacy.retention import kinds, runs
from backoffice.runtime import Runtime
from tests.factories.commands import Run
from tests.factories.retention import decide_otherwise, forget_policies
from tests.factories.world import SYSTEM, World
from tests.privacy.retention.conftest import Sessions

SECOND = timedelta(seconds=1)


def counted() -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AccountSession)) or 0


def test_a_preview_counts_and_erases_nothing(run: Run, now: datetime, sessions: Sessions) -> None:
    border = SESSIONS.before(now)
    sessions(border - SECOND, border + timedelta(days=4))
    before = counted()
    answer = run("retention", "preview")
    assert (answer.code, answer.err) == (0, "")
    (line,) = (each for each in answer.out.splitlines() if each.startswith("adult-sessions"))
    assert line.split() == ["adult-sessions", "P6M", "1", "1"]
    assert answer.out.rstrip().endswith("Nothing was erased.")
    told = json.loads(run("retention", "preview", "--json").out)
    assert [each["name"] for each in told["kinds"]] == list(kinds.installed())
    ours = next(each for each in told["kinds"] if each["name"] == "adult-sessions")
    assert (ours["due_now"], ours["due_soon"], sum(ours["by_day"]), ours["waits"]) == (1, 1, 1, False)
    assert (counted(), told["days"]) == (before, 30)


def test_a_run_does_what_the_preview_said(run: Run, now: datetime, sessions: Sessions) -> None:
    sessions(SESSIONS.before(now) - SECOND, now)
    told = json.loads(run("retention", "preview", "--json").out)
    due = {each["name"]: each["due_now"] for each in told["kinds"] if each["by"] is None}
    answer = run("retention", "run", "--json")
    assert (answer.code, answer.err) == (0, "")
    gone = json.loads(answer.out)["gone"]
    assert {name: count for name, count in gone.items() if count} == {n: c for n, c in due.items() if c}
    assert json.loads(run("retention", "run", "--json").out)["waiting"] == []


def test_one_kind_alone(run: Run, now: datetime, sessions: Sessions) -> None:
    sessions(SESSIONS.before(now) - SECOND)
    assert run("retention", "run", "--policy", "log-files").out.rstrip() == "0 went of 1 kinds of data."
    answer = run("retention", "run", "--policy", "adult-sessions")
    assert answer.out.split() == ["1", "adult-sessions", "1", "went", "of", "1", "kinds", "of", "data."]


def test_bad_usage_ends_with_2(run: Run, world: World) -> None:
    answer = run("retention", "run", "--policy", "dreams")
    assert answer.code == 2
    assert answer.err.startswith("The policy has no dreams. It has: adult-sessions")
    answer = run("retention", "run", "--go-ahead")
    assert (answer.code, answer.err) == (2, "Say of which kind of data: --policy NAME.\n")


def test_what_waits_for_a_person_ends_with_1(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "too_much", lambda found, _rules: found.total is not None)
    answer = run("retention", "run", "--policy", "worries")
    assert answer.code == 1
    assert "backoffice retention run --policy worries --go-ahead" in answer.err
    answer = run("retention", "run", "--policy", "worries", "--go-ahead")
    assert (answer.code, answer.err) == (0, "")


def test_log_files_go_by_age(run: Run, world: World, now: datetime, tmp_path: Path) -> None:
    border = kinds.installed()["log-files"].before(now).timestamp()
    for name, age in (("web-2026-11-01T00.log", -1), ("web-2026-12-20T00.log", 1), ("other.log", -1)):
        (tmp_path / name).write_text("{}\n")
        os.utime(tmp_path / name, (border + age, border + age))
    here = {"BACKOFFICE_LOG_DIR": str(tmp_path)}
    told = json.loads(run("retention", "preview", "--json", **here).out)
    assert next(each["due_now"] for each in told["kinds"] if each["name"] == "log-files") == 1
    run("retention", "run", **here)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other.log", "web-2026-12-20T00.log"]


def test_a_diff_says_what_the_file_has_otherwise(run: Run, runtime: Runtime, tmp_path: Path) -> None:
    forget_policies(runtime)
    answer = run("retention", "diff")
    assert (answer.code, answer.out.strip(), answer.err) == (0, "The file says what was decided.", "")
    try:
        decide_otherwise(
            tmp_path,
            ('title = "Mails that were sent or given up"', 'title = "Mails"'),
            ('period = "P6M"\nclock = "When it was done."', 'period = "P3M"\nclock = "When it was done."'),
        )
        answer = run("retention", "diff")
        assert answer.code == 1
        assert answer.out.splitlines() == [
            "trail-details: after 30 days",
            "  - Kept for: 3 months",
            "  + Kept for: 6 months (longer)",
            "mails: once decided",
            "  - Name: Mails",
            "  + Name: Mails that were sent or given up",
        ]
        # Whatever starts says so, and goes on.
        assert "retention diff" in answer.err
        told = json.loads(run("retention", "diff", "--json").out)
        assert [(each["name"], each["waits"]) for each in told["kinds"]] == [
            ("trail-details", True),
            ("mails", False),
        ]
        checked = run("db", "check")
        assert checked.code == 0
        assert (
            "retention.toml says something else than the policy that was decided, of: trail-details, mails."
            in checked.err
        )
        preview = run("retention", "preview", "--json")
        periods = {each["name"]: each["period"] for each in json.loads(preview.out)["kinds"]}
        assert periods["trail-details"] == "P3M"
    finally:
        forget_policies(runtime)
