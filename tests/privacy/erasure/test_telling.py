"""What a receipt says, in words."""

import json

from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.erasure.telling import Held, on_paper


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
