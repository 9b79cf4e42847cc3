"""Making large changes in the background, and forgetting them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from backoffice.access.lookup import Closed, NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import SessionEnded
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import gettext, lazy
from backoffice.large_changes import services
from backoffice.large_changes.models import ChangeState, LargeChange
from backoffice.large_changes.services import TakenUp
from backoffice.problems import Rejected, SwitchedOff

if TYPE_CHECKING:
    from flask import Flask

# Where the console says how a change is made: jobs know no page.
EXTENSION = "large_changes"
Makes = Callable[["Flask", TakenUp], Mapping[str, Any]]
SIGNED_OUT = lazy("You were signed out before it began. Nothing was changed.")
NO_LONGER = lazy("You may not do this any more, or there is nothing left to do it to. Nothing was changed.")
FAILED = lazy("Something went wrong, and nothing was changed. Try again later.")


def change_many(run: JobRun) -> Counts:
    """Make one change as whoever confirmed it, if it can still be made."""
    change = services.take_up(run.who, number=int(run.arguments["change"]))
    if change is None:
        return {"made": 0}
    makes: Makes = run.app.extensions[EXTENSION]
    try:
        said = makes(run.app, change)
    except (Rejected, Denied, NotFound, Closed, SwitchedOff, SessionEnded) as refusal:
        reason = {"sentence": _reason(refusal)}
        services.end_change(run.who, number=change.id, state=ChangeState.REFUSED, said=reason)
        return {"made": 0}
    except Exception:
        if run.last:
            failed = {"sentence": FAILED}
            services.end_change(run.who, number=change.id, state=ChangeState.FAILED, said=failed)
        raise
    services.end_change(run.who, number=change.id, state=ChangeState.DONE, said=said)
    return {"made": 1}


def _reason(refusal: Exception) -> str:
    if isinstance(refusal, Rejected):
        return " ".join((refusal.in_words, gettext("Nothing was changed.")))
    return SIGNED_OUT if isinstance(refusal, SessionEnded) else NO_LONGER


def _forget(run: JobRun) -> Counts:
    """Give up changes that no worker ends, and forget those of a month ago."""
    return services.forget_changes(run.who)


JOBS = (
    Job("change-many", change_many, title=lazy("Make a change of many rows"), attempts=3),
    Job(
        "forget-large-changes",
        _forget,
        every(hours=1),
        title=lazy("Forget changes of many rows"),
        forgets=True,
        expires=(LargeChange,),
    ),
)
