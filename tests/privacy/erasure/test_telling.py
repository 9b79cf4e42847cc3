"""What a receipt says, in words."""

import json

from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.erasure.telling import Held, on_paper
from backoffice.privacy.holdings import Subject


def test_on_paper_it_says_how_long_it_waited_for_a_hold(app: object, done: Erasure) -> None:
    del app
    held = {"held": "2026-03-01T04:00:00.000+00:00", "freed": "2026-05-02T04:00:00.000+00:00"}
    document = receipts.read(done.receipt or "")
    waited = {**document, "times": {**document["times"], **held}}
    without, facts = (
        dict(on_paper(Held(json.dumps(told), b"", []), {}, base_url="").facts) for told in (document, waited)
    )
    assert "Waited for a legal hold" not in without
    assert "2026" in facts["Waited for a legal hold"]


def test_of_a_school_it_says_how_many_classes_and_students_were_in_it(done: Erasure) -> None:
    told = receipts.read(done.receipt or "")
    rows = {"app.school": 1, "app.classroom": 7, "app.student": 127, "app.enrollment": 150}
    assert receipts.gone_by_kind({**told, "subjects": {"school": 1}, "rows": rows}) == {
        Subject.SCHOOL: 1,
        Subject.CLASSROOM: 7,
        Subject.STUDENT: 127,
    }
    assert receipts.gone_by_kind({**told, "subjects": {"student": 1}, "rows": {"app.student": 1}}) == {
        Subject.STUDENT: 1
    }
