"""Telling founders of what was reported, and forgetting it, in the background."""

from backoffice.jobs.job import Counts, Job, JobRun, daily, every
from backoffice.language.texts import lazy
from backoffice.reports import services
from backoffice.reports.models import Report


def tell_of_reports(run: JobRun) -> Counts:
    """Tell founders what is new."""
    return services.tell_founders(run.who)


def forget_reports(run: JobRun) -> Counts:
    """Forget what is old."""
    return services.forget_reports(run.who)


JOBS = (
    Job("tell-of-reports", tell_of_reports, every(minutes=5), title=lazy("Tell founders of reports")),
    Job(
        "forget-reports",
        forget_reports,
        daily(at="03:40"),
        title=lazy("Forget old reports"),
        expires=(Report,),
    ),
)
