"""Entries of the trail for what is done by reading alone."""

from typing import Any

from sqlalchemy import Select

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record_each


def record_export(*, principal: Principal, rows: Select[Any], schools: Select[Any] | None) -> None:
    """Let somebody take rows out as a file, and note it in each school whose rows are among them.

    `rows` selects one entity, narrowed to what the principal may export; `schools` the numbers of the schools
    they are of; None if they are of none. Raises `ProofNeeded`.
    """
    entity = rows.column_descriptions[0]["entity"]
    verb = f"{entity.__tablename__}s.export"
    with transaction(principal) as tx:
        proof.demand(tx)
        found = sorted({each for each in tx.scalars(schools) if each}) if schools is not None else []
        record_each(tx, verb, [(school, {}) for school in found or [None]])
