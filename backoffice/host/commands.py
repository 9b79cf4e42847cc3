"""`backoffice plugins`: which are installed, switching them, and beginning a new one."""

import json
import sys
from typing import NoReturn

import click

from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.host import queries, services, skeleton
from backoffice.host.queries import Standing
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.settings import CHECKOUT

COMMAND = Principal(Purpose("plugins-command"))
BAD_INPUT = 2


@click.group()
def plugins() -> None:
    """Parts of the product that can be switched on and off."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@click.pass_context
def list_plugins(context: click.Context, *, as_json: bool) -> None:
    """Every installed plugin and whether it is on."""
    runtime: Runtime = context.obj.checked_runtime()
    with transaction(COMMAND) as tx:
        found = queries.standings(tx, runtime.plugins)
    if as_json:
        click.echo(json.dumps([_data(each) for each in found], indent=1))
        return
    widest = max((len(each.plugin.name) for each in found), default=0)
    for each in found:
        state = "on " if each.enabled else "off"
        click.echo(f"{state}  {each.plugin.name:<{widest}}  {each.plugin.summary}")


@plugins.command()
@click.argument("name")
@click.pass_context
def enable(context: click.Context, name: str) -> None:
    """Switch a plugin on in every process."""
    _switch(context, name, enabled=True)


@plugins.command()
@click.argument("name")
@click.option("--reason", help="Why; needed for a plugin on which promises stand.")
@click.pass_context
def disable(context: click.Context, name: str, reason: str | None) -> None:
    """Switch a plugin off in every process. What it holds is kept."""
    _switch(context, name, enabled=False, reason=reason)


@plugins.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a working plugin to begin from, with a test that passes."""
    try:
        written = skeleton.write(CHECKOUT, name)
    except skeleton.SkeletonError as error:
        _refuse(str(error))
    for path in written:
        click.echo(path.relative_to(CHECKOUT))
    click.echo(f"Now run: backoffice db upgrade, then: pytest tests/plugins/{name}")


def _switch(context: click.Context, name: str, *, enabled: bool, reason: str | None = None) -> None:
    runtime: Runtime = context.obj.checked_runtime()
    if all(plugin.name != name for plugin in runtime.plugins):
        _refuse(f"There is no plugin {name}. See: backoffice plugins list")
    try:
        services.switch_plugin(
            principal=COMMAND, installed=runtime.plugins, name=name, enabled=enabled, reason=reason
        )
    except Rejected as rejected:
        _refuse(f"{rejected} Use --reason." if "reason" in rejected.fields else str(rejected))
    click.echo(f"{name} is switched {'on' if enabled else 'off'}.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(BAD_INPUT)


def _data(each: Standing) -> dict[str, object]:
    return {
        "name": each.plugin.name,
        "title": each.plugin.title,
        "enabled": each.enabled,
        "keeps_promises": each.plugin.keeps_promises,
        "requires": list(each.plugin.requires),
        "jobs": [job.name for job in each.plugin.jobs],
    }
