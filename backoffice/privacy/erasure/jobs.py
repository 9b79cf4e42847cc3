"""Erasing in the background: what was confirmed is carried out, and what was interrupted goes on."""

from sqlalchemy import Table

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.privacy.erasure import asking, fields, following, services
from backoffice.privacy.erasure.erasing import Eraser, carry_out_all
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import Stage
from backoffice.privacy.erasure.replaying import is_behind, replay
from backoffice.privacy.holds import waiting as waiting_for_holds
from backoffice.runtime import Runtime


def eraser_of(runtime: Runtime, who: Purpose) -> Eraser:
    """What carries out erasures in this installation."""
    tables: list[Table] = [table for each in runtime.metadatas for table in each.tables.values()]
    settings = runtime.settings
    return Eraser(
        who, tables, runtime.plugins, LedgerFile(settings.ledger_folder), settings.erasures.backups_kept
    )


def go_on_erasing(run: JobRun) -> Counts:
    """Carry out every erasure that was confirmed and has not ended, and what a restore has brought back."""
    eraser = eraser_of(run.app.extensions["backoffice"], run.who)
    lapsed = asking.forget_unconfirmed(run.who)
    waiting_for_holds.resume(run.who)
    if is_behind(eraser):
        done = replay(eraser)
        return {lazy("erasures"): done["erasures"], lazy("lapsed"): lapsed}
    with transaction(run.who) as tx:
        waiting = services.not_ended(tx)
    carry_out_all(eraser, waiting, run.progress)
    return {lazy("erasures"): len(waiting), lazy("lapsed"): lapsed}


def look_at_erasure(run: JobRun) -> Counts:
    """Find out what an erasure would take that somebody asked for."""
    eraser = eraser_of(run.app.extensions["backoffice"], run.who)
    return {lazy("looked at"): int(asking.look(eraser, number=int(run.arguments["erasure"])))}


def erase(run: JobRun) -> Counts:
    """Carry out one erasure that was confirmed."""
    eraser = eraser_of(run.app.extensions["backoffice"], run.who)
    stage = eraser.carry_out(int(run.arguments["erasure"]), run.progress)
    return {lazy("erasures"): int(stage is Stage.VERIFIED)}


class NotYet(Exception):
    """Something outside could not be erased; it is tried again."""


def erase_outside(run: JobRun) -> Counts:
    """Have what plugins keep outside of whoever is erased be erased there. Raises `NotYet`."""
    runtime: Runtime = run.app.extensions["backoffice"]
    did = following.erase_outside(run, runtime.plugins)
    if did["failed"]:
        run.say(lazy("Some of it could not be erased outside, and is tried again."))
        raise NotYet
    return {lazy("erased outside"): did["done"], lazy("waiting"): did["waiting"]}


def vacuum_erased(run: JobRun) -> Counts:
    """Free the space of what was erased."""
    eraser = eraser_of(run.app.extensions["backoffice"], run.who)
    did = following.free_space(run.who, [table.fullname for table in eraser.tables])
    return {
        lazy("tables"): did["tables"],
        lazy("erasures"): did["erasures"],
        lazy("waiting"): did["waiting"],
    }


def have_fields_stay_deleted(run: JobRun) -> Counts:
    """Note deleted fields in the ledger, and delete those that a restore has brought back."""
    noted, again = fields.stay_deleted(eraser_of(run.app.extensions["backoffice"], run.who))
    return {lazy("noted"): noted, lazy("deleted again"): again}


JOBS = (
    Job("look-at-erasure", look_at_erasure, title=lazy("Look what an erasure would take"), attempts=3),
    Job("erase", erase, title=lazy("Erase what somebody has confirmed"), attempts=3),
    Job(
        "go-on-erasing",
        go_on_erasing,
        every(minutes=5),
        title=lazy("Carry out erasures that were interrupted"),
        forgets=True,
    ),
    Job(
        "erase-outside",
        erase_outside,
        every(minutes=5),
        title=lazy("Have what was erased here be erased outside"),
        attempts=1,
        forgets=True,
    ),
    Job(
        "deleted-fields",
        have_fields_stay_deleted,
        every(hours=1),
        title=lazy("Have deleted fields stay deleted"),
        attempts=3,
        forgets=True,
    ),
    Job(
        "vacuum-erased",
        vacuum_erased,
        every(minutes=15),
        title=lazy("Free the space of what was erased"),
        attempts=2,
        forgets=True,
    ),
)
