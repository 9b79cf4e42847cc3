"""`backoffice worker`, `backoffice scheduler` and `backoffice jobs`."""

import json
import logging
from datetime import datetime

import click
from flask import Flask

from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.providers.services import directory
from backoffice.jobs import history, queries, registry, services
from backoffice.jobs.job import When
from backoffice.jobs.registry import Registered, UnknownJob
from backoffice.jobs.runs import Busy, GivenUp, run_here
from backoffice.jobs.scheduler import run_scheduler, sync
from backoffice.jobs.worker import run_worker
from backoffice.problems import Rejected
from backoffice.serve import settle
from backoffice.storage.roles import DatabaseRole
from backoffice.web import logs

FELL_SHORT, BAD_INPUT = 1, 2
PURPOSE = Purpose("core.jobs")


@click.command()
@click.pass_context
def worker(context: click.Context) -> None:
    """Work on the queue, one job at a time. Needs BACKOFFICE_DATABASE_URL; any number may run."""
    app = _named(context)
    logs.configure(app.extensions["backoffice"].settings.log_dir, level=logging.INFO)
    settle()
    run_worker(app)


@click.command()
@click.pass_context
def scheduler(context: click.Context) -> None:
    """Decide when jobs run. Needs BACKOFFICE_DATABASE_URL; any number may run."""
    app = _named(context)
    settings = app.extensions["backoffice"].settings
    logs.configure(settings.log_dir, level=logging.INFO)
    # Whoever migrates as the owner alone cannot: the row is the system's to write.
    directory.follow(principal=Principal(PURPOSE), settings=settings)
    run_scheduler()


@click.group()
def jobs() -> None:
    """Work in the background."""


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of a table.")
@click.pass_context
def list_jobs(context: click.Context, *, as_json: bool) -> None:
    """Every job: when it runs, when it ran last and how that went."""
    context.obj.app()
    sync()
    found = _rows()
    click.echo(json.dumps(found, indent=1) if as_json else _table(found))


@jobs.command("run")
@click.argument("name")
@click.pass_context
def run_job(context: click.Context, name: str) -> None:
    """Run a job now, in this process, and print what it counted. Exits 1 if it fails."""
    app: Flask = context.obj.app()
    try:
        entry = registry.one(name)
        with transaction(PURPOSE) as tx:
            services.refuse_what_cannot_run(tx, entry)
        counts = run_here(entry, app=app)
    except (UnknownJob, Rejected) as error:
        click.echo(str(error), err=True)
        context.exit(BAD_INPUT)
    except Busy:
        click.echo(f"{name} is being run at this moment.", err=True)
        context.exit(FELL_SHORT)
    except GivenUp:
        click.echo(f"{name} failed. Its run on the Jobs page says what kind of failure and where.", err=True)
        context.exit(FELL_SHORT)
    for counted, number in counts.items():
        click.echo(f"{counted}: {number}")
    click.echo(f"{name} is done.")


def _named(context: click.Context) -> Flask:
    """The application over the database that is named; a process of its own starts no embedded server."""
    context.obj.named_database()
    app: Flask = context.obj.app()
    database = app.extensions["backoffice"].database
    # A wrong address is told now; later the process waits for a database that has gone away.
    database.engine(DatabaseRole.SYSTEM).connect().close()
    # Nothing that this process opened so far is shared with its threads.
    database.dispose()
    return app


def _rows() -> list[dict[str, str | bool | None]]:
    installed = registry.installed()
    with transaction(PURPOSE) as tx:
        schedule = queries.schedules(tx)
        last = history.newest(tx, jobs=installed, most=1)
        on = {name: entry.is_on(tx) for name, entry in installed.items()}
    rows: list[dict[str, str | bool | None]] = []
    for name, entry in installed.items():
        row, run = schedule.get(name), next(iter(last.get(name, ())), None)
        rows.append(
            {
                "job": name,
                "title": entry.title,
                "enabled": on[name],
                "paused": row is not None and row.paused_at is not None,
                "when": _when(entry, row.time if row else None),
                "next_at": _iso(row.next_at) if row and on[name] and not row.paused_at else None,
                "last_at": _iso(run.started_at) if run else None,
                "last_state": run.state if run else None,
            }
        )
    return rows


def _when(entry: Registered, time: str | None) -> str:
    if entry.job.when is None:
        return "when asked"
    return When(time).words if time else entry.job.when.words


def _table(rows: list[dict[str, str | bool | None]]) -> str:
    lines = [("job", "runs", "next", "last")]
    for row in rows:
        following = "off" if not row["enabled"] else "paused" if row["paused"] else _minute(row["next_at"])
        last = f"{_minute(row['last_at'])} {row['last_state']}" if row["last_at"] else "never"
        lines.append((str(row["job"]), str(row["when"]), following, last))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _minute(iso: object) -> str:
    return f"{datetime.fromisoformat(str(iso)):%Y-%m-%d %H:%M}" if iso else "-"
