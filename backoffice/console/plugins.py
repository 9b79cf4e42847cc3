"""Plugins in the console: what each adds and holds, how it is, how it is set, and its switch."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar

from flask import Blueprint, current_app, flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField
from wtforms.validators import AnyOf, DataRequired, Length

from backoffice.access.lookup import NotFound
from backoffice.access.permissions import PLUGINS_EDIT, PLUGINS_READ
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console import plugin_health, settings_form
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.console.job_charts import by_day
from backoffice.console.listed import listed
from backoffice.host import queries, services
from backoffice.host.models import PluginState
from backoffice.host.queries import Standing
from backoffice.jobs.history import by_day as by_day_of
from backoffice.jobs.kinds import days_kept
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.plugin import Plugin, PluginSettings
from backoffice.privacy.words import KEPT_FOR
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading, runtime
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

ON, OFF = "on", "off"


class SwitchForm(FlaskForm):
    """Switching a plugin. `wanted` says which way, so that a form sent twice does nothing twice."""

    wanted = HiddenField(validators=[AnyOf([ON, OFF], lazy("Load the page again."))])


class SwitchOffForm(SwitchForm):
    """Switching off what keeps promises."""

    reason = StringField(
        lazy("Why"),
        [DataRequired(lazy("Say why, in a sentence.")), Length(max=services.LONGEST_REASON)],
        description=lazy("The other founders read it, and it is kept with the date."),
    )


class PluginsPage(GuardedView):
    """The plugins of this installation, for the founders."""

    doors: ClassVar = {
        "index": PLUGINS_READ,
        "details": PLUGINS_READ,
        "switch": PLUGINS_EDIT,
        "configure": PLUGINS_EDIT,
    }
    fresh = frozenset({"switch", "configure"})
    title = lazy("Plugins")
    category = lazy("Operations")
    address = "plugins"
    icon = "plugins"

    def offered(self) -> Iterable[Command]:
        """What is done to each plugin."""
        return self.open_ones(chain.from_iterable(map(_commands, runtime().plugins)))

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Every installed plugin: whether it is on, and how it is."""
        tx = reading()
        found = [(each, plugin_health.health(tx, each)) for each in queries.standings(tx, runtime().plugins)]
        on = sum(each.enabled for each, _health in found)
        return self.render(
            "console/plugins.html",
            counts={
                "on": on,
                "off": len(found) - on,
                "problems": sum(bool(health.problems) for _each, health in found),
            },
            plugins=[
                {
                    "title": each.plugin.title,
                    "summary": each.plugin.summary,
                    "url": _address(each.plugin),
                    "enabled": each.enabled,
                    "version": each.plugin.version,
                    "adds": list(_adds_in_short(each.plugin)),
                    "changed_at": each.state and each.state.changed_at,
                    "health": health.summary,
                }
                for each, health in found
            ],
        )

    @expose("/<plugin:which>", methods=("GET",))
    def details(self, which: str) -> str:
        """One plugin: what it adds, what it holds, how it is set."""
        tx = reading()
        standing = self._standing(tx, which)
        plugin = standing.plugin
        model = plugin.settings
        may = can(self.who, PLUGINS_EDIT)
        health = plugin_health.health(tx, standing)
        kept = plugin_health.promises(tx, plugin)
        return self.render(
            "console/plugin.html",
            plugin=plugin,
            enabled=standing.enabled,
            state=standing.state,
            health=health,
            days=by_day(by_day_of(tx, jobs=[each.entry.name for each in health.jobs])),
            kept=days_kept(),
            history=plugin_health.told(tx, plugin),
            promises=kept,
            promises_short=[each for each in kept if each.short],
            tones=plugin_health.TONES,
            adds=list(_adds(plugin)),
            holds=[
                (each.title, each, [KEPT_FOR[keep] for keep in each.keeps])
                for each in queries.holdings(tx, plugin)
            ],
            settings=settings_form.shown(model, queries.settings_of(tx, which, model)) if model else [],
            urls={
                "switch": f"{_address(plugin)}/switch" if may else None,
                "configure": f"{_address(plugin)}/settings" if may and model else None,
            },
            crumbs=_crumbs(plugin),
        )

    @expose("/<plugin:which>/switch", methods=("GET", "POST"))
    def switch(self, which: str) -> str | Response | tuple[str, int]:
        """Say what switching it would do; when confirmed, do it."""
        standing = self._standing(reading(), which)
        plugin, stands = standing.plugin, ON if standing.enabled else OFF
        wanted = request.form.get("wanted")
        if wanted == stands:
            # Somebody else was first, or the form was sent twice.
            flash(_already(plugin, on=standing.enabled), "info")
            return redirect(_address(plugin), 303)
        # From here on everything is said of what is wanted; the plugin may be switched at any moment.
        off = wanted == OFF if wanted in {ON, OFF} else standing.enabled
        needs_reason = plugin.keeps_promises and off
        form = (SwitchOffForm if needs_reason else SwitchForm)(wanted=OFF if off else ON)

        def save() -> str:
            services.switch_plugin(
                principal=self.who,
                installed=runtime().plugins,
                name=which,
                enabled=form.wanted.data == ON,
                reason=form.reason.data if needs_reason else None,
            )
            return _address(plugin)

        said, heading, switch = (
            (
                gettext("%(title)s is switched off.", title=plugin.title),
                gettext("Switch %(title)s off?", title=plugin.title),
                gettext("Switch off"),
            )
            if off
            else (
                gettext("%(title)s is switched on.", title=plugin.title),
                gettext("Switch %(title)s on?", title=plugin.title),
                gettext("Switch on"),
            )
        )
        return self.form_page(
            form,
            save=save,
            said=said,
            template="console/confirm.html",
            heading=heading,
            sentences=list(_consequences(plugin, switching_off=off)),
            danger=off,
            submit_title=switch,
            cancel_url=_address(plugin),
            crumbs=[*_crumbs(plugin), {"title": switch}],
        )

    @expose("/<plugin:which>/settings", methods=("GET", "POST"))
    @shows_what_was_typed
    def configure(self, which: str) -> str | Response | tuple[str, int]:
        """Set a plugin, by a form made from what it declares."""
        tx = reading()
        standing = self._standing(tx, which)
        plugin = standing.plugin
        model = plugin.settings
        if model is None:
            flash(gettext("%(title)s has nothing to set.", title=plugin.title), "info")
            return redirect(_address(plugin), 303)
        stored = queries.stored_settings(tx, which)
        holds = queries.understood(model, stored)
        form, filled_in = _settings_form(model, holds, seen=queries.seen(stored))
        meanwhile: list[str] = []

        def page() -> str:
            settings_form.ask_again(model, form)
            return self.render(
                "console/settings.html",
                record=standing.state or PluginState(name=which),
                form=form,
                problem=problem,
                filled_in=filled_in,
                rows=settings_form.rows(model, form, holds, saved_meanwhile=meanwhile),
                heading=gettext("Settings of %(title)s", title=plugin.title),
                cancel_url=_address(plugin),
                crumbs=[*_crumbs(plugin), {"title": gettext("Settings")}],
            )

        problem = None
        if filled_in:
            return page()
        if form.validate_on_submit():
            done_reading()
            try:
                services.set_plugin(
                    principal=self.who,
                    installed=runtime().plugins,
                    name=which,
                    values=settings_form.values_of(model, form),
                    keep=settings_form.kept(model, form),
                    seen=form.seen.data or "",
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
                if isinstance(rejected, services.SetMeanwhile):
                    # From here on they have been seen.
                    stored = queries.stored_settings(reading(), which)
                    holds = queries.understood(model, stored)
                    form.seen.data = queries.seen(stored)
                    meanwhile = settings_form.differing(model, form, holds)
            else:
                flash(gettext("Saved. It holds from the next piece of work on."), "success")
                return redirect(_address(plugin), 303)
        return (page(), 422) if form.errors or problem else page()

    @staticmethod
    def _standing(tx: Transaction, name: str) -> Standing:
        plugin = services.installed_one(runtime().plugins, name)
        return queries.standings(tx, [plugin])[0]


def _settings_form(model: type[PluginSettings], holds: PluginSettings, *, seen: str) -> tuple[FlaskForm, int]:
    """The form, and how many of its fields were just filled with their defaults: none, one, or more."""
    made, filled = settings_form.form_class(model), settings_form.filled(model, holds, seen=seen)
    wanted = request.form.getlist(settings_form.RESET)
    if not wanted:
        return made(data=filled), 0
    if not set(wanted) <= {*model.model_fields, settings_form.ALL}:
        raise NotFound
    sent = settings_form.with_defaults(model, request.form)
    return made(formdata=sent, data=filled), 1 if settings_form.ALL not in wanted else 2


def _already(plugin: Plugin, *, on: bool) -> str:
    return (
        gettext("%(title)s is on already.", title=plugin.title)
        if on
        else gettext("%(title)s is off already.", title=plugin.title)
    )


def _address(plugin: Plugin) -> str:
    return f"/console/plugins/{plugin.name}"


def _crumbs(plugin: Plugin) -> list[dict[str, str]]:
    return [
        {"title": gettext("Plugins"), "url": "/console/plugins/"},
        {"title": plugin.title, "url": _address(plugin)},
    ]


def _adds_in_short(plugin: Plugin) -> Iterator[str]:
    if count := len(plugin.pages):
        yield ngettext("1 page", "%(count)s pages", count, count=count)
    if count := len(plugin.jobs):
        yield ngettext("1 job", "%(count)s jobs", count, count=count)
    if count := len(plugin.mails):
        yield ngettext("1 mail", "%(count)s mails", count, count=count)
    if count := len(plugin.controls):
        yield ngettext("1 promise checked", "%(count)s promises checked", count, count=count)


def _adds(plugin: Plugin) -> Iterator[dict[str, Any]]:
    """What a plugin brings, kind by kind, in words."""
    jobs = [
        f"{job.title or job.name} ({job.when.words if job.when else gettext('when it is asked for')})"
        for job in plugin.jobs
    ]
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        (
            gettext("Pages of the console"),
            [page.title for page in plugin.pages if issubclass(page, GuardedView)],
        ),
        (
            gettext("Other pages"),
            _public_addresses((*plugin.standing_blueprints, *plugin.blueprints, *plugin.machines)),
        ),
        (gettext("Jobs"), jobs),
        (gettext("Mails"), [mail.called for mail in plugin.mails]),
        (gettext("Commands"), [f"backoffice {command.name}" for command in plugin.commands]),
        (gettext("Acts when"), [gettext(event.title) for event in plugin.handlers]),
        (gettext("Checks these promises"), [check.control for check in plugin.controls]),
        (gettext("Permissions"), plugin.permissions),
        (gettext("Needs"), plugin.requires),
    )
    return ({"title": title, "items": items} for title, items in kinds if items)


def _commands(plugin: Plugin) -> Iterator[Command]:
    """What is done to a plugin, by its title."""
    here, title = f"plugins/{plugin.name}", plugin.title
    if plugin.settings:
        yield Command(gettext("Settings of %(title)s", title=title), "configure", f"{here}/settings")
    yield Command(gettext("Switch %(title)s on or off", title=title), "switch", f"{here}/switch")


def _consequences(plugin: Plugin, *, switching_off: bool) -> Iterator[str]:
    """What switching it would do, a sentence each."""
    jobs = [str(job.title or job.name) for job in plugin.jobs if not job.forgets]
    if not switching_off:
        yield gettext("%(title)s works again everywhere within two seconds.", title=plugin.title)
        if jobs:
            yield gettext(
                "Its jobs run again: %(jobs)s. Work that waited for them is done.", jobs=listed(jobs)
            )
        return
    pages = [str(page.title) for page in plugin.pages if issubclass(page, GuardedView)]
    pages += _public_addresses(plugin.blueprints)
    if pages:
        yield gettext("These pages say that this part is switched off: %(pages)s.", pages=listed(pages))
    if jobs:
        yield gettext("These jobs no longer run: %(jobs)s. What is asked of them waits.", jobs=listed(jobs))
    if plugin.handlers:
        yield gettext(
            "It no longer acts when this happens: %(events)s.",
            events=listed(gettext(event.title) for event in plugin.handlers),
        )
    yield from _what_stays(plugin)
    if plugin.keeps_promises:
        yield gettext(
            "Promises to schools stand on it: the other founders are told, and /trust shows that it is off."
        )


def _what_stays(plugin: Plugin) -> Iterator[str]:
    """What a switch never takes away."""
    yield gettext("What it holds is kept. Exporting and erasing somebody still reach it.")
    forgetting = [str(job.title or job.name) for job in plugin.jobs if job.forgets]
    if forgetting:
        yield gettext(
            "What was not to be kept is still forgotten, by these jobs: %(forgetting)s.",
            forgetting=listed(forgetting),
        )
    standing = _public_addresses((*plugin.standing_blueprints, *plugin.machines))
    if standing:
        yield gettext("These pages stay: %(standing)s.", standing=listed(standing))


def _public_addresses(blueprints: Sequence[Blueprint]) -> list[str]:
    """Where they stand; of those that open by a link, what its addresses begin with."""
    names = {blueprint.name for blueprint in blueprints}
    return sorted(
        rule.rule.partition("<")[0]
        for rule in current_app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in names and not rule.endpoint.endswith(".static")
    )
