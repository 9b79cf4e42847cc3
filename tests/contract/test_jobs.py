"""Every job, twice over a world with data: the second run does not fail and changes nothing."""

from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.jobs import registry
from backoffice.jobs.runs import Run
from backoffice.language.gathering import gathered, packages
from backoffice.privacy.erasure.models import ErasureOutside
from backoffice.runtime import Runtime
from plugins.billing import asking
from plugins.billing.asking import Stripe
from tests.contract.given import GIVEN
from tests.contract.snapshot import AUDIT, Snapshots, snapshots
from tests.factories.world import SYSTEM, World
from tests.stripe_stand_in.running import SECRET, running

# What keeps the moment in which somebody outside was asked, each time anew.
ASKED_ANEW = {"plugin_billing.customer"}


@pytest.fixture
def look(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    del world
    with snapshots(runtime) as made:
        yield made


def test_there_are_jobs_and_each_has_a_full_name_a_title_and_attempts(runtime: Runtime) -> None:
    del runtime
    found = registry.installed()
    assert {"core.forget-jobs", "trust.check"} <= set(found)
    assert [name for name, entry in found.items() if not entry.job.title or entry.job.attempts < 1] == []


def test_whatever_wants_something_given_is_given_it_here(runtime: Runtime) -> None:
    del runtime
    asked_for = {name for name, entry in registry.installed().items() if entry.job.when is None}
    assert set(GIVEN) == asked_for, "Say in tests/contract/given.py what each of these jobs works on."


@pytest.fixture
def connected(world: World) -> Iterator[None]:
    """There is a Stripe, which knows whom it is to forget: without one, jobs about payments wait for it."""
    del world
    with running() as stand_in:
        client = stand_in.client()
        before = asking.use(Stripe(client, SECRET))
        with transaction(SYSTEM) as tx:
            for each in tx.scalars(select(ErasureOutside).where(ErasureOutside.done_at.is_(None))):
                each.reference = client.v1.customers.create({}).id
        yield
        asking.use(before)


@pytest.mark.usefixtures("connected")
def test_every_job_can_run_twice(app: Flask, world: World, look: Snapshots) -> None:
    """And what it says of that is in the catalogues: its page says it in its reader's language."""
    known = {text.id for package in packages() for text in gathered(package)}
    for name, entry in registry.installed().items():
        arguments = GIVEN[name](world) if name in GIVEN else {}
        run = Run(id=0, attempt=1, app=app, who=Purpose(name), arguments=arguments)
        look.keep()
        first = entry.job.work(run)
        if arguments:
            found = look.changes() and any((first or {}).values())
            assert found, f"{name}: the first run found nothing to do: {first}"
        assert {*(first or {}), *run.lines} <= known, name
        look.keep()
        entry.job.work(run)
        changed = Counter(
            str(change.table)
            for change in look.changes()
            if change.table not in AUDIT and str(change.table) not in ASKED_ANEW
        )
        assert not changed, f"{name}: a second run changed {dict(changed)}"
