"""How plugins are, part by part, and what was done with each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from backoffice.access.transaction import Transaction
from backoffice.accounts import founders
from backoffice.console import job_history
from backoffice.controls.check import State
from backoffice.controls.standing import Stands
from backoffice.host import history
from backoffice.host.fields import settings_in
from backoffice.host.models import Done
from backoffice.host.queries import Standing
from backoffice.jobs import registry
from backoffice.jobs.health import WRONG, Condition, conditions
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.plugin import Plugin
from backoffice.storage.migrate import is_current
from backoffice.tiles import once
from backoffice.web.identity import runtime
from backoffice.wording import spoken

TONES: Mapping[State, str] = {
    State.HOLDS: "good",
    State.ATTESTED: "good",
    State.FALLS_SHORT: "bad",
    State.STALE: "warn",
}
DONE: Mapping[Done, str] = {
    Done.SWITCHED_ON: lazy("Switched on"),
    Done.SWITCHED_OFF: lazy("Switched off"),
    Done.SET: lazy("Set"),
}


class Sign(NamedTuple):
    """How one part is: in a word or two, with its tone and where it leads."""

    title: str
    text: str
    tone: str
    url: str | None = None


@dataclass(frozen=True)
class Health:
    """How a plugin is: its signs, those that are bad news first in words, and the jobs behind them."""

    signs: Sequence[Sign]
    problems: Sequence[str]
    jobs: Sequence[Condition]

    @property
    def summary(self) -> Sign:
        """All of it in one chip."""
        if not self.problems:
            return Sign("", gettext("In order"), "good")
        return Sign("", ", ".join(self.problems), "bad")


def health(tx: Transaction, standing: Standing) -> Health:
    """How a plugin is, in a fixed number of statements."""
    plugin = standing.plugin
    signs: list[Sign] = []
    problems: list[str] = []
    if plugin.migrations is not None:
        current = is_current(tx.connection(), plugin.migrations)
        if not current:
            problems.append(gettext("tables of another version"))
        signs.append(
            Sign(
                gettext("Its tables"),
                *((gettext("up to date"), "good") if current else (gettext("of another version"), "bad")),
            )
        )
    jobs = once(tx, _jobs).get(plugin.name, ())
    wrong = [each for each in jobs if each.health in WRONG]
    if wrong:
        problems.append(
            ngettext(
                "1 job late or failed", "%(count)s jobs late or failed", len(wrong), count=amount(len(wrong))
            )
        )
    for each in jobs:
        words, tone = job_history.HEALTHS[each.health]
        signs.append(Sign(each.entry.title, words.lower(), tone, f"/console/jobs/{each.entry.name}"))
    kept = promises(tx, plugin)
    short = [each for each in kept if each.short]
    if short:
        problems.append(
            ngettext(
                "1 promise not kept or not checked in time",
                "%(count)s promises not kept or not checked in time",
                len(short),
                count=amount(len(short)),
            )
        )
    return Health(signs, problems if standing.enabled else [], jobs)


def promises(tx: Transaction, plugin: Plugin) -> Sequence[Stands]:
    """The promises that the plugin checks, or all of them if it keeps what checks find."""
    found = once(tx, _standings)
    if plugin.standings is not None:
        return found
    own = {check.control for check in plugin.controls}
    return [each for each in found if each.control in own]


def told(tx: Transaction, plugin: Plugin) -> list[dict[str, Any]]:
    """What was done with a plugin, the newest first."""
    names = founders.names(tx)
    titles = (
        {each.name: each.title for each in settings_in(plugin.settings).values()} if plugin.settings else {}
    )
    return [
        {
            "done": DONE[Done(line.done)],
            "at": line.at,
            "by": _who(line.done_by, names, at_server=line.at_server),
            "reason": line.reason,
            "fields": [titles.get(field, spoken(field)) for field in (line.fields or "").splitlines()],
        }
        for line in history.lines(tx, plugin.name)
    ]


def _who(account: int | None, names: Mapping[int, str], *, at_server: bool) -> str:
    if at_server:
        return gettext("at the server")
    name = names.get(account) if account else None
    return gettext("by %(name)s", name=name) if name else gettext("by a founder who is not active any more")


def _jobs(tx: Transaction) -> dict[str, list[Condition]]:
    """How the jobs of all plugins are, by plugin."""
    own = {name: entry for name, entry in registry.installed().items() if entry.owner != registry.CORE}
    found: dict[str, list[Condition]] = {}
    for each in conditions(tx, own):
        found.setdefault(each.entry.owner, []).append(each)
    return found


def _standings(tx: Transaction) -> Sequence[Stands]:
    return list(_all_standings(tx))


def _all_standings(tx: Transaction) -> Iterator[Stands]:
    for plugin in runtime().plugins:
        if plugin.standings is not None and tx.enabled(plugin.name):
            yield from plugin.standings(tx)
