"""Two at once: one holds something, the other waits for it."""

import time

from sqlalchemy import Connection, text


def wait_for_one_behind(connection: Connection) -> None:
    """Until somebody waits for what this connection holds."""
    behind = text(
        "select exists (select from pg_locks l where pg_backend_pid() = any (pg_blocking_pids(l.pid)))"
    )
    end = time.monotonic() + 10
    while not connection.scalar(behind):
        assert time.monotonic() < end, "Nobody waits."
        time.sleep(0.01)
