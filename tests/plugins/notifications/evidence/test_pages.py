"""The page on which founders make the file: what it says first, what comes back, what the record shows."""

import io
import zipfile

from flask import Flask

from plugins.notifications.evidence.bundle import KEY, fingerprint
from tests.contract.pages import form_token
from tests.factories.world import World
from tests.plugins.notifications.notices.conftest import Founders, opened
from tests.plugins.notifications.notices.test_pages import HERE, signed_in


def test_a_founder_takes_it_along(app: Flask, world: World, founders: Founders) -> None:
    incident = opened(world, founders[0])
    browser = signed_in(app, world, "founder")
    assert f'href="{HERE}{incident}/evidence"' in browser.get(HERE + incident).text
    address = f"{HERE}{incident}/evidence"
    page = browser.get(address).text
    assert fingerprint() in page
    given = {"csrf_token": form_token(page), "sheet": "letter"}
    bad = browser.post(address, data={**given, "whom": " "})
    assert bad.status_code == 422
    assert "Say for whom it is" in bad.text
    made = browser.post(address, data={**given, "whom": "The authority of Somewhere"})
    assert (made.status_code, made.mimetype) == (200, "application/zip")
    assert made.headers["Content-Disposition"] == f'attachment; filename="incident-{incident}.zip"'
    with zipfile.ZipFile(io.BytesIO(made.data)) as inside:
        assert b"PUBLIC KEY" in inside.read(KEY)
    after = browser.get(HERE + incident).text
    assert "Evidence was taken along for The authority of Somewhere" in after
    assert "The file was made." in after
