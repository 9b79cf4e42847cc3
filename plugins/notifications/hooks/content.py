"""What a call says: what a notice says, and of which of the district's schools. No person's data."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Notice


class CallType(StrEnum):
    """What a call is about."""

    NOTICE = "notice.schools"
    TEST = "test"


def of_test(at: datetime) -> bytes:
    """A call that tries an address out."""
    return _written(CallType.TEST, at, {})


def of_notice(at: datetime, notice: Notice, incident: Incident, schools: Sequence[Any]) -> bytes:
    """A notice to the schools of a district, with how many people each has that are concerned."""
    return _written(
        CallType.NOTICE,
        at,
        {
            "notice": notice.public_id,
            "incident": incident.public_id,
            "wording": notice.said,
            "schools": [
                {
                    "id": each.public_id,
                    "name": each.name,
                    "students": each.students,
                    "staff": each.staff,
                    "parents": each.parents,
                }
                for each in schools
            ],
        },
    )


def _written(kind: CallType, at: datetime, data: Mapping[str, Any]) -> bytes:
    moment = at.astimezone(UTC).isoformat(timespec="seconds")
    said = {"type": kind.value, "timestamp": moment, "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
