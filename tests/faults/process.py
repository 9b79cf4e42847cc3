"""A worker or a scheduler as it is, with three more jobs that leave a trace.

`python -m tests.faults.process worker` runs one.
"""

import os
import time

from sqlalchemy import text

from backoffice.access.transaction import transaction
from backoffice.cli import main
from backoffice.jobs import core
from backoffice.jobs.job import Counts, Job, JobRun, every

WORKING = 0.5  # seconds before and after what a job does, so that kills meet it before and after


def leave_trace(run: JobRun) -> Counts:
    """Do what is asked once for each number in the queue, and note every time that it was begun."""
    number = {"number": run.number, "pid": os.getpid()}  # type: ignore[attr-defined]
    with transaction(run.who) as tx:
        tx.execute(text("insert into fault.begun (number, pid) values (:number, :pid)"), number)
    time.sleep(WORKING)
    with transaction(run.who) as tx:
        done = tx.execute(
            text("insert into fault.done (number, pid) values (:number, :pid) on conflict do nothing"), number
        )
        counted = int(done.rowcount)  # type: ignore[attr-defined]
        if not counted:
            tx.execute(text("insert into fault.repeated (number, pid) values (:number, :pid)"), number)
    time.sleep(WORKING)
    return {"done": counted}


# More than there may be failures in a row: what is tried here is that nothing is lost.
JOBS = tuple(
    Job(f"fault-{seconds}", leave_trace, every(seconds=seconds), attempts=50) for seconds in (2, 3, 5)
)

if __name__ == "__main__":
    core.JOBS = (*core.JOBS, *JOBS)
    main()
