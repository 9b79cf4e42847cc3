"""Taking back what retention told, which nobody may."""

from sqlalchemy import make_url, text

from backoffice.runtime import Runtime
from backoffice.storage.database import make_engine


def forget_runs(runtime: Runtime) -> None:
    """As if no run had been, as the database's superuser."""
    engine = make_engine(make_url(runtime.database.address).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("delete from app.retention_run"))
    engine.dispose()
