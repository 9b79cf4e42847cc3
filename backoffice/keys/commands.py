"""`backoffice keys`: which there are, and changing them while the service runs."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import click

from backoffice.access.principal import Principal, Purpose
from backoffice.keys import services
from backoffice.keys.services import KeysError
from backoffice.runtime import Runtime
from backoffice.storage import database
from backoffice.storage.keyring import ROTATED, KeyPurpose, Keyring, Stage

COMMAND = Principal(Purpose("keys-command"))
LOCK = "keys"
FELL_SHORT = 1
BETWEEN_LINES = 5.0  # seconds

grace_option = click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=int(services.GRACE.total_seconds()),
    show_default=True,
    help="Seconds for which a process may still write what it sealed with the old key.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def keys() -> None:
    """The keys of the keyring. Key material is never printed."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@click.pass_context
def list_keys(context: click.Context, *, as_json: bool) -> None:
    """Every key: its purpose, its number, since when, and how it stands."""
    runtime: Runtime = context.obj.runtime()
    rows = _rows(Keyring.read(runtime.settings.keyring))
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        click.echo(f"{row['purpose']:<12}{row['number']:>4}  {_minute(row['since']):<17} {row['state']}")


@keys.command()
@click.option("--prepare", is_flag=True, help="Only add new keys, so that the file can be copied elsewhere.")
@grace_option
@json_option
@click.pass_context
def rotate(context: click.Context, *, prepare: bool, grace: int, as_json: bool) -> None:
    """Seal everything under a new key and sign with a new one, while the service runs.

    Run it again after it was stopped: it goes on where it was.
    """
    runtime: Runtime = context.obj.checked_runtime()
    path = runtime.settings.keyring
    say = partial(click.echo, err=as_json)
    with _alone(context):
        if prepare:
            services.prepare_keys(principal=COMMAND, path=path)
            say(f"New keys are in {path}. Copy it to every machine, then run: backoffice keys rotate")
            _answer({"stage": Stage.PREPARED}, as_json=as_json)
            return
        stage = services.use_new_keys(principal=COMMAND, path=path)
        done = services.reseal(principal=COMMAND, metadatas=runtime.metadatas, progress=_progress(say))
        say(f"{done.rows:,} rows are sealed anew.")
        told: dict[str, object] = {"stage": stage, "resealed": done.rows}
        if stage is None:
            told |= _retire(runtime, grace, say)
        else:
            say(f"Copy {path} to every machine again, then run: backoffice keys retire")
        _answer(told, as_json=as_json)


@keys.command()
@grace_option
@json_option
@click.pass_context
def retire(context: click.Context, *, grace: int, as_json: bool) -> None:
    """Take old keys out of the keyring that nothing needs any more."""
    runtime: Runtime = context.obj.checked_runtime()
    with _alone(context):
        _answer({"stage": None} | _retire(runtime, grace, partial(click.echo, err=as_json)), as_json=as_json)


def _retire(runtime: Runtime, grace: int, say: Callable[[str], object]) -> dict[str, object]:
    path = runtime.settings.keyring
    sealing = services.retire_seal_keys(
        principal=COMMAND,
        path=path,
        metadatas=runtime.metadatas,
        progress=_progress(say),
        say=say,
        grace=timedelta(seconds=grace),
    )
    sessions = runtime.settings.sessions
    signing = services.retire_signing_keys(
        principal=COMMAND,
        path=path,
        overlap=sessions.span(sessions.student_absolute) + timedelta(seconds=grace),
    )
    gone = [number for number, kept in signing.items() if kept is None]
    kept = {number: at.isoformat() for number, at in signing.items() if at is not None}
    for purpose, numbers in ((KeyPurpose.SEAL, sealing), (KeyPurpose.STUDENT_JWT, gone)):
        for number in numbers:
            say(f"Key {number} of {purpose} is retired.")
    for number, until in kept.items():
        say(
            f"Key {number} of {KeyPurpose.STUDENT_JWT} is kept until {_minute(until)} UTC, while children are"
            " signed in with it. After that run: backoffice keys retire"
        )
    return {
        "retired": {KeyPurpose.SEAL: sealing, KeyPurpose.STUDENT_JWT: gone},
        "kept_until": {KeyPurpose.STUDENT_JWT: kept},
    }


@contextmanager
def _alone(context: click.Context) -> Iterator[None]:
    try:
        with database.alone(LOCK) as alone:
            if alone:
                yield
                return
        said = "Keys are being changed by another process at this moment."
    except KeysError as error:
        said = str(error)
    click.echo(said, err=True)
    context.exit(FELL_SHORT)


def _progress(say: Callable[[str], object]) -> Callable[[str, int], object]:
    """A line now and then, however many batches there are."""
    said = time.monotonic()

    def tell(table: str, rows: int) -> None:
        nonlocal said
        if time.monotonic() - said >= BETWEEN_LINES:
            said = time.monotonic()
            say(f"{table}: {rows:,} rows")

    return tell


def _rows(ring: Keyring) -> list[dict[str, str | int | None]]:
    return [
        {
            "purpose": str(purpose),
            "number": number,
            "since": at.isoformat() if (at := ring.since.get(purpose, {}).get(number)) else None,
            "state": _state(ring, purpose, number),
        }
        for purpose in KeyPurpose
        for number in sorted(ring.keys[purpose])
    ]


def _state(ring: Keyring, purpose: KeyPurpose, number: int) -> str:
    used = ring.number_in_use(purpose)
    if number > used:
        return "prepared"
    if number < used:
        return "retiring"
    return "in use" if purpose in ROTATED else "in use, never rotated"


def _answer(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told))


def _minute(iso: object) -> str:
    return f"{datetime.fromisoformat(str(iso)):%Y-%m-%d %H:%M}" if iso else "from the start"
