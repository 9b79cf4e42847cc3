"""The demo's awards: each with its Action's picture, and some to a whole class."""

from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from backoffice.access.transaction import Transaction
from backoffice.schools.award_models import PointAward, Whom
from backoffice.storage.public_id import new_public_id

PICTURES = {
    "Helped a friend": "hands",
    "Asked a good question": "question",
    "Read aloud": "book",
    "Handed in homework": "homework",
    "Tidied up": "broom",
    "Shouted out": "speech",
}


def add_awards(tx: Transaction, entries: list[dict[str, Any]], students: list[int]) -> None:
    """Give each of a class's entries an award; at some moments all children got what one of them did."""
    numbers = tx.take_ids(PointAward, len(entries))
    awards, more = [], []
    for at, (number, entry) in enumerate(zip(numbers, entries, strict=True)):
        everybody = at % 60 == 59 and entry["value"] > 0  # noqa: PLR2004 - now and then
        entry["award_id"] = number
        if everybody:
            others = (each for each in students if each != entry["student_id"])
            more += [{**entry, "student_id": each} for each in others]
        awards.append(
            {
                "id": number,
                "public_id": new_public_id(),
                "whom": Whom.CLASS if everybody else Whom.CHOSEN,
                "form": str(uuid4()),
                **{
                    name: entry[name]
                    for name in ("school_id", "classroom_id", "action_id", "awarded_by", "awarded_at")
                },
            }
        )
    tx.execute(insert(PointAward), awards)
    entries += more
    entries.sort(key=lambda entry: entry["awarded_at"])
