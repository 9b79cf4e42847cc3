"""Of a drill the evidence says how it was played, what came in, and what it scored."""

import io
import zipfile
from datetime import timedelta

from sqlalchemy import select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.printing.document import Paper
from plugins.notifications.drills.scripts import SCRIPTS
from plugins.notifications.drills.services import answer_event
from plugins.notifications.evidence.content import content_of
from plugins.notifications.evidence.services import make_bundle
from plugins.notifications.models import Incident
from plugins.notifications.services import close_incident
from tests.factories.paper import text_of
from tests.plugins.notifications.drills.conftest import events_of, go_on, play
from tests.plugins.notifications.notices.conftest import Founders


def test_what_came_in_is_told_with_its_answer_and_what_it_scored(founders: Founders) -> None:
    made = play(founders[0])
    go_on(made, timedelta(minutes=9))
    first = events_of(made)[0]
    answer_event(principal=founders[0], event=first.public_id, answer="We ask anna@narwhal.example")
    close_incident(principal=founders[0], incident=made, reason="Played", although_open=True)
    packed = make_bundle(
        principal=founders[0], incident=made, whom="The authority of Somewhere", sheet=Paper.A4
    ).packed
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        printed = text_of(files.read("incident.pdf"))
    assert "Time ran 60 times faster. It scored" in printed
    assert str(SCRIPTS[0].events[1].said)[:40] in " ".join(printed.split())
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == made)).one()
        played = content_of(tx, row, now=clock.now())["played"]
    assert (played["script"], played["faster"]) == ("guessed-password", 60)
    assert played["score"] == round(100 * sum(played["parts"].values()) / 100)
    assert [(each["said"], each["answer"]) for each in played["came_in"]] == [
        (str(SCRIPTS[0].events[0].said), "We ask [address left out]"),
        (str(SCRIPTS[0].events[1].said), None),
    ]
