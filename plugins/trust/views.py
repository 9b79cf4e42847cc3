"""The public pages of the promises and of the policy, and the promises as data."""

from typing import Any

from flask import Blueprint, render_template

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.controls import registry
from backoffice.host.queries import SwitchedOff, promises_off
from backoffice.web.identity import runtime
from plugins.trust import queries, services
from plugins.trust.queries import Standing

bp = Blueprint("trust", __name__, template_folder="templates")


@bp.get("/trust")
def page() -> str:
    """Every promise and how it stands."""
    found = _standings()
    return render_template(
        "trust/trust.html",
        controls=found,
        counts=queries.counts(found),
        last_checked=queries.last_checked(found),
        switched_off=_switched_off(),
    )


@bp.get("/security")
def security() -> str:
    """The published policy, each sentence with the promises that keep it."""
    policy = registry.current()
    standing = {each.id: each for each in _standings()}
    return render_template(
        "trust/security.html",
        title=policy.policy.title,
        blocks=[
            {
                "part": block.part,
                "heading": block.heading,
                "label": block.label,
                "style": block.style,
                "sentences": [
                    {"text": text, "kept_by": [standing[each.id] for each in policy.keepers(sentence)]}
                    for sentence, text in block.sentences.items()
                ],
            }
            for block in policy.policy.blocks
        ],
    )


@bp.get("/trust.json", endpoint="json")
def as_data() -> dict[str, Any]:
    """The page's content. Times are UTC (ISO 8601), intervals seconds."""
    found = _standings()
    last = queries.last_checked(found)
    return {
        "last_checked": last and last.isoformat(),
        "counts": queries.counts(found),
        "switched_off": [
            {"part": off.plugin.title, "since": off.since and off.since.isoformat()}
            for off in _switched_off()
        ],
        "controls": [
            {
                "id": each.id,
                "promise": each.promise,
                "state": each.state,
                "evidence": each.evidence,
                "checked_at": each.checked_at and each.checked_at.isoformat(),
                "every": int(each.control.every.total_seconds()),
                "limit": each.control.limit,
                "sentences": each.control.sentences,
            }
            for each in found
        ],
    }


def _switched_off() -> list[SwitchedOff]:
    """The parts on which promises stand and that the founders have switched off."""
    with transaction(Nobody()) as tx:
        return promises_off(tx, runtime().plugins)


def _standings() -> list[Standing]:
    # Everybody reads the same page, so nobody's session counts here.
    with transaction(Nobody()) as tx:
        return queries.standings(
            tx,
            controls=registry.current().controls,
            built={check.control for check in services.checks_of(runtime().plugins)},
            now=clock.now(),
        )
