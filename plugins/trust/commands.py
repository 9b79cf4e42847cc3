"""`backoffice trust`: checking the promises from the command line."""

import json

import click
from flask import Flask

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.controls import registry
from plugins.trust import queries, services
from plugins.trust.queries import Standing

FELL_SHORT = 1


@click.group()
def trust() -> None:
    """The promises to schools and how they stand."""


@trust.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> None:
    """Check every promise on the running system. Exits 1 if one falls short or could not be checked."""
    app: Flask = context.obj.app()
    services.run_checks(app=app)
    built = {each.control for each in services.checks_of(app.extensions["backoffice"].plugins)}
    with transaction(Nobody()) as tx:
        found = queries.standings(tx, controls=registry.current().controls, built=built, now=clock.now())
    click.echo(_data(found) if as_json else _table(found))
    if any(each.fails for each in found):
        context.exit(FELL_SHORT)


def _table(found: list[Standing]) -> str:
    states = max(len(each.state) for each in found)
    ids = max(len(each.id) for each in found)
    rows = [f"{each.state:<{states}}  {each.id:<{ids}}  {each.evidence or ''}".rstrip() for each in found]
    counts = ", ".join(f"{state} {number}" for state, number in sorted(queries.counts(found).items()))
    return "\n".join([*rows, "", f"{len(found)} promises: {counts}."])


def _data(found: list[Standing]) -> str:
    return json.dumps(
        {
            "counts": queries.counts(found),
            "controls": [{"id": each.id, "state": each.state, "evidence": each.evidence} for each in found],
        },
        indent=1,
    )
