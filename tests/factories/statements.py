"""What is asked of the database while something runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import event

from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole


@contextmanager
def statements(runtime: Runtime) -> Iterator[list[str]]:
    """The statements of the web's role. One that is sent with many sets of parameters counts as many."""
    asked: list[str] = []
    engine = runtime.database.engine(DatabaseRole.APP)

    def note(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: Sequence[object],
        _context: object,
        many: bool,
    ) -> None:
        asked.extend([statement] * (len(parameters) if many else 1))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
