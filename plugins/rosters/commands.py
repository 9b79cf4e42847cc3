"""`backoffice rosters`: importing a roster from the command line."""

import json
import sys
from pathlib import Path

import click

from backoffice.access.principal import Purpose
from backoffice.runtime import check_database
from plugins.rosters import services
from plugins.rosters.importing.outcome import LEFT_ALONE, NOT_TAKEN, Outcome
from plugins.rosters.importing.places import NoSuchPlace, Target
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import PackageRefused, open_package
from plugins.rosters.reading.report import MOST_TOLD, Problem, Report, Severity

PURPOSE = Purpose("rosters-import")
BAD_INPUT = 2


@click.group()
def rosters() -> None:
    """Rosters: schools, classes and people from files."""


@rosters.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--school", metavar="ID", help="Into this school; the set is of one school.")
@click.option("--district", metavar="ID", help="Into this district; its schools are matched or made.")
@click.option("--dry-run", is_flag=True, help="Do everything, then undo it.")
@click.option("--format", "form", type=click.Choice(["auto", "oneroster"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def import_(
    context: click.Context,
    path: Path,
    *,
    school: str | None,
    district: str | None,
    dry_run: bool,
    form: str,
    as_json: bool,
) -> None:
    """Import a folder or zip, all of it or nothing.

    Exits 0 if it was imported, 2 if something is wrong with the files.
    """
    del form  # one format so far
    if (school is None) == (district is None):
        raise click.UsageError("Give either --school or --district.")
    check_database(context.obj.runtime())
    report = Report()
    try:
        with open_package(path, report) as package:
            outcome = services.import_roster(
                principal=PURPOSE,
                target=Target(school=school, district=district),
                roster=read_set(package, report),
                report=report,
                dry_run=dry_run,
                tick=_shown if sys.stderr.isatty() else lambda _lines: None,
            )
    except PackageRefused as refused:
        click.echo(f"{refused.sentence} {refused.remedy}", err=True)
        context.exit(BAD_INPUT)
    except NoSuchPlace:
        click.echo(f"There is no such {'school' if school else 'district'}.", err=True)
        context.exit(BAD_INPUT)
    click.echo(json.dumps(outcome.public(), indent=1) if as_json else _words(outcome))
    if not outcome.done:
        context.exit(BAD_INPUT)


def _shown(lines: int) -> None:
    click.echo(f"\r{lines:,} lines read", nl=False, err=True)


def _words(outcome: Outcome) -> str:
    report = outcome.report
    parts = [_head(outcome)]
    if outcome.done:
        parts.append("\n".join(f"  {times:>9,}  {what}" for what, times in outcome.counts.items()))
        sayings = {**NOT_TAKEN, **{what: f"{what.capitalize()}: {said}" for what, said in LEFT_ALONE.items()}}
        parts.append("\n".join(said for what, said in sayings.items() if outcome.counts.get(what)))
    for severity, heading in ((Severity.ERROR, "Wrong"), (Severity.WARNING, "Odd, but taken")):
        told = [_problem(each) for each in report.problems if each.severity is severity]
        hidden = sum(
            max(times - MOST_TOLD, 0) for (kind, *_rest), times in report.counts.items() if kind is severity
        )
        if hidden:
            told.append(f"  and {hidden:,} more of the same kinds")
        if told:
            parts.append("\n".join([f"{heading}:", *told]))
    if report.dropped:
        dropped = [f"  {times:>9,}  {what}" for what, times in sorted(report.dropped.items())]
        parts.append("\n".join(["Not taken, and dropped while reading:", *dropped]))
    return "\n\n".join(part for part in parts if part)


def _head(outcome: Outcome) -> str:
    if not outcome.done:
        return "Nothing was imported: something in the files is wrong."
    if outcome.dry_run:
        return "This is what an import would do. Nothing was changed."
    return "Imported."


def _problem(problem: Problem) -> str:
    where = [problem.file]
    if problem.line is not None:
        where.append(f"line {problem.line}")
    if problem.column is not None:
        where.append(problem.column)
    return f"  {', '.join(where)}: {problem.sentence} {problem.remedy}"
