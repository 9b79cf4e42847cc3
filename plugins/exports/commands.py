"""`backoffice exports`: taking data along on the server."""

import json
import os
from pathlib import Path
from shlex import quote
from typing import NoReturn, TextIO
from uuid import uuid4

import click

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Purpose
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import check_database
from plugins.exports import services
from plugins.exports.back import services as back
from plugins.exports.back.problems import Unusable
from plugins.exports.back.reading import UNPACKED_BY_COMMAND, opened

PURPOSE = Purpose("exports-create")
BRINGS_IN = Purpose("exports-import")
BAD_INPUT = 2


@click.group()
def exports() -> None:
    """Exports: everything of somebody or some place, as a file."""


@exports.command()
@click.option("--district", metavar="ID", help="Of this district, with all of its schools.")
@click.option("--school", metavar="ID", help="Of this school.")
@click.option("--classroom", metavar="ID", help="Of this class.")
@click.option("--student", metavar="ID", help="Of this student.")
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A new file, for its owner's eyes only. What is in it lies in the clear, unless it is locked.",
)
@click.option("--xlsx", "workbooks", is_flag=True, help="With an Excel workbook of each kind of rows too.")
@click.option(
    "--passphrase-file",
    type=click.File("r", encoding="utf-8"),
    help="Lock it with the passphrase in this file, or - for standard input, which asks for it on a terminal."
    " Any program that knows age opens it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def create(
    context: click.Context,
    path: Path,
    *,
    district: str | None,
    school: str | None,
    classroom: str | None,
    student: str | None,
    workbooks: bool,
    passphrase_file: TextIO | None,
    as_json: bool,
) -> None:
    """Write an export to a file.

    Exits 2 if there is no such thing, the file is there already, or the passphrase would not do.
    """
    given = {
        Subject.DISTRICT: district,
        Subject.SCHOOL: school,
        Subject.CLASSROOM: classroom,
        Subject.STUDENT: student,
    }
    wanted = [(subject, public_id) for subject, public_id in given.items() if public_id is not None]
    if len(wanted) != 1:
        raise click.UsageError("Give one of --district, --school, --classroom and --student.")
    passphrase = _passphrase(context, passphrase_file) if passphrase_file is not None else ""
    check_database(context.obj.runtime())
    subject, public_id = wanted[0]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        _refused(context, f"The file cannot be written: {error.strerror}.")
    try:
        with os.fdopen(handle, "wb") as to:
            manifest = services.create(
                principal=PURPOSE,
                subject=subject,
                public_id=public_id,
                to=to,
                workbooks=workbooks,
                passphrase=passphrase,
            )
    except NotFound:
        path.unlink()
        _refused(context, f"There is no such {subject}.")
    except Rejected as rejected:
        path.unlink()
        _refused(context, rejected.in_words)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if as_json:
        click.echo(json.dumps({"counts": manifest.counts, "rows": manifest.rows}))
    else:
        click.echo(f"{manifest.rows:,} rows are written.")
        if passphrase:
            click.echo(f"Only the passphrase opens it: age --decrypt --output export.zip {quote(str(path))}")


@exports.command("import")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--school", metavar="ID", required=True, help="Into this school.")
@click.option(
    "--create-anew",
    is_flag=True,
    help="Bring it in although some of it was deleted here, is here still or was brought in before.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def import_(context: click.Context, path: Path, *, school: str, create_anew: bool, as_json: bool) -> None:
    """Bring an export back: its classes with their students and points, all of it or nothing.

    Exits 0 if it was brought in, 2 if something is wrong with the file, there is no such school, or it is
    to be said that it is created anew.
    """
    check_database(context.obj.runtime())
    try:
        size = path.stat().st_size
        with path.open("rb") as file, opened(file, size, most=UNPACKED_BY_COMMAND) as archive:
            came = back.bring_in(
                principal=BRINGS_IN,
                school=school,
                archive=archive,
                form=str(uuid4()),
                anew=create_anew,
                most=back.BY_COMMAND,
            )
    except OSError as error:
        _refused(context, f"The file cannot be read: {error.strerror}.")
    except NotFound:
        _refused(context, "There is no such school.")
    except Unusable as unusable:
        _refused(context, *(each.in_words for each in unusable.problems))
    except Rejected as rejected:
        _refused(context, rejected.in_words)
    except back.ToBeSaid as asked:
        _refused(context, *asked.doubts.sentences, "Give --create-anew to bring it in all the same.")
    else:
        rows, staying = sum(came.counts.values()), [each.sentence for each in came.staying]
        said = json.dumps({"counts": came.counts, "rows": rows, "staying": staying})
        click.echo(said if as_json else "\n".join((f"{rows:,} rows came in.", *staying)))


def _passphrase(context: click.Context, file: TextIO) -> str:
    """The passphrase in a file, without the end of its line; on a terminal typed twice, and unseen."""
    if file.isatty():
        return str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt="The passphrase again", err=True)
        )
    try:
        passphrase = file.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        _refused(context, "The passphrase cannot be read: it is no text.")
    if not passphrase or not passphrase.isprintable():
        _refused(context, "Give the passphrase as one line. There is none, or there are several.")
    return passphrase


def _refused(context: click.Context, *sentences: str) -> NoReturn:
    for sentence in sentences:
        click.echo(sentence, err=True)
    context.exit(BAD_INPUT)
