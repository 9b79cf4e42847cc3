"""What pages show of jobs: each at a glance, and the runs of one, narrowed by state and day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import request

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.console.job_charts import strip
from backoffice.console.paging import Page
from backoffice.jobs.health import WRONG, Condition, Health, count
from backoffice.jobs.job import When
from backoffice.jobs.models import JobRun, RunState
from backoffice.language.texts import gettext, lazy
from backoffice.web.times import took

TONES = {
    RunState.SUCCEEDED: "good",
    RunState.RUNNING: "info",
    RunState.FAILED: "bad",
    RunState.LOST: "warn",
}
ASKED = {
    "schedule": lazy("by schedule"),
    "person": lazy("asked by a founder"),
    "command": lazy("at the terminal"),
    "service": lazy("asked by a part of the product"),
}
HEALTHS: Mapping[Health, tuple[str, str]] = {
    Health.FAILED: (lazy("Failed"), "bad"),
    Health.LATE: (lazy("Late"), "bad"),
    Health.RUNNING: (lazy("Running"), "info"),
    Health.RESTING: (lazy("Resting"), "mute"),
    Health.GOOD: (lazy("In order"), "good"),
    Health.NEVER: (lazy("Has not run"), "mute"),
}
# What the list of jobs can be narrowed to: a word of the address, what it is called, and what fits.
NARROWED: Mapping[str, tuple[str, frozenset[Health]]] = {
    "wrong": (lazy("Late or failed"), WRONG),
    "failed": (lazy("Failed"), frozenset({Health.FAILED})),
    "late": (lazy("Late"), frozenset({Health.LATE})),
    "running": (lazy("Running"), frozenset({Health.RUNNING})),
    "resting": (lazy("Resting"), frozenset({Health.RESTING})),
}
# What the runs of a job can be narrowed to.
STATES: Mapping[str, str] = {
    RunState.SUCCEEDED: lazy("Succeeded"),
    RunState.FAILED: lazy("Failed"),
    RunState.LOST: lazy("Lost: its worker died"),
    RunState.RUNNING: lazy("Running"),
    RunState.WAITING: lazy("Waiting"),
    RunState.SKIPPED: lazy("Skipped: nothing left to do"),
}

# What jobs of the core count: a run keeps it in English, and its page says it from the catalogue.
COUNTED = (
    lazy("answered"),
    lazy("asked"),
    lazy("came"),
    lazy("cancelled"),
    lazy("called off"),
    lazy("contents"),
    lazy("decisions"),
    lazy("done"),
    lazy("due"),
    lazy("events"),
    lazy("failed"),
    lazy("for nobody"),
    lazy("forgotten"),
    lazy("freed"),
    lazy("given up"),
    lazy("invitations"),
    lazy("known"),
    lazy("later"),
    lazy("lines"),
    lazy("locked"),
    lazy("made"),
    lazy("mails"),
    lazy("queued"),
    lazy("reminded"),
    lazy("finished runs"),
    lazy("sent"),
    lazy("told"),
    lazy("undelivered"),
    lazy("views"),
    lazy("waiting"),
    lazy("worries"),
    lazy("written"),
)


class Glance(NamedTuple):
    """One number above the list of jobs."""

    title: str
    value: int
    note: str
    tone: str
    url: str | None


@dataclass(frozen=True)
class Asked:
    """Which runs the address asks for."""

    state: str | None
    first: date | None
    last: date | None

    @property
    def narrowed(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.state or self.first or self.last)

    def begun(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """From when until before when they began."""

        def at(day: date | None) -> datetime | None:
            return datetime.combine(day, time(), zone).astimezone(UTC) if day else None

        return at(self.first), at(self.last + timedelta(days=1) if self.last else None)

    def url(self, page: str, **more: str | None) -> str:
        """The address of these runs on a page."""
        pairs = {
            "state": self.state,
            "from": self.first.isoformat() if self.first else None,
            "until": self.last.isoformat() if self.last else None,
            **more,
        }
        said = urlencode({name: value for name, value in pairs.items() if value})
        return f"{page}?{said}#runs" if said else f"{page}#runs"


def asked() -> Asked:
    """Which runs the request asks for. Raises `NotFound` for a state or a day that there is not."""
    state = request.args.get("state") or None
    if state is not None and state not in STATES:
        raise NotFound
    return Asked(state, _day("from"), _day("until"))


def narrowed() -> str | None:
    """To which jobs the request narrows the list. Raises `NotFound` for a word that means none."""
    word = request.args.get("state") or None
    if word is not None and word not in NARROWED:
        raise NotFound
    return word


def _day(name: str) -> date | None:
    text = request.args.get(name, "")
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        raise NotFound from None
    # The first and the last days of all fit into no moment of every zone.
    if found is not None and not 2000 <= found.year < 2200:  # noqa: PLR2004 - years
        raise NotFound
    return found


def glances(found: Iterable[Condition]) -> list[Glance]:
    """The numbers above the list: what goes wrong first."""
    counts = count(found)

    def of(word: str, note: str, *, tone: str = "") -> Glance:
        title, healths = NARROWED[word]
        value = sum(counts[each] for each in healths)
        return Glance(
            title, value, note, tone if value else "", f"/console/jobs/?state={word}" if value else None
        )

    return [
        of("failed", gettext("when they last ran"), tone="bad"),
        of("late", gettext("by 15 minutes and more"), tone="bad"),
        of("running", gettext("at this moment")),
        of("resting", gettext("paused, or of a plugin that is off")),
    ]


def shown(condition: Condition, *, owner: str) -> dict[str, Any]:
    """A job as the list and its page tell of it."""
    entry, row, last = condition.entry, condition.schedule, condition.last
    when = When(row.time) if row else entry.job.when
    words, tone = HEALTHS[condition.health]
    return {
        "name": entry.name,
        "title": entry.title,
        "owner": owner,
        "url": f"/console/jobs/{entry.name}",
        "when": when.words if when and entry.job.when else gettext("when something asks for it"),
        "changed": row is not None and row.changed_at is not None,
        "on": condition.on,
        "paused": condition.paused,
        "next": condition.next_at,
        "overdue": condition.next_at is not None and condition.next_at < clock.now(),
        "last": {"at": last.started_at, "took": took(last.took), "state": last.state.value} if last else None,
        "health": condition.health.value,
        "words": words,
        "tone": tone,
        "strip": strip(condition.marks),
    }


def run_shown(run: JobRun) -> dict[str, Any]:
    """A run as its job's page tells of it."""
    state = RunState(run.state)
    began = run.started_at
    return {
        "public_id": run.public_id,
        "state": state.value,
        "tone": TONES.get(state, "mute"),
        "asked": ASKED[run.asked],
        "attempt": run.attempt,
        "at": began or run.asked_at,
        "took": took((run.finished_at or clock.now()) - began) if began else None,
        "counts": [_count_shown(line) for line in (run.counts or "").splitlines()],
        # A sentence each, with no value in it: the key of its translation.
        "log": "\n".join(gettext(line) for line in (run.log or "").splitlines() if line),
        "error": run.error,
        "done": run.done,
        "total": run.total,
    }


def _count_shown(line: str) -> str:
    name, _, number = line.rpartition(": ")
    return gettext("%(counted)s: %(number)s", counted=gettext(name), number=number)


def pages(page: Page, wanted: Asked, address: str) -> dict[str, str | None]:
    """The addresses of the newer and the older runs, where there are any."""
    return {
        "newer": wanted.url(address, before=page.before) if page.before else None,
        "older": wanted.url(address, after=page.after) if page.after else None,
    }
