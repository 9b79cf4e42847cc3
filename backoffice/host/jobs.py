"""Work about plugins in the background."""

from backoffice.host import history
from backoffice.host.models import PluginHistory
from backoffice.jobs.job import Counts, Job, JobRun, daily
from backoffice.language.texts import lazy


def _forget_history(run: JobRun) -> Counts:
    """Forget what was done with plugins six months ago."""
    return history.forget(run.who)


JOBS = (
    Job(
        "forget-plugin-history",
        _forget_history,
        daily(at="03:50"),
        title=lazy("Forget who switched and set plugins six months ago"),
        expires=(PluginHistory,),
    ),
)
