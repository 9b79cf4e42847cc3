"""The process's connections: one engine a role, however many threads ask for it first."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import Engine

from backoffice.runtime import Runtime
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole

THREADS = 16


def test_threads_that_ask_at_once_share_an_engine(runtime: Runtime) -> None:
    for _ in range(20):
        database, together = Database(runtime.database.address), Barrier(THREADS)

        def ask(_number: int, database: Database = database, together: Barrier = together) -> Engine:
            together.wait()
            return database.engine(DatabaseRole.APP)

        with ThreadPoolExecutor(THREADS) as pool:
            assert len({id(engine) for engine in pool.map(ask, range(THREADS))}) == 1
