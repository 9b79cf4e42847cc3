"""How long what was sealed about somebody erased lives on: in pages, log of writes and samples.

A row that is deleted is marked so; its bytes stay in the page until vacuum has removed it and something else
is written over it, and the log of writes keeps its own copy until its file is written anew. They are sealed
bytes: without the keyring they tell nothing. Copies of files, such as backups, are another matter.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from backoffice import launch
from backoffice.access.principal import Purpose
from backoffice.privacy.erasure import services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime, open_runtime
from backoffice.settings import Settings
from backoffice.storage import embedded
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.keyring import Keyring
from tests.contract.snapshot import snapshots
from tests.factories.world import NO_LIMIT, World, make_world
from tests.privacy.erasure.telling import gone_between, subjects

WHO = Purpose("bench-remnants")
# A number of the key, a nonce and a tag: no sealed value is shorter.
SEALED = 30
# How much is written to the log at most, to see its files written anew.
MOST = 1536
# As many rows as there are, in the place of those that are gone.
AGAIN = (
    """insert into app.student (school_id, public_id, given_name, family_name, name_tokens, created_at)
       select school_id, substr(translate(md5(id::text), '01', 'yz'), 1, 16), given_name, family_name,
              name_tokens, created_at from app.student""",
    """insert into app.student_change (school_id, public_id, student_id, field, difference, at)
       select school_id, substr(translate(md5(id::text), '01', 'yz'), 1, 16), student_id, field, difference,
              at from app.student_change""",
    "vacuum",
)
FILL = """select pg_logical_emit_message(false, 'filled', repeat(md5(n::text), 32768))
            from generate_series(1, 16) n"""
FOLDERS = {"pages": "base", "log of writes": "pg_wal"}


@pytest.fixture
def own() -> Iterator[tuple[Runtime, EmbeddedServer]]:
    """A server of its own, set as it comes."""
    with tempfile.TemporaryDirectory(prefix="backoffice-remnants-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        Keyring.generate().write(folder / "keyring.json")
        server = embedded.start(folder / "postgres")
        settings = Settings(keyring_file=folder / "keyring.json", data_dir=folder, throttles=NO_LIMIT)
        opened = open_runtime(settings, server.url())
        launch.migrate(opened)
        yield opened, server
        opened.database.dispose()
        embedded.stop(server)


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.SCHOOL])
def test_what_is_left_of_sealed_values(
    own: tuple[Runtime, EmbeddedServer], tmp_path: Path, subject: Subject
) -> None:
    runtime, server = own
    world = make_world()
    made = eraser_of(runtime, WHO)
    eraser = Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)
    with psycopg.connect(runtime.database.address, autocommit=True) as superuser:
        superuser.execute("analyze")
        superuser.execute("checkpoint")
        values = erased(runtime, world, eraser, subject)
        print(f"\n{subject}: {len(values)} sealed values were erased. Left, as they are:")

        def step(title: str, *statements: str) -> Mapping[str, int]:
            for statement in statements:
                superuser.execute(statement.encode())
            superuser.execute("checkpoint")
            found = {place: len(left) for place, left in look(superuser, server, values).items()}
            print(
                f"  {title:<52} {', '.join(f'{n:>3} in {place}' for place, n in found.items())}", flush=True
            )
            return found

        step("after the erasure and a checkpoint")
        step("after vacuum", "vacuum")
        step("after as many people came as there were", *AGAIN)
        last = step("after vacuum full, which writes tables anew", "vacuum full")
        assert last["pages"] == last["samples"] == 0
        recycled(step)


def erased(runtime: Runtime, world: World, eraser: Eraser, subject: Subject) -> frozenset[bytes]:
    """The sealed values that were in the subject's rows alone."""
    with snapshots(runtime) as taken:
        taken.keep()
        services.erase(
            eraser=eraser, subject=subject, public_id=subjects(world)[subject], asked_as=AskedAs.COMMAND
        )
        telling = gone_between(taken._base, taken._rows(taken.tables))
    found = frozenset(each for each in telling.values if len(each) >= SEALED)
    assert len(found) > 5
    return found


def look(
    superuser: psycopg.Connection, server: EmbeddedServer, values: frozenset[bytes]
) -> dict[str, set[bytes]]:
    """The values that are found in the server's files, and in the samples for the planner."""
    found: dict[str, set[bytes]] = {place: set() for place in FOLDERS}
    for place, name in FOLDERS.items():
        for path in (server.data / name).rglob("*"):
            if path.is_file():
                pile = path.read_bytes()
                found[place] |= {each for each in values - found[place] if each in pile}
    rows = superuser.execute("select s::text from pg_statistic s").fetchall()
    samples = "\n".join(str(row) for (row,) in rows)
    found["samples"] = {each for each in values if each.hex() in samples}
    return found


def recycled(step: Callable[..., Mapping[str, int]]) -> None:
    """Write to the log until nothing is found in it, or enough was written."""
    for written in range(16, MOST + 1, 16):
        left = step(f"after {written} MiB more in the log of writes", FILL, "select pg_switch_wal()")
        if not left["log of writes"]:
            return
