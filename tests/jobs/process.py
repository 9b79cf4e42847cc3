"""A worker or a scheduler as it is, with a job that takes its time: `python -m tests.jobs.process worker`."""

import time

from backoffice.cli import main
from backoffice.jobs import core
from backoffice.jobs.job import Counts, Job, JobRun


def take_time(run: JobRun) -> Counts:
    """Work for as many tenths of a second as it is asked to."""
    tenths = int(run.arguments["tenths"])
    for done in range(tenths):
        run.progress(done, tenths)
        time.sleep(0.1)
    return {"tenths": tenths}


def fail(_run: JobRun) -> Counts:
    """Fail with a message that nobody may read."""
    raise ValueError("Wilhelmina Quartermaine is not a number")


JOBS = (Job("slow", take_time), Job("failing", fail))

if __name__ == "__main__":
    core.JOBS = (*core.JOBS, *JOBS)
    main()
