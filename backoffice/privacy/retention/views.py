"""The policy of retention for everybody: what is kept for how long and why, and that it is kept to."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, render_template

from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.privacy.holds.queries import number_in_force
from backoffice.privacy.retention import decisions, in_force, policy, words
from backoffice.privacy.retention.in_force import Change
from backoffice.privacy.retention.standing import LATELY, Standing, standings

bp = Blueprint("retention", __name__)


@bp.get("/privacy/retention")
def page() -> str:
    """Every kind of data: what for, how long, from when on, what happens then, and what went lately.

    And what was changed of it or will be, with the dates.
    """
    decided = in_force.versions()
    return render_template(
        "privacy/retention.html",
        standings=_standings(),
        words=words,
        days=LATELY.days,
        since=decided[0].confirmed_at if decided else None,
        changes=words.told_changes(in_force.changes(decided)),
        coming=decisions.coming(decided),
        unconfirmed=in_force.forced(decided, in_force.undecided(decided)),
        holds=_holds(),
    )


@bp.get("/privacy/retention.json", endpoint="json")
def as_data() -> dict[str, Any]:
    """The page's content, in English. Times are UTC (ISO 8601), periods ISO 8601 durations."""
    decided = in_force.versions()
    return {
        "days": LATELY.days,
        "holds_in_force": _holds(),
        "kinds": [_told(each) for each in _standings()],
        "since": _iso(decided[0].confirmed_at) if decided else None,
        "changes": [_told_change(each) for each in in_force.changes(decided)],
    }


def _standings() -> list[Standing]:
    # Everybody reads the same page, so nobody's session counts here.
    with transaction(Nobody()) as tx:
        return standings(tx)


def _holds() -> int:
    with transaction(Nobody()) as tx:
        return number_in_force(tx)


def _told(standing: Standing) -> dict[str, Any]:
    entry = standing.kind.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "purpose": entry.purpose,
        "need": entry.need,
        "period": entry.period.iso,
        "clock": entry.clock,
        "columns": entry.columns,
        "action": entry.action,
        "warnings": [each.iso for each in entry.warnings],
        "gone_lately": standing.gone,
        "held": standing.held,
        "gone_lately_estimated": standing.estimated,
        "last_at": _iso(standing.last_at),
        # The moment would be that of one person: when one child told something, or one teacher was here.
        "oldest": standing.oldest.astimezone(UTC).date().isoformat() if standing.oldest else None,
        "oldest_as_of": _iso(standing.looked_at),
    }


def _told_change(change: Change) -> dict[str, Any]:
    return {
        "decided_at": _iso(change.version.confirmed_at),
        "sha256": change.version.digest,
        "kinds": [
            {
                "name": each.name,
                # None until schools are being told, and where it was replaced before.
                "in_force_from": _iso(change.begins(each.name)),
                "replaced_at": _iso(change.replaced.get(each.name)),
                "before": policy.written(each.old) if each.old else None,
                "after": policy.written(each.new) if each.new else None,
            }
            for each in change.differences
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
