"""A bundle's content is the whole incident, and nobody's name or address."""

from typing import Any

from backoffice import clock
from backoffice.access.transaction import transaction
from plugins.notifications import services
from plugins.notifications.evidence.bundle import as_json
from plugins.notifications.evidence.content import content_of, without_addresses
from plugins.notifications.models import Incident
from tests.factories.world import World
from tests.plugins.notifications.conftest import Opens, row_of


def _told(world: World, incident: str) -> dict[str, Any]:
    number, now = row_of(incident).id, clock.now()
    with transaction(world.sign_in("founder")) as tx:
        return content_of(tx, tx.get_one(Incident, number), now=now)


def test_facts_decisions_with_reasons_and_tasks_stand_in_it(world: World, opens: Opens) -> None:
    incident, founder = opens(), world.sign_in("founder")
    services.decide(principal=founder, incident=incident, said="We tell nobody yet", reason="The police ask")
    services.add_task(principal=founder, incident=incident, said="Lock the gate", due_at=None)
    told = _told(world, incident)
    assert told["facts"]["what"] == "A gnu read the mails"
    decision = next(each for each in told["timeline"] if each["kind"] == "decision")
    assert (decision["said"], decision["reason"]) == ("We tell nobody yet", "The police ask")
    assert decision["by"] == "founder A"
    assert [each["said"] for each in told["tasks"]] == ["Lock the gate"]
    assert told["drill"] is False


def test_a_drill_says_so(world: World, opens: Opens) -> None:
    assert _told(world, opens(is_drill=True))["drill"] is True


def test_an_address_that_was_written_by_hand_is_left_out(world: World, opens: Opens) -> None:
    incident, founder = opens(what="Ask gnu.parent@example.org, she saw it"), world.sign_in("founder")
    services.decide(
        principal=founder, incident=incident, said="Write to gnu@example.org", reason="<gnu@example.org>"
    )
    assert b"example.org" not in as_json(_told(world, incident))
    assert without_addresses("Ask a@b.org.") == "Ask [address left out]"


def test_same_state_gives_the_same_content_apart_from_the_moment(world: World, opens: Opens) -> None:
    incident = opens()
    first, second = _told(world, incident), _told(world, incident)
    assert {**first, "made_at": None} == {**second, "made_at": None}
