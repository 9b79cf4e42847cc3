"""Jobs in the console: when each runs, how it went, run now, let rest, set another time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import ClassVar
from zoneinfo import ZoneInfo

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, IntegerField, RadioField, SelectField, TimeField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import NumberRange, Optional

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import JOBS_EDIT, JOBS_READ, JOBS_RUN
from backoffice.access.policy import can
from backoffice.access.seen import version
from backoffice.console import job_history
from backoffice.console.command import Command
from backoffice.console.guard import SECONDS_AT_WORK, GuardedView
from backoffice.console.job_charts import by_day
from backoffice.console.overtaken import not_over_others
from backoffice.console.paging import cursor, page_by_key
from backoffice.console.weekdays import DAY_NAMES
from backoffice.jobs import history, queries, registry, services
from backoffice.jobs.health import LATE_AFTER, WRONG, Condition, Health, conditions
from backoffice.jobs.job import WEEKDAYS, When, at_time, daily, every, weekly
from backoffice.jobs.kinds import days_kept
from backoffice.jobs.models import RunState
from backoffice.jobs.registry import CORE, Registered
from backoffice.language.texts import gettext, lazy
from backoffice.plugin import Plugin
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading, runtime

DAILY, WEEKLY, EVERY, AS_INSTALLED = "daily", "weekly", "every", "as-installed"
UNITS = {"second": lazy("Seconds"), "minute": lazy("Minutes"), "hour": lazy("Hours")}
LARGEST_COUNT = 999


class TimeForm(FlaskForm):
    """When a job runs, without a syntax to know. `seen` is the `version` of the time that was shown."""

    seen = HiddenField()
    how = RadioField(
        lazy("How often"),
        choices=[
            SelectChoice(DAILY, lazy("Every day")),
            SelectChoice(WEEKLY, lazy("Once a week")),
            SelectChoice(EVERY, lazy("Again and again")),
            SelectChoice(AS_INSTALLED, lazy("As it was installed")),
        ],
    )
    at = TimeField(lazy("At (UTC)"), [Optional()], description=lazy("For every day and once a week."))
    on = SelectField(
        lazy("On"),
        choices=[SelectChoice(day, name) for day, name in zip(WEEKDAYS, DAY_NAMES, strict=True)],
        description=lazy("For once a week."),
    )
    count = IntegerField(
        lazy("Every"),
        [
            Optional(),
            NumberRange(
                1,
                LARGEST_COUNT,
                lazy("Write a number from 1 to %(most)s.", most=LARGEST_COUNT),
            ),
        ],
        description=lazy("For again and again: how much lies between two runs."),
    )
    unit = SelectField(lazy("Unit"), choices=[SelectChoice(unit, name) for unit, name in UNITS.items()])

    @classmethod
    def filled(cls, when: When) -> "TimeForm":
        """The form as it stands for a time."""
        words = when.text.split()
        how = words[0]
        return cls(
            how=how,
            at=None if how == EVERY else datetime.strptime(words[-1], "%H:%M").time(),  # noqa: DTZ007 - a time of day
            on=words[1] if how == WEEKLY else WEEKDAYS[0],
            count=int(words[1]) if how == EVERY else None,
            unit=words[2].removesuffix("s") if how == EVERY else "minute",
        )

    def text(self) -> str | None:
        """What was chosen, as `When` writes it; None for the time that it came with. Raises `Rejected`."""
        how = self.how.data
        if how == AS_INSTALLED:
            return None
        if how == EVERY:
            if not self.count.data:
                raise Rejected(count=gettext("Write a number from 1 to %(most)s.", most=LARGEST_COUNT))
            return every(**{f"{self.unit.data}s": self.count.data}).text
        if self.at.data is None:
            raise Rejected(at=gettext("Write a time of day, such as 03:10."))
        at = at_time(self.at.data)
        return (daily(at=at) if how == DAILY else weekly(on=self.on.data, at=at)).text


class JobsPage(GuardedView):
    """The work in the background, for the founders."""

    doors: ClassVar = {
        "index": JOBS_READ,
        "details": JOBS_READ,
        "run": JOBS_RUN,
        "pause": JOBS_EDIT,
        "resume": JOBS_EDIT,
        "time": JOBS_EDIT,
    }
    title = lazy("Jobs")
    category = lazy("Operations")
    address = "jobs"
    icon = "jobs"

    def offered(self) -> Iterable[Command]:
        """What is done to each job that runs by the clock."""
        return self.open_ones(chain.from_iterable(map(_commands, _timed())))

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Every installed job: how all are at a glance, and of each when it runs and how it went."""
        word = job_history.narrowed()
        found = conditions(reading(), registry.installed())
        following = min((each for each in found if each.next_at), key=_next_at, default=None)
        first = sorted(found, key=lambda each: each.health not in WRONG)
        fits = job_history.NARROWED[word][1] if word else frozenset(Health)
        return self.render(
            "console/jobs.html",
            glances=job_history.glances(found),
            following=following and job_history.shown(following, owner=_owner(following.entry.owner)),
            narrowed=job_history.NARROWED[word][0] if word else None,
            kept=days_kept(),
            jobs=[
                job_history.shown(each, owner=_owner(each.entry.owner))
                for each in first
                if each.health in fits
            ],
        )

    @expose("/<job:which>", methods=("GET",))
    def details(self, which: str) -> str:
        """One job: how it is, its times and failures by day, and its runs."""
        tx, entry, wanted = reading(), _entry(which), job_history.asked()
        address = _address(which)
        condition = conditions(tx, {which: entry})[0]
        own_time = condition.schedule is not None and can(self.who, JOBS_EDIT)
        page = page_by_key(
            tx,
            history.runs(tx, job=which, state=wanted.state, begun=wanted.begun(ZoneInfo(self.who.time_zone))),
            before=cursor(request.args.get("before")),
            after=cursor(request.args.get("after")),
            descending=True,
        )
        working = [job_history.run_shown(run) for run in history.at_work(tx, job=which)]
        wrong = history.last_wrong(tx, job=which)
        return self.render(
            "console/job.html",
            job=job_history.shown(condition, owner=_owner(entry.owner)),
            days=by_day(history.by_day(tx, jobs=[which])),
            kept=days_kept(),
            last_wrong=wrong and job_history.run_shown(wrong),
            working=working,
            # One that is tried again waits longer each time, and by itself.
            nobody_works=any(
                each["state"] == RunState.WAITING
                and each["attempt"] == 1
                and each["at"] < clock.now() - LATE_AFTER
                for each in working
            ),
            runs=[job_history.run_shown(run) for run in page.rows],
            wanted=wanted,
            states=job_history.STATES,
            pages=job_history.pages(page, wanted, address),
            # Of a page in the middle of its history nothing is at work.
            seconds=self.looks_again(tx, every=SECONDS_AT_WORK)
            if working and not wanted.narrowed and page.before is None
            else None,
            address=address,
            form=FlaskForm(),
            urls={
                "run": f"{address}/run" if entry.job.when and can(self.who, JOBS_RUN) else None,
                "time": f"{address}/time" if own_time else None,
                "pause": f"{address}/pause" if own_time else None,
                "resume": f"{address}/resume" if own_time else None,
            },
            crumbs=_crumbs(entry),
        )

    @expose("/<job:which>/run", methods=("POST",))
    def run(self, which: str) -> Response:
        """Have a worker run it now."""
        return self._do(
            which, services.run_now, gettext("It is in the queue and runs as soon as a worker is free.")
        )

    @expose("/<job:which>/pause", methods=("POST",))
    def pause(self, which: str) -> Response:
        """Let it rest."""
        return self._do(which, services.pause_job, gettext("It rests until you resume it."))

    @expose("/<job:which>/resume", methods=("POST",))
    def resume(self, which: str) -> Response:
        """Let it go on."""
        return self._do(which, services.resume_job, gettext("It goes on at its next time."))

    @expose("/<job:which>/time", methods=("GET", "POST"))
    def time(self, which: str) -> str | Response | tuple[str, int]:
        """Set when it runs."""
        entry = _entry(which)
        row = queries.schedules(reading()).get(which)
        if row is None or entry.job.when is None:
            raise NotFound
        form = TimeForm.filled(When(row.time))
        if not form.is_submitted():
            form.seen.data = version(row.time)

        def now() -> tuple[str, str]:
            tx = reading()
            tx.expunge_all()
            there = queries.schedules(tx)[which].time
            return When(there).words, version(there)

        def save() -> str:
            with not_over_others(form.seen, now):
                services.change_time(
                    principal=self.who, job=which, time=form.text(), seen=form.seen.data or None
                )
            return _address(which)

        return self.form_page(
            form,
            save=save,
            said=gettext("The time is changed."),
            record=row,
            heading=gettext("Change the time"),
            intro=gettext(
                "%(title)s: now %(when)s. As it was installed: %(words)s.",
                title=entry.title,
                when=When(row.time).words,
                words=entry.job.when.words,
            ),
            cancel_url=_address(which),
            crumbs=[*_crumbs(entry), {"title": gettext("Change the time")}],
        )

    def _do(self, which: str, verb: Callable[..., object], said: str) -> Response:
        _entry(which)
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                verb(principal=self.who, job=which)
            except Rejected as rejected:
                flash(str(rejected), "warning")
            else:
                flash(said, "success")
        return redirect(_address(which), 303)


def _timed() -> list[Registered]:
    return [each for each in registry.by_title() if each.job.when]


def _commands(entry: Registered) -> Iterator[Command]:
    """What is done to a job, by its title."""
    here, title = f"jobs/{entry.name}", entry.title
    yield Command(gettext("Run now: %(title)s", title=title), "run", here, page="details")
    yield Command(gettext("Pause or resume: %(title)s", title=title), "pause", here, page="details")
    yield Command(gettext("Change the time: %(title)s", title=title), "time", f"{here}/time")


def _entry(which: str) -> Registered:
    found = registry.installed().get(which)
    if found is None:
        raise NotFound
    return found


def _address(which: str) -> str:
    return f"/console/jobs/{which}"


def _crumbs(entry: Registered) -> list[dict[str, str]]:
    return [
        {"title": gettext("Jobs"), "url": "/console/jobs/"},
        {"title": entry.title, "url": _address(entry.name)},
    ]


def _owner(owner: str) -> str:
    titles = {plugin.name: plugin.title for plugin in _plugins()}
    return gettext("The core") if owner == CORE else titles.get(owner, owner)


def _plugins() -> Sequence[Plugin]:
    return runtime().plugins


def _next_at(condition: Condition) -> datetime:
    assert condition.next_at is not None
    return condition.next_at
