"""What follows an erasure: others outside erase it too, and the space of what is gone is freed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, select, text, update

from backoffice import clock, events
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.controls.check import Looking, State
from backoffice.events import Subscription
from backoffice.jobs.models import QueuedJob
from backoffice.plugin import Plugin
from backoffice.privacy.canary import checks
from backoffice.privacy.erasure import following, jobs, receipts, services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.events import SubjectErased
from backoffice.privacy.erasure.jobs import NotYet, eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, ErasureOutside, Stage
from backoffice.privacy.holdings import Subject, Target
from backoffice.privacy.outside import Outside
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.storage import database, vacuum
from backoffice.storage.numbers import one_of
from backoffice.storage.roles import DatabaseRole
from tests.factories.world import SYSTEM, World, add_child

WHO = Purpose("test-following")


@dataclass
class Vendor:
    """A made-up plugin that keeps children's names at somebody outside, who is down at times."""

    down: bool = False
    asked: list[str] = field(default_factory=list)
    heard: list[SubjectErased] = field(default_factory=list)

    def references(self, tx: Transaction, target: Target) -> Iterator[str]:
        """What it is called there is in the rows that go."""
        if target.subject is Subject.STUDENT:
            for name in tx.scalars(select(Student.given_name).where(one_of(Student.id, target.numbers))):
                yield f"cus_{name}"

    def erase(self, _run: Any, reference: str) -> str | None:
        """As a vendor's interface."""
        self.asked.append(reference)
        if self.down:
            raise ConnectionError(f"No answer about {reference}.")
        return "re_123"

    @property
    def plugin(self) -> Plugin:
        """Its descriptor."""
        outside = Outside("customer", "Made-up payments", self.references, self.erase)
        return Plugin(
            name="vendor_made_up",
            title="Vendor",
            summary="S",
            tables=None,
            personal_data=(),
            retention=(),
            handlers={SubjectErased: lambda _tx, event: self.heard.append(event)},
            erases_outside=(outside,),
        )


@dataclass
class Run:
    """A run of a job, as far as the job asks."""

    app: Flask
    who: Purpose = WHO
    said: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Keep it."""
        self.said.append(str(sentence))


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def eraser(runtime: Runtime, vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Eraser:
    made = eraser_of(runtime, WHO)
    ledger = LedgerFile(tmp_path_factory.mktemp("ledger"))
    return replace(made, ledger=ledger, installed=(*made.installed, vendor.plugin))


@pytest.fixture
def run(app: Flask, runtime: Runtime, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Run:
    """With the made-up plugin installed."""
    plugins = (*runtime.plugins, vendor.plugin)
    monkeypatch.setitem(app.extensions, "backoffice", replace(runtime, plugins=plugins))
    return Run(app)


@pytest.fixture(autouse=True)
def _over() -> Iterator[None]:
    """Nothing waits before a test, as something does in the world, nor after it."""
    _nothing_waits()
    yield
    _nothing_waits()


def _nothing_waits() -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(ErasureOutside)
            .where(ErasureOutside.done_at.is_(None))
            .values(done_at=clock.now(), reference=None)
        )
        tx.execute(update(Erasure).values(vacuum_after=None, vacuumed_at=None))


def erased(world: World, eraser: Eraser, name: str = "Ottilie") -> Erasure:
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, name, "Gonesoon")
    return services.erase(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
    )


def line_of(done: Erasure) -> ErasureOutside:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(ErasureOutside).where(ErasureOutside.erasure == done.public_id)).one()


def page_of(app: Flask, done: Erasure) -> str:
    assert done.receipt is not None
    address = f"/receipts/{done.public_id}?hash={receipts.hash_of(done.receipt)}"
    return " ".join(app.test_client().get(address).text.split())


def test_what_it_is_called_outside_is_kept_sealed_until_it_is_erased_there(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, vendor: Vendor, run: Run
) -> None:
    done = erased(world, eraser)
    assert json.loads(done.receipt or "")["outside"] == ["vendor_made_up.customer"]
    assert line_of(done).reference == "cus_Ottilie"
    with transaction(SYSTEM) as tx:
        raw = tx.execute(text("select reference from app.erasure_outside where done_at is null")).scalars()
        assert all(b"Ottilie" not in bytes(each) for each in raw)
        queued = tx.scalars(select(QueuedJob.task_name).where(QueuedJob.task_name == following.ERASE_OUTSIDE))
        assert queued.all()
    assert "Outside: Made-up payments</dt><dd>waits</dd>" in page_of(app, done)

    jobs.erase_outside(run)  # type: ignore[arg-type]
    assert vendor.asked == ["cus_Ottilie"]
    line = line_of(done)
    assert (line.reference, line.proof, line.problem, line.tries) == (None, "re_123", None, 1)
    assert "Outside: Made-up payments</dt><dd>done on" in page_of(app, done)
    assert "re_123" in page_of(app, done)

    jobs.erase_outside(run)  # type: ignore[arg-type]
    assert vendor.asked == ["cus_Ottilie"]


def test_who_does_not_answer_is_asked_again(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, vendor: Vendor, run: Run
) -> None:
    vendor.down = True
    done = erased(world, eraser)
    with pytest.raises(NotYet):
        jobs.erase_outside(run)  # type: ignore[arg-type]
    line = line_of(done)
    assert (line.reference, line.done_at, line.tries) == ("cus_Ottilie", None, 1)
    # The vendor's words would say of whom it was.
    assert line.problem == "ConnectionError"
    assert "Ottilie" not in " ".join(run.said)

    vendor.down = False
    jobs.erase_outside(run)  # type: ignore[arg-type]
    assert len(vendor.asked) == 1  # too soon
    with transaction(SYSTEM) as tx:
        tx.execute(update(ErasureOutside).values(tried_at=clock.now() - timedelta(minutes=6)))
    jobs.erase_outside(run)  # type: ignore[arg-type]
    assert line_of(done).proof == "re_123"


def test_one_that_waits_for_long_falls_short(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, vendor: Vendor
) -> None:
    """Whether its plugin fails or was uninstalled."""
    done = erased(world, eraser)
    uninstalled = Run(app)
    jobs.erase_outside(uninstalled)  # type: ignore[arg-type]
    assert line_of(done).problem == "NotInstalled"
    assert "vendor_made_up.customer</dt><dd>waits</dd>" in page_of(app, done)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ErasureOutside).values(noted_at=clock.now() - timedelta(days=2)))
        finding = checks.immediate_deletion(Looking(app, runtime.settings, tx))
    assert finding.state is State.FALLS_SHORT
    assert "not yet outside" in finding.evidence


def test_plugins_hear_of_it_by_identifiers_alone(
    runtime: Runtime, world: World, eraser: Eraser, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = vendor.plugin.handlers[SubjectErased]
    heard = (Subscription("trust", SubjectErased, handler),)
    monkeypatch.setattr(events, "_subscriptions", {SubjectErased: heard})
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Ottilie", "Gonesoon")
    done = services.erase(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
    )
    assert vendor.heard == [SubjectErased(done.public_id, Subject.STUDENT, (child.public_id,))]


def test_a_receipt_says_that_nobody_knows_any_more(
    app: Flask, world: World, eraser: Eraser, run: Run
) -> None:
    """As after a restore, which puts receipts back and not what followed them."""
    done = erased(world, eraser)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ErasureOutside).values(erasure="2" * 16))
        tx.execute(update(Erasure).values(vacuum_after=None))
    said = page_of(app, done)
    assert "Outside: Made-up payments</dt><dd>not known here any more" in said
    assert "Space freed" not in said


def test_space_is_freed_once_for_many_erasures(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [table.fullname for table in eraser.tables]
    following.free_space(WHO, tables)
    many = [erased(world, eraser, name) for name in ("Ottilie", "Ottmar")]
    asked: list[str] = []

    def vacuumed(schema: str, table: str) -> int | None:
        asked.append(f"{schema}.{table}")
        return vacuum.vacuum(schema, table)

    monkeypatch.setattr(following, "vacuum", vacuumed)
    assert "Space freed in the database</dt><dd>waits</dd>" in page_of(app, many[0])
    did = following.free_space(WHO, tables)
    assert did == {"tables": len(asked), "erasures": 2, "waiting": 0}
    assert len(asked) == len(set(asked))
    assert {"app.student", "app.enrollment", "app.audit_detail", "app.worry", "app.erasure"} <= set(asked)
    assert "Space freed in the database</dt><dd>done on" in page_of(app, many[0])
    assert following.free_space(WHO, tables)["tables"] == 0


def test_while_somebody_may_still_read_it_it_is_not_said_to_be_freed(
    runtime: Runtime, world: World, eraser: Eraser
) -> None:
    tables = [table.fullname for table in eraser.tables]
    following.free_space(WHO, tables)
    engine = database.current().engine(DatabaseRole.SYSTEM)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as reader:
        reader.execute(text("select count(*) from app.student"))
        done = erased(world, eraser)
        assert following.free_space(WHO, tables)["waiting"] == 1
        with transaction(SYSTEM) as tx:
            assert tx.get_one(Erasure, done.id).vacuumed_at is None
        reader.rollback()
    assert following.free_space(WHO, tables)["erasures"] == 1


def test_a_table_without_the_right_is_not_said_to_be_freed(
    runtime: Runtime, world: World, eraser: Eraser
) -> None:
    owner = make_url(str(runtime.database.url(DatabaseRole.OWNER).render_as_string(hide_password=False)))
    address = owner.set(drivername="postgresql").render_as_string(hide_password=False)
    tables = [table.fullname for table in eraser.tables]
    erased(world, eraser)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("revoke maintain on app.student from backoffice_system")
        try:
            assert following.free_space(WHO, tables)["waiting"] == 1
        finally:
            connection.execute("grant maintain on app.student to backoffice_system")
    assert following.free_space(WHO, tables)["erasures"] == 1


def test_every_table_can_be_vacuumed(runtime: Runtime) -> None:
    """Those of plugins and those to come too."""
    with transaction(SYSTEM) as tx:
        without = [
            table.fullname
            for metadata in runtime.metadatas
            for table in metadata.tables.values()
            # Nothing erases from the queue, nor entries of the trail.
            if table.schema != "queue" and table.fullname != "app.audit_entry"
            if not tx.scalar(text("select has_table_privilege(:t, 'MAINTAIN')"), {"t": table.fullname})
        ]
    assert without == []


def test_transactions_are_compared_where_their_numbers_wrap() -> None:
    assert vacuum.is_past(5, (7 << 32) - 3)
    assert not vacuum.is_past(2**32 - 3, (7 << 32) + 5)
    assert not vacuum.is_past(8, (1 << 32) + 8)
    assert not vacuum.is_past(None, 1)


def test_in_steps_it_is_noted_once_and_not_erased_outside_while_a_hold_is_in_the_way(
    world: World, eraser: Eraser, vendor: Vendor, run: Run
) -> None:
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Ottilie", "Gonesoon")
    number = services.begin(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
    )
    step = ("_note", "_note", "_erase")
    small = replace(eraser, large=0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Eraser, "_rows_if_large", lambda self, tx, plan: sum(self.left(tx, plan).values()))
        for name in step:
            with transaction(WHO) as tx:
                getattr(small, name)(tx, tx.get_one(Erasure, number))
    with transaction(WHO) as tx:
        row = tx.get_one(Erasure, number)
        assert row.step is not None
        row.stage = Stage.HELD
    jobs.erase_outside(run)  # type: ignore[arg-type]
    assert vendor.asked == []
    with transaction(WHO) as tx:
        tx.get_one(Erasure, number).stage = Stage.NOTED
    assert small.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        done = tx.get_one(Erasure, number)
    # Not twice: in the first step and in the last.
    assert line_of(done).reference == "cus_Ottilie"
    jobs.erase_outside(run)  # type: ignore[arg-type]
    assert vendor.asked == ["cus_Ottilie"]


def test_space_is_freed_of_all_that_receipts_do_not_tell_apart() -> None:
    assert set(following.ALWAYS) >= receipts.UNTOLD
