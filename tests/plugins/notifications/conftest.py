"""Incidents as they could be."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert, select

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.notifications import services
from plugins.notifications.models import Incident
from plugins.notifications.services import Opened
from plugins.notifications.terms.models import ContractTerms
from tests.factories.world import SYSTEM, World

Opens = Callable[..., str]


@pytest.fixture(autouse=True)
def no_incident(world: World) -> Iterator[None]:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Incident))
        # What was said of contracts outlives incidents, and the world's own is put back.
        table = ContractTerms.__table__
        said = [dict(row) for row in tx.execute(select(table)).mappings()]
        tx.execute(delete(ContractTerms))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(ContractTerms))
        if said:
            tx.execute(insert(table), said)


@pytest.fixture
def opens(world: World) -> Opens:
    """Has a founder open an incident that was noticed so long ago."""

    def _open(ago: timedelta = timedelta(hours=1), **more: Any) -> str:
        usual = {"title": "Gnus at large", "what": "A gnu read the mails", "form": str(uuid4())}
        noticed: datetime = clock.now() - ago
        opened = Opened(**{**usual, "noticed_at": noticed, **more})
        return services.open_incident(principal=world.sign_in("founder"), opened=opened)

    return _open


def row_of(incident: str) -> Incident:
    """An incident as it is by now."""
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
