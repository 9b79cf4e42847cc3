"""Where the time of a request goes: asks for pages in the process, and counts by whose lines they are.

Run as `python profiled.py`, with the settings in the environment and on its input, as JSON, the pages: title,
path, cookie, fields, times. It needs nothing of the tests, so that another checkout can be looked at with it
(`PYTHONPATH`). Answers with JSON.
"""

import cProfile
import json
import pstats
import re
import statistics
import sys
import time
from collections import Counter
from typing import Any

import structlog
from sqlalchemy import event

# The first that fits says whose a function is: by the file that it is in.
PARTS = (
    ("driver", re.compile(r"/psycopg(_binary|_c)?/|psycopg_binary")),
    ("opening seals", re.compile(r"/cryptography/|storage/(keyring|seal|columns)|AESGCM|/base64\.py")),
    ("ORM", re.compile(r"/sqlalchemy/")),
    ("template", re.compile(r"/jinja2/|/markupsafe/|<template>|/templates/|\.html")),
    ("Flask", re.compile(r"/(flask|werkzeug|flask_\w+|wtforms|itsdangerous|click|blinker)/")),
    ("log", re.compile(r"/(structlog|logging)/")),
    ("ours", re.compile(r"/(backoffice|plugins)/")),
)
HIDDEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
REST = "Python's own"


class Timed:
    """The statements of the process with how long each took, since it was last emptied."""

    def __init__(self, engines: Any) -> None:
        self.taken: list[tuple[str, float]] = []
        self._began = 0.0
        for engine in engines:
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "after_cursor_execute", self._after)

    def _before(self, *_about: Any) -> None:
        self._began = time.perf_counter()

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_about: Any) -> None:
        self.taken.append((" ".join(statement.split()), (time.perf_counter() - self._began) * 1000))


def part_of(file: str, name: str) -> str:
    """Whose a function is. Built-in ones have no file, and are told by their name."""
    where = name if file == "~" else file
    return next((part for part, pattern in PARTS if pattern.search(where)), REST)


def by_part(profile: cProfile.Profile, times: int) -> dict[str, float]:
    """Milliseconds a page of each part; what is built in counts for whoever calls it."""
    found: Counter[str] = Counter()
    for (file, _line, name), (_calls, _all, own, _below, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        part = part_of(file, name)
        if part is REST and callers:
            for (caller_file, _at, caller), (_n, _m, within, _total) in callers.items():
                found[part_of(caller_file, caller)] += within
        else:
            found[part] += own
    return {part: own * 1000 / times for part, own in found.most_common()}


def asked(client: Any, page: dict[str, Any]) -> None:
    """Ask for it once, with a form's token where it has fields."""
    if page["fields"] is None:
        answer = client.get(page["path"])
    else:
        answer = client.post(page["path"], data=page["fields"])
    assert answer.status_code == 200, (page["path"], answer.status_code)
    # A file is read to its end.
    assert answer.get_data()


def measured(app: Any, timed: Timed, page: dict[str, Any]) -> dict[str, Any]:
    """Medians of one page: as it is, and by whose lines; its statements."""
    client, times = app.test_client(), page["times"]
    client.set_cookie("account", page["cookie"])
    if page["fields"] is not None:
        form = client.get(page["form"]).text
        token = HIDDEN.search(form)
        assert token
        page["fields"]["csrf_token"] = token[1]
    for _ in range(2):
        asked(client, page)
    walls, works, rounds = [], [], []
    for _ in range(times):
        timed.taken.clear()
        began, worked = time.perf_counter(), time.process_time()
        asked(client, page)
        works.append((time.process_time() - worked) * 1000)
        walls.append((time.perf_counter() - began) * 1000)
        rounds.append(list(timed.taken))
    # Of the processor's time: waiting for the database is told by the statements.
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for _ in range(times):
        asked(client, page)
    profile.disable()
    fewest = min(rounds, key=len)
    return {
        "title": page["title"],
        "wall": statistics.median(walls),
        "work": statistics.median(works),
        "parts": by_part(profile, times),
        "count": len(fewest),
        "statements": [
            (text, statistics.median(each[at][1] for each in rounds if len(each) == len(fewest)))
            for at, (text, _took) in enumerate(fewest)
        ],
    }


def main() -> None:
    """Answer on the output."""
    from backoffice.app import create_app
    from backoffice.settings import load
    from backoffice.storage import database
    from backoffice.storage.roles import DatabaseRole

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    app = create_app(load())
    timed = Timed([database.current().engine(role) for role in (DatabaseRole.APP, DatabaseRole.SYSTEM)])
    print(json.dumps([measured(app, timed, page) for page in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
