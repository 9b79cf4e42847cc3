"""`backoffice outbox`: what the mail server passes on to us.

Exit codes are those of sysexits, which mail servers know: 0 it is dealt with, whatever it was; 64 wrong
usage; 75 not now, pass it on again. Never one that makes the server answer: reports come from nobody, and an
answer to a forged sender would be sent to a stranger.
"""

import os
import sys
from typing import BinaryIO

import click
from sqlalchemy.exc import OperationalError

from backoffice.access.principal import Purpose
from backoffice.outbox import bounces
from backoffice.outbox.incoming import READ
from backoffice.outbox.models import Return
from backoffice.storage.refusals import why_refused

WHO = Purpose("bounce-command")
SAID = {
    Return.BOUNCED: "The mail is put down as come back.",
    Return.TWICE: "The mail was put down as come back before.",
    Return.NOT_FOR_GOOD: "The report says nothing that is for good: nothing changes.",
    Return.NOT_SENT: "The report is about a mail that was not sent: nothing changes.",
    Return.UNKNOWN: "The report is about no mail of ours: nothing changes.",
    Return.UNREADABLE: "This is no report about the delivery of a mail of ours: nothing changes.",
}


@click.group()
def outbox() -> None:
    """Mails that were sent."""


@outbox.command()
@click.pass_context
def bounce(context: click.Context) -> None:
    """Read a report about an undelivered mail from standard input.

    For a pipe from the mail server. Exits with 75 where the mail server is to try again later.
    """
    if sys.stdin.isatty():
        click.echo("Pass the message on standard input: backoffice outbox bounce < MESSAGE", err=True)
        sys.exit(os.EX_USAGE)
    content = _read(sys.stdin.buffer)
    try:
        context.obj.checked_runtime()
        outcome = bounces.take_report(who=WHO, content=content)
    except Exception as error:  # noqa: BLE001 - the mail server keeps the message until it is mended
        click.echo(_why_later(error), err=True)
        sys.exit(os.EX_TEMPFAIL)
    click.echo(SAID[outcome])


def _why_later(error: Exception) -> str:
    if isinstance(error, OperationalError):
        return why_refused(error)
    if type(error).__module__.startswith("backoffice."):
        # What is raised here is a sentence for whoever can mend it.
        return str(error)
    return f"The message cannot be taken now ({type(error).__name__}). Look at: backoffice db check"


def _read(stream: BinaryIO) -> bytes:
    """As much as is looked at. The rest is taken and dropped: a broken pipe is an error to the server."""
    content = stream.read(READ)
    while stream.read(READ):
        pass
    return content
