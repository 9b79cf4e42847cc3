"""Erasing in the background: what was confirmed is carried out, and what was interrupted goes on."""

from sqlalchemy import Table

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy
from backoffice.privacy.erasure import asking, services
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
    carry_out_all(eraser, waiting)
    return {lazy("erasures"): len(waiting), lazy("lapsed"): lapsed}


def look_at_erasure(run: JobRun) -> Counts:
    """Find out what an erasure would take that somebody asked for."""
    eraser = eraser_of(run.app.extensions["backoffice"], run.who)
    return {lazy("looked at"): int(asking.look(eraser, number=int(run.arguments["erasure"])))}


def erase(run: JobRun) -> Counts:
    """Carry out one erasure that was confirmed."""
    eraser = eraser_of(run.app.extensions["backoffice"], run.who)
    stage = eraser.carry_out(int(run.arguments["erasure"]))
    return {lazy("erasures"): int(stage is Stage.VERIFIED)}


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
)
