"""The tile of what waits for an answer: what children told, what parents ask, who wants to follow a child."""

from backoffice.access.permissions import GUARDIANS_APPROVE, REQUESTS_ANSWER
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.families.requests import queries
from backoffice.students.worries import queries as worries
from backoffice.tiles import Number, Tile


def _to_answer(tx: Transaction) -> Number | None:
    told, asked = worries.count_waiting(tx), queries.count_waiting(tx)
    parents = queries.count_parents_waiting(tx) if can(tx.principal, GUARDIANS_APPROVE) else 0
    parts = {"from children": told, "from parents": asked, "to confirm": parents}
    note = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    return Number(told + asked + parents, note, "warn") if note else None


TILES: tuple[Tile, ...] = (Tile("to-answer", "To answer", REQUESTS_ANSWER, _to_answer, "/console/inbox/"),)
