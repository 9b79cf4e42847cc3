"""Where the time of a list's request goes: the first page by key and by name, a search, an export.

`BEFORE=/some/checkout` shows the same pages of other code beside ours, in turns; its schema must be the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.kept import ROWS, Kept, kept
from tests.bench.serving import HERE, UNTHROTTLED, environment_of
from tests.factories.crowd import OF_A_SCHOOL

__all__ = ["kept"]
LISTING = "/console/students/"
TURNS, TIMES = 2, 20
LONGEST_STATEMENT = 90


def pages(kept: Kept) -> list[dict[str, Any]]:
    """What is asked for, and by whom."""
    world = kept.world
    return [
        {
            "title": title,
            "path": path,
            "cookie": world.token(who),
            "fields": fields,
            "form": LISTING,
            "times": times,
        }
        for title, who, path, fields, times in (
            ("first page by key, a district", "leader", LISTING, None, TIMES),
            (f"first page by name, a school of {OF_A_SCHOOL:,}", "school_leader", LISTING, None, TIMES),
            ("a name, in the school", "school_leader", f"{LISTING}search", {"q": kept.crowd.given}, TIMES),
            ("an export", "small_exporter", f"{LISTING}export.csv", None, 2),
        )
    ]


def measured(kept: Kept, checkout: Path) -> list[dict[str, Any]]:
    """As the code of a checkout does it, in a process of its own."""
    environment = environment_of(kept.runtime, UNTHROTTLED) | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("profiled.py"))],
        input=json.dumps(pages(kept)),
        env=environment,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_where_the_time_goes(kept: Kept) -> None:
    checkouts = {"": HERE} | ({" before": Path(before)} if (before := os.environ.get("BEFORE")) else {})
    rounds = [{name: measured(kept, path) for name, path in checkouts.items()} for _ in range(TURNS)]
    print(f"\n{ROWS:,} students; milliseconds, in the process; parts as the profiler weighs them")
    for at in range(len(pages(kept))):
        for name in checkouts:
            each = [one[name][at] for one in rounds]
            first = each[0]
            work, wall = (median(one[what] for one in each) for what in ("work", "wall"))
            asked = sum(took for _text, took in first["statements"])
            whole = sum(first["parts"].values())
            parts = ", ".join(f"{part} {share / whole:.0%}" for part, share in first["parts"].items())
            print(
                f"\n{first['title']}{name}: {wall:.1f}, of which the processor's {work:.1f};"
                f" {first['count']} statements {asked:.1f}\n  {parts}"
            )
            for text, took in first["statements"]:
                print(f"  {took:6.2f}  {text[:LONGEST_STATEMENT]}")
            assert work > 0
