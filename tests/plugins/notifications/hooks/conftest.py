"""A district with a system of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import undefer

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from plugins.notifications.hooks import sending, services
from plugins.notifications.hooks.models import DistrictHook, HookCall
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.hooks.sink import Sink, running
from tests.plugins.notifications.notices.conftest import (  # noqa: F401 - fixtures
    backup,
    drill,
    founders,
    incident,
    proven,
)

CALLER = Purpose("notifications.call-districts")


@pytest.fixture(autouse=True)
def _no_hook(world: World) -> Iterator[None]:
    _without()
    yield
    _without()


def _without() -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(HookCall))
        tx.execute(delete(DistrictHook))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running() as there:
        yield there


@pytest.fixture
def leader(world: World) -> Principal:
    return proven(world, "leader")


def set_up(world: World, who: Principal, url: str) -> str:
    secret = services.set_hook(principal=who, school=world.home.public_id, url=url, private=True)
    assert secret is not None
    return secret


def work(**options: Any) -> int:
    """What the job does in one run; how many calls were delivered."""
    sending.note_due(CALLER)
    given = {"private": True, "progress": lambda _done: None, **options}
    delivered = sending.call_all(CALLER, **given)
    sending.give_up(CALLER)
    return delivered


def calls() -> list[HookCall]:
    with transaction(SYSTEM) as tx:
        rows = select(HookCall).options(undefer(HookCall.body)).order_by(HookCall.id)
        return list(tx.scalars(rows))


def again(role: Principal) -> Principal:
    """Whose session is proven anew, whatever the clock says."""
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == role.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    return role
