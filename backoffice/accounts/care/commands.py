"""`backoffice accounts`: the first account, and the way back into one. For whoever is at the server."""

import json
import sys
from typing import NoReturn

import click

from backoffice.access.principal import Principal, Purpose
from backoffice.accounts.care.services import at_the_server
from backoffice.accounts.care.services.at_the_server import HandedOver, MadeAs
from backoffice.problems import Rejected
from backoffice.runtime import Runtime

COMMAND = Principal(Purpose("accounts-command"))
BAD_INPUT = 2

email_option = click.option("--email", required=True, help="The address of the account.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def accounts() -> None:
    """Accounts: make one, open one that is locked. Each prints a link that chooses a password, once."""


@accounts.command()
@click.option("--role", required=True, type=click.Choice([str(role) for role in MadeAs]))
@email_option
@click.option("--name", help="What colleagues see. Without it, what stands before the @.")
@click.option("--school", metavar="ID", help="The identifier of the school, for a leader or a teacher.")
@json_option
@click.pass_context
def create(
    context: click.Context, *, role: str, email: str, name: str | None, school: str | None, as_json: bool
) -> None:
    """Make an account, and print the link with which its owner chooses a password."""
    runtime: Runtime = context.obj.checked_runtime()
    try:
        made = at_the_server.create(
            principal=COMMAND, role=MadeAs(role), email=email, name=name, school=school
        )
    except Rejected as rejected:
        _refuse(rejected)
    _hand_over(runtime, made, as_json=as_json)


@accounts.command()
@email_option
@json_option
@click.pass_context
def unlock(context: click.Context, *, email: str, as_json: bool) -> None:
    """Open an account that is locked, and print the link with which its owner chooses a new password."""
    runtime: Runtime = context.obj.checked_runtime()
    try:
        opened = at_the_server.unlock(principal=COMMAND, email=email)
    except Rejected as rejected:
        _refuse(rejected)
    _hand_over(runtime, opened, as_json=as_json)


def _refuse(rejected: Rejected) -> NoReturn:
    click.echo(rejected.in_words, err=True)
    sys.exit(BAD_INPUT)


def _hand_over(runtime: Runtime, made: HandedOver, *, as_json: bool) -> None:
    link = f"{runtime.settings.base_url.rstrip('/')}/reset/{made.token}"
    if as_json:
        click.echo(json.dumps({"account": made.account, "link": link, "until": made.until.isoformat()}))
        return
    until = f"{made.until:%Y-%m-%d %H:%M} UTC"
    click.echo(f"Account {made.account}. Give its owner this link; it opens once, until {until}:")
    click.echo(link)
