"""Switching plugins on and off, and setting them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import SecretStr, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import PLUGINS_EDIT
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import founders
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_changes
from backoffice.host import history, queries, sentences
from backoffice.host.fields import Kind, settings_in
from backoffice.host.mails import PluginSwitched
from backoffice.host.messages import SWITCHED
from backoffice.host.models import Done, PluginState
from backoffice.language.texts import gettext, lazy
from backoffice.messages.services import tell
from backoffice.plugin import Plugin, PluginSettings
from backoffice.problems import Rejected
from backoffice.storage import functions

SHORTEST_REASON = 10
LONGEST_REASON = 500


def switch_plugin(
    *,
    principal: Principal,
    installed: Sequence[Plugin],
    name: str,
    enabled: bool,
    reason: str | None = None,
) -> None:
    """Switch a plugin on or off in every process, at its next transaction. Nothing that it holds is touched.

    Switching off one that keeps promises needs a reason. Raises `Rejected` for a missing reason, and where
    another plugin that is on requires this one or this one requires another that is off; `NotFound` for one
    that is not installed; `ProofNeeded`.
    """
    plugin = installed_one(installed, name)
    reason = " ".join((reason or "").split())
    with transaction(principal) as tx:
        proof.demand(tx)
        require(tx.principal, PLUGINS_EDIT)
        functions.lock_plugin_toggles(tx)
        on = queries.switched_on(tx, installed)
        if (name in on) == enabled:
            return
        _refuse_what_breaks_others(on, installed, plugin, enabled=enabled)
        if plugin.keeps_promises and not enabled and len(reason) < SHORTEST_REASON:
            raise Rejected(reason=gettext("Say why, in a sentence. The other founders read it."))
        if len(reason) > LONGEST_REASON:
            raise Rejected(reason=gettext("Say it in at most %(most)s letters.", most=LONGEST_REASON))
        _write(
            tx,
            plugin,
            enabled=enabled,
            reason=None if enabled else reason or None,
            switched_at=clock.now(),
        )
        history.note(
            tx,
            name,
            Done.SWITCHED_ON if enabled else Done.SWITCHED_OFF,
            reason=None if enabled else reason or None,
        )
        record(tx, "plugins.enable" if enabled else "plugins.disable", plugin=name)
        if plugin.keeps_promises:
            _tell_other_founders(tx, plugin, enabled=enabled, reason=reason or None)


class SetMeanwhile(Rejected):
    """Somebody else has set the plugin since the form was opened."""


def set_plugin(
    *,
    principal: Principal,
    installed: Sequence[Plugin],
    name: str,
    values: Mapping[str, Any],
    keep: Collection[str] = (),
    seen: str | None = None,
    back: PutBack | None = None,
) -> None:
    """Set a plugin. `values` are by field; a field that is missing goes back to its default.

    Fields in `keep` stay as they are stored. With `seen`, of `queries.seen`, nothing is overwritten that was
    set since. Raises `Rejected` with a sentence for each field that cannot be so; `SetMeanwhile`; `NotFound`
    for a plugin that is not installed or has nothing to set; `ProofNeeded`.
    """
    plugin = installed_one(installed, name)
    if plugin.settings is None:
        raise NotFound
    with transaction(principal) as tx:
        proof.demand(tx)
        require(tx.principal, PLUGINS_EDIT)
        functions.lock_plugin_toggles(tx)
        stored = queries.stored_settings(tx, name)
        wanted = {each: value for each, value in values.items() if each not in keep}
        wanted |= {each: stored[each] for each in keep if each in stored}
        try:
            chosen = plugin.settings.model_validate(wanted)
        except ValidationError as error:
            raise Rejected(**sentences.by_field(plugin.settings, error)) from None
        new = _as_stored(chosen)
        # Compared as it is understood by now: what is stored may be from an older model.
        old = _as_stored(queries.understood(plugin.settings, stored))
        if new == old and back is None:
            return
        if seen is not None and seen != queries.seen(stored):
            raise _set_meanwhile(tx, name)
        changed = {each for each in {*new, *old} if new.get(each) != old.get(each)}
        _write(tx, plugin, settings=new)
        _keep(tx, plugin.settings, name, stored, chosen, back)
        history.note(tx, name, Done.SET, fields=changed)
        record(tx, "plugins.set", plugin=name, fields=sorted(new))


def _keep(
    tx: Transaction,
    model: type[PluginSettings],
    name: str,
    stored: Mapping[str, Any],
    chosen: PluginSettings,
    back: PutBack | None,
) -> None:
    """Keep what changes, but for secrets: those are never to be read again."""
    state = tx.scalars(select(PluginState).where(PluginState.name == name)).one()
    old, new = (each.model_dump(mode="json") for each in (queries.understood(model, stored), chosen))
    told = {
        field: (old[field], new[field])
        for field, setting in settings_in(model).items()
        if setting.kind is not Kind.SECRET
    }
    keep_changes(tx, {state: told}, back)


def _as_stored(chosen: PluginSettings) -> dict[str, Any]:
    """Only what differs: a default that improves later reaches everybody who never touched it."""
    found = chosen.model_dump(mode="json", exclude_defaults=True)
    return found | {
        name: value.get_secret_value()
        for name in found
        if isinstance(value := getattr(chosen, name), SecretStr)
    }


def _set_meanwhile(tx: Transaction, name: str) -> SetMeanwhile:
    last = next((each for each in history.lines(tx, name) if each.done == Done.SET), None)
    who = founders.names(tx).get(last.done_by) if last and last.done_by else None
    sentence = gettext(
        "%(who)s saved these settings while you had this page open. Nothing of yours is saved yet."
        " What they saved stands by each field that differs: save again to put yours in its place.",
        who=who or gettext("Somebody else"),
    )
    return SetMeanwhile(**{"": sentence})


def installed_one(installed: Sequence[Plugin], name: str) -> Plugin:
    """The installed plugin of a name. Raises `NotFound`."""
    found = next((plugin for plugin in installed if plugin.name == name), None)
    if found is None:
        raise NotFound
    return found


def _tell_other_founders(tx: Transaction, plugin: Plugin, *, enabled: bool, reason: str | None) -> None:
    said = PluginSwitched(
        plugin=plugin.name,
        title=plugin.title,
        enabled=enabled,
        # By a command on the server nobody is signed in.
        by=tx.principal.name or lazy("Somebody at the server"),
        at=clock.now(),
        reason=reason,
    )
    for founder in founders.other_founders(tx):
        tell(tx, SWITCHED, to=founder, parameters=said, subject=plugin.name, once=f"{plugin.name} {said.at}")


def _refuse_what_breaks_others(
    on: Collection[str], installed: Sequence[Plugin], plugin: Plugin, *, enabled: bool
) -> None:
    titles = {each.name: each.title for each in installed}
    if enabled:
        missing = [titles[needed] for needed in plugin.requires if needed not in on]
        if missing:
            raise Rejected.whole(
                gettext(
                    "%(plugin)s needs %(others)s. Switch that on first.",
                    plugin=plugin.title,
                    others=_listed(missing),
                )
            )
    else:
        users = [each.title for each in installed if plugin.name in each.requires and each.name in on]
        if users:
            raise Rejected.whole(
                gettext(
                    "%(others)s needs %(plugin)s. Switch that off first.",
                    others=_listed(users),
                    plugin=plugin.title,
                )
            )


def _write(tx: Transaction, plugin: Plugin, **values: Any) -> None:
    """Insert or update the plugin's row. Two founders at once both count: the version grows by each."""
    changed = {
        **values,
        "changed_at": clock.now(),
        "changed_by": tx.principal.account_id,
    }
    statement = insert(PluginState).values(
        **({"enabled": tx.enabled(plugin.name)} | changed), name=plugin.name, version=1
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[PluginState.name],
            set_=changed | {"version": PluginState.version + 1},
        )
    )


def _listed(titles: Sequence[str]) -> str:
    said, *others = map(str, titles)
    for each in others:
        said = gettext("%(some)s and %(last)s", some=said, last=each)
    return said
