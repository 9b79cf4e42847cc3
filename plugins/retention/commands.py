"""`backoffice retention`: what would go by age, and letting it go."""

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import click

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.retention import in_force, kinds, log_files, policy
from backoffice.privacy.retention.differences import Difference
from backoffice.privacy.retention.kinds import Kind
from backoffice.privacy.retention.runs import DAYS, Rules, outlook, too_much
from backoffice.privacy.retention.words import Told
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from plugins.retention import services

FELL_SHORT, BAD_INPUT = 1, 2
COMMAND = Purpose("retention-command")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of a table."
)


@click.group()
def retention() -> None:
    """What is kept for how long, and what goes."""


@retention.command()
@json_option
@click.pass_context
def preview(context: click.Context, *, as_json: bool) -> None:
    """Count what a run now would take, and what will be due in the next 30 days. Erases nothing."""
    runtime: Runtime = context.obj.checked_runtime()
    found = [_counted(kind, runtime.settings) for kind in kinds.installed().values()]
    click.echo(json.dumps({"days": DAYS, "kinds": found}) if as_json else _previewed(found))


@retention.command()
@click.option("--policy", "name", help="Only of this kind of data, by its name in the policy.")
@click.option(
    "--go-ahead",
    is_flag=True,
    help="Also where so much of people's work would go that it waits for a person.",
)
@json_option
@click.pass_context
def run(context: click.Context, *, name: str | None, go_ahead: bool, as_json: bool) -> None:
    """Let go what is due. Exits 1 if something waits for a person."""
    runtime: Runtime = context.obj.checked_runtime()
    installed = kinds.installed()
    if name is not None and name not in installed:
        click.echo(f"The policy has no {name}. It has: {', '.join(installed)}.", err=True)
        sys.exit(BAD_INPUT)
    if go_ahead and name is None:
        click.echo("Say of which kind of data: --policy NAME.", err=True)
        sys.exit(BAD_INPUT)
    chosen = [installed[name]] if name else list(installed.values())
    outcome = services.let_go(
        principal=COMMAND,
        kinds=chosen,
        rules=Rules(runtime.settings.retention.most_share, go_ahead=go_ahead),
        log_folder=runtime.settings.log_dir,
    )
    if as_json:
        click.echo(json.dumps({"gone": outcome.gone, "waiting": outcome.paused, "held": outcome.held}))
    else:
        _say(chosen, outcome.gone)
        if any(outcome.held.values()):
            click.echo(f"{sum(outcome.held.values()):,} stay for a legal hold.")
    for each in outcome.paused:
        click.echo(
            f"{each} would lose more than {runtime.settings.retention.most_share} % at once, and waits for a"
            f" person: look at it, then run `backoffice retention run --policy {each} --go-ahead`.",
            err=True,
        )
    if outcome.paused:
        sys.exit(FELL_SHORT)


@retention.command()
@json_option
@click.pass_context
def diff(context: click.Context, *, as_json: bool) -> None:
    """Show what the file says otherwise than the policy that was decided. Exits 1 if it does."""
    context.obj.checked_runtime()
    decided = in_force.versions()
    found = in_force.undecided(decided)
    forced = in_force.forced(decided, found)
    if as_json:
        click.echo(
            json.dumps({"sha256": policy.on_disk().digest, "kinds": [_as_data(each) for each in found]})
        )
    elif not found:
        click.echo("The file says what was decided.")
    else:
        click.echo("\n".join(line for each in found for line in _differs(each, forced)))
    if found:
        sys.exit(FELL_SHORT)


def _as_data(found: Difference) -> dict[str, Any]:
    return {
        "name": found.name,
        "decided": policy.written(found.old) if found.old else None,
        "file": policy.written(found.new) if found.new else None,
        "waits": found.waits,
    }


def _differs(found: Difference, forced: Collection[str]) -> Iterator[str]:
    told = Told(found)
    how = "new" if told.is_new else "gone" if told.is_gone else ""
    when = "in force already" if found.name in forced else "after 30 days" if found.waits else "once decided"
    yield f"{found.name}: {', '.join(each for each in (how, when) if each)}"
    for line in told.lines:
        yield f"  - {line.label}: {line.old}"
        yield f"  + {line.label}: {line.new}{f' ({line.longer})' if line.longer else ''}"


def _counted(kind: Kind, settings: Settings) -> dict[str, Any]:
    now = clock.now()
    told = {"name": kind.name, "title": kind.entry.title, "period": kind.period.iso, "by": kind.by}
    if not kind.rows:
        folder = settings.log_dir
        due = log_files.due(folder, before=kind.before(now)) if folder else 0
        return {**told, "due_now": due, "due_soon": None, "waits": False}
    with transaction(COMMAND) as tx:
        found = outlook(tx, kind, at=now)
    return {
        **told,
        "due_now": found.now,
        "due_soon": found.soon,
        "by_day": found.days,
        "waits": too_much(found, Rules(settings.retention.most_share)),
    }


def _previewed(found: Sequence[dict[str, Any]]) -> str:
    width = max(len(each["name"]) for each in found)
    lines = [f"{'kind of data':<{width}}  {'kept':<5}  {'due now':>12}  {f'in {DAYS} days':>12}"]
    for each in found:
        soon = "" if each["due_soon"] is None else f"{each['due_soon']:,}"
        waits = "  waits for a person" if each["waits"] else ""
        cells = f"{each['name']:<{width}}  {each['period']:<5}  {each['due_now']:>12,}  {soon:>12}"
        lines.append(f"{cells}{waits}".rstrip())
    return "\n".join([*lines, "", "Nothing was erased."])


def _say(chosen: Sequence[Kind], gone: dict[str, int]) -> None:
    went = {kind.name: gone[kind.name] for kind in chosen if gone.get(kind.name)}
    for name, count in went.items():
        click.echo(f"{count:>12,}  {name}")
    click.echo(f"{sum(went.values()):,} went of {len(chosen)} kinds of data.")
