"""`backoffice erase` and `backoffice privacy`: erasing a subject, and erasing again after a restore."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.erasure import receipts, services
from backoffice.privacy.erasure.erasing import Eraser, NotAllErased
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.replaying import replay
from backoffice.privacy.erasure.services import Outlook
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import queries as holds
from backoffice.privacy.holds.models import LegalHold
from backoffice.problems import Rejected
from backoffice.runtime import Runtime

BAD_INPUT = 2
COMMAND = Purpose("erase-command")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command()
@click.argument("subject", type=click.Choice([str(each) for each in Subject]))
@click.argument("public_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Say what would go, and erase nothing.")
@json_option
@click.pass_context
def erase(
    context: click.Context, *, subject: str, public_ids: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Erase a student, a class, an account, a school or a district for good, and print the receipt.

    It goes at once, with all that hangs on it, and cannot be brought back. Of students, several of one school
    can be erased together, with one receipt.
    """
    runtime: Runtime = context.obj.checked_runtime()
    eraser = eraser_of(runtime, COMMAND)
    if len(public_ids) > 1 and subject != Subject.STUDENT:
        click.echo("Only of students can several be erased together. Give one identifier.", err=True)
        sys.exit(BAD_INPUT)
    try:
        if dry_run:
            found = _looked_at(eraser, Subject(subject), public_ids)
            lines = _in_words(found, several=len(public_ids) > 1)
            click.echo(json.dumps(_told(found)) if as_json else "\n".join(lines))
            return
        done = _erased(eraser, Subject(subject), public_ids)
        _say_who_waits(done, len(set(public_ids)))
    except NotFound:
        one, some = (
            f"There is no {subject} with this identifier.",
            "One of these identifiers is no student's.",
        )
        click.echo(some if len(public_ids) > 1 else one, err=True)
        sys.exit(BAD_INPUT)
    except Rejected as rejected:
        click.echo(rejected.in_words, err=True)
        sys.exit(BAD_INPUT)
    except NotAllErased as left:
        click.echo(f"{left} It is tried again by itself; there is no receipt yet.", err=True)
        sys.exit(1)
    _say(done, as_json=as_json)


def _looked_at(eraser: Eraser, subject: Subject, public_ids: Sequence[str]) -> Outlook:
    if len(public_ids) > 1:
        return services.outlook_of_students(eraser=eraser, public_ids=public_ids)
    return services.outlook(eraser=eraser, subject=subject, public_id=public_ids[0])


def _erased(eraser: Eraser, subject: Subject, public_ids: Sequence[str]) -> Erasure:
    if len(public_ids) > 1:
        return services.erase_students(
            eraser=eraser, public_ids=public_ids, asked_as=AskedAs.COMMAND, told=_say_progress
        )
    return services.erase(
        eraser=eraser,
        subject=subject,
        public_id=public_ids[0],
        asked_as=AskedAs.COMMAND,
        told=_say_progress,
    )


def _say_who_waits(done: Erasure, asked_for: int) -> None:
    """Beside the output: the receipt is of the others."""
    if done.stage == Stage.VERIFIED and done.subjects < asked_for:
        click.echo(
            f"A legal hold keeps something of {asked_for - done.subjects:,} of them. They are erased by"
            " themselves when the hold ends.",
            err=True,
        )


def _say(done: Erasure, *, as_json: bool) -> None:
    """Print the receipt, or why there is none yet."""
    if done.stage != Stage.VERIFIED or done.receipt is None:
        if done.stage == Stage.HELD:
            click.echo(
                "A legal hold keeps something of it. It is erased by itself when the hold ends.", err=True
            )
        else:
            click.echo(f"It is {done.stage}, and not erased yet.", err=True)
        sys.exit(1)
    if as_json:
        click.echo(done.receipt)
        return
    told = receipts.read(done.receipt)
    click.echo(f"Erased. Receipt {told['number']}")
    click.echo(f"Hash    {receipts.hash_of(done.receipt)}")
    click.echo(f"Gone    {_listed(receipts.gone_by_kind(told))}; {sum(told['rows'].values()):,} rows")
    click.echo(f"Left    {told['left']}, looked through again at {told['times']['verified']}")
    click.echo(f"The last backup that may hold it expires by {told['last_backup_expires'][:10]}.")


@click.group()
def privacy() -> None:
    """What was erased stays erased."""


@privacy.command("replay-ledger")
@json_option
@click.pass_context
def replay_ledger(context: click.Context, *, as_json: bool) -> None:
    """Erase again whatever a restored database has brought back."""
    runtime: Runtime = context.obj.checked_runtime()
    eraser = eraser_of(runtime, COMMAND)
    if not eraser.ledger.is_there:
        click.echo(
            f"There is no ledger in {runtime.settings.ledger_folder}. Put its file back; without one, nothing"
            " is known of what was erased.",
            err=True,
        )
        sys.exit(BAD_INPUT)
    done = replay(eraser)
    if as_json:
        click.echo(json.dumps(done))
    else:
        click.echo(f"{done['erasures']:,} erasures repeated, {done['receipts']:,} receipts put back.")


def _say_progress(gone: int, planned: int) -> None:
    """Beside the output, which may be read by a program."""
    click.echo(f"{gone:,} of about {planned:,} rows are gone.", err=True)


@privacy.command("holds")
@json_option
@click.pass_context
def list_holds(context: click.Context, *, as_json: bool) -> None:
    """List the legal holds that stop erasing, without their reasons. They are placed in the console."""
    context.obj.checked_runtime()
    with transaction(COMMAND) as tx:
        found = [_held(each) for each in holds.standing(tx)]
    if as_json:
        click.echo(json.dumps({"holds": found}))
        return
    for each in found:
        late = ", overdue" if each["overdue"] else ""
        click.echo(
            f"{each['subject']:<9} {each['held']}  {each['state']}, to be reviewed {each['review_on']}{late}"
        )
    click.echo(f"{len(found):,} legal holds.")


def _held(hold: LegalHold) -> dict[str, Any]:
    return {
        "hold": hold.public_id,
        "subject": hold.subject,
        "held": hold.outside,
        "state": hold.state,
        "proposed_at": hold.proposed_at.isoformat(),
        "review_on": hold.review_on.isoformat(),
        "overdue": holds.is_overdue(hold),
    }


def _told(found: Outlook) -> dict[str, Any]:
    return {
        "subjects": found.subjects,
        "rows": found.rows,
        "passed_on": found.passed_on,
        "kept": found.kept,
    }


def _in_words(found: Outlook, *, several: bool) -> list[str]:
    lines = [f"Would go: {_listed(found.subjects)}; {found.total:,} rows"]
    lines += [f"  {count:>10,}  {table}" for table, count in sorted(found.rows.items())]
    if found.passed_on:
        lines.append("Classes that somebody else teaches too pass to them.")
    if found.kept and several:
        lines.append("A legal hold keeps something of some: they would wait for its end, and all others go.")
    elif found.kept:
        lines.append("A legal hold keeps something of it: it would wait, and go when the hold ends.")
    return [*lines, "Nothing was erased."]


def _listed(subjects: Mapping[Any, int]) -> str:
    return ", ".join(f"{count:,} {subject}" for subject, count in subjects.items())
