"""`backoffice providers`: with whom people may sign in, and the way back for a school that asked too much."""

from typing import TextIO

import click
from pydantic import SecretStr

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, Purpose
from backoffice.accounts.providers.services import asking, directory
from backoffice.accounts.providers.services.directory import GOOGLE, Registration
from backoffice.problems import Rejected

COMMAND = Principal(Purpose("providers-command"))
SETTINGS_SAY = (
    "Google's row follows the settings BACKOFFICE_GOOGLE_…; set them and run `backoffice db upgrade`."
)


@click.group()
def providers() -> None:
    """Identity providers that people may sign in with."""


@providers.command()
@click.argument("name")
@click.option("--title", required=True, help="What people call it.")
@click.option("--discovery-url", required=True, help="Ends in /.well-known/openid-configuration.")
@click.option("--client-id", required=True)
@click.option(
    "--client-secret-file", type=click.File("r"), required=True, help="A file, or - for standard input."
)
@click.option("--domain-claim", default="hd", show_default=True, help="Where it names an organisation.")
@click.option(
    "--verified-claim",
    default="email_verified",
    show_default=True,
    help="Where it says that an address is verified.",
)
@click.pass_context
def register(context: click.Context, /, *, name: str, client_secret_file: TextIO, **said: str) -> None:
    """Let people sign in with the provider NAME, or change how it is asked."""
    if name == GOOGLE:
        raise click.UsageError(SETTINGS_SAY)
    secret = SecretStr(client_secret_file.read().strip())
    context.obj.checked_runtime()
    try:
        directory.register(
            principal=COMMAND, name=name, registration=Registration(client_secret=secret, **said)
        )
    except Rejected as rejected:
        raise click.UsageError(rejected.in_words) from None
    click.echo(f"People may sign in with {name}.")


@providers.command()
@click.argument("name")
@click.pass_context
def withdraw(context: click.Context, *, name: str) -> None:
    """Let nobody sign in with the provider NAME any more. Links stay for when it comes back."""
    if name == GOOGLE:
        raise click.UsageError(SETTINGS_SAY)
    context.obj.checked_runtime()
    found = directory.withdraw(principal=COMMAND, name=name)
    click.echo(f"Nobody signs in with {name} any more." if found else f"{name} was not in use.")


@providers.command("ask-nothing")
@click.argument("school")
@click.pass_context
def ask_nothing(context: click.Context, *, school: str) -> None:
    """Let the staff of SCHOOL (its public identifier) come in as they like again."""
    context.obj.checked_runtime()
    try:
        asked = asking.ask_nothing(principal=COMMAND, school=school)
    except NotFound:
        raise click.UsageError("There is no such school.") from None
    click.echo("Its staff may come in as they like." if asked else "It asked for nothing.")
