"""Taking back what retention told and founders decided, which nobody may; and other files than ours."""

from pathlib import Path

from sqlalchemy import make_url, text

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.privacy.retention import in_force, policy
from backoffice.privacy.retention.models import PolicyVersion, VersionState
from backoffice.runtime import Runtime
from backoffice.settings import CONFIG
from backoffice.storage.database import make_engine
from tests.factories.world import SYSTEM


def forget_runs(runtime: Runtime) -> None:
    """As if no run had been, as the database's superuser."""
    engine = make_engine(make_url(runtime.database.address).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("delete from app.retention_run"))
    engine.dispose()


def forget_policies(runtime: Runtime) -> None:
    """As if nothing had been decided or proposed since the first start, as the database's superuser."""
    engine = make_engine(make_url(runtime.database.address).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        first = "select min(id) from app.policy_version where state = 'confirmed'"
        connection.execute(text(f"delete from app.policy_version where id > ({first})"))
    engine.dispose()
    in_force.forget()


def other_file(folder: Path, *changes: tuple[str, str]) -> Path:
    """Our file with these passages changed, in a folder."""
    said = (CONFIG / policy.FILE).read_text("utf-8")
    for old, new in changes:
        assert old in said
        said = said.replace(old, new, 1)
    (folder / policy.FILE).write_text(said, "utf-8")
    return folder


def decide_otherwise(folder: Path, *changes: tuple[str, str]) -> None:
    """As if two founders had decided our file with these passages changed, and schools had been told."""
    said, now = policy.load(other_file(folder, *changes)), clock.now()
    of = {"proposed_at": now, "confirmed_at": now, "told_at": now, "said": said.said, "digest": said.digest}
    with transaction(SYSTEM) as tx:
        tx.add(PolicyVersion(state=VersionState.CONFIRMED, later=[], told=2, **of))
    in_force.forget()
