"""Letters on the page of a notice: made, printed, noted as posted; and how one will look."""

import re

from flask import Flask

from plugins.notifications.notices.models import Audience
from tests.contract.pages import form_token
from tests.factories.paper import text_of
from tests.factories.world import World
from tests.plugins.notifications.letters.conftest import came_back, send
from tests.plugins.notifications.letters.test_services import shape
from tests.plugins.notifications.notices.conftest import HEADING, SPANISH, Founders, let_out, write
from tests.plugins.notifications.notices.test_late import LATE, due
from tests.plugins.notifications.notices.test_pages import HERE, signed_in


def test_letters_are_made_printed_and_posted(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    one = signed_in(app, world, "founder")
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    address = f"{HERE}notices/{notice}"
    assert 'id="letters"' not in one.get(address).text
    came_back(notice)
    page = one.get(address).text
    assert "1 letter is to be made" in page
    token = {"csrf_token": form_token(page)}
    made = one.post(f"{address}/letters", data={**token, "do": "make"}, follow_redirects=True).text
    assert "1 letter is ready to be printed." in made
    batch = re.search(r'name="batch" value="([^"]+)"', made)
    assert batch is not None
    of_it = {**token, "batch": batch[1]}
    asked = one.post(f"{address}/letters", data={**of_it, "do": "print"}, follow_redirects=True).text
    assert "The letters are being prepared." in asked
    assert "They are being prepared" in asked
    assert "data-reload" in asked
    assert 'value="print"' not in asked
    shape(batch[1])
    ready = one.get(address).text
    assert "Fetch the letters" in ready
    assert "They are being prepared" not in ready
    printed = one.post(f"{address}/letters", data={**of_it, "do": "fetch"})
    assert (printed.status_code, printed.mimetype) == (200, "application/pdf")
    assert printed.headers["Cache-Control"].startswith("no-store")
    assert world.people["parent"].name in text_of(printed.data)
    # The page itself names nobody.
    assert world.people["parent"].name not in made
    page = f"{address}/posted?batch={batch[1]}"
    assert one.get(f"{address}/posted").status_code == 303
    assert one.get(f"{address}/posted?batch=n7m2p9q4r8t3v6wx").status_code == 404
    asked = one.get(page).text
    assert "When were the letters posted?" in asked
    at = re.search(r'name="at"[^>]*value="([^"]+)"', asked)
    assert at is not None
    posted = one.post(page, data={**token, "at": at[1]}, follow_redirects=True).text
    assert "Posted as a letter" in posted
    assert "/posted?batch=" not in posted
    # Nothing of it, and nothing that it is not.
    one.post(f"{address}/letters", data={**of_it, "do": "eat"})
    one.post(f"{address}/letters", data={"do": "make"})
    one.post(f"{address}/letters", data={**of_it, "do": "apart"})
    assert "1 letter, made" in one.get(address).text


def test_a_notice_is_shown_as_a_letter_to_nobody(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    one = signed_in(app, world, "founder")
    notice = write(founders[0], incident, Audience.LETTERS)
    page = one.get(f"{HERE}notices/{notice}").text
    assert "As a letter" in page
    assert "As text" not in page
    for spoken, heading in (("en", HEADING), ("es", SPANISH["heading"])):
        letter = one.get(f"{HERE}notices/{notice}/letter?language={spoken}")
        assert letter.mimetype == "application/pdf"
        assert heading in text_of(letter.data)
    assert one.get(f"{HERE}notices/{notice}/mail").status_code == 404
    banner = write(founders[0], incident, Audience.BANNER)
    assert one.get(f"{HERE}notices/{banner}/letter").status_code == 303


def test_the_page_asks_why_letters_are_late(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    one = signed_in(app, world, "founder")
    due(incident, 10)
    notice = let_out(founders, incident, Audience.LETTERS)
    send()
    address = f"{HERE}notices/{notice}"
    token = {"csrf_token": form_token(one.get(address).text)}
    made = one.post(f"{address}/letters", data={**token, "do": "make"}, follow_redirects=True).text
    batch = re.search(r'name="batch" value="([^"]+)"', made)
    assert batch is not None
    due(incident, -10)
    page = f"{address}/posted?batch={batch[1]}"
    at = re.search(r'name="at"[^>]*value="([^"]+)"', one.get(page).text)
    assert at is not None
    asked = one.post(page, data={**token, "at": at[1]}).text
    assert "Say why they were posted so late" in asked
    posted = one.post(page, data={**token, "at": at[1], "late_reason": LATE}, follow_redirects=True).text
    assert LATE in posted
