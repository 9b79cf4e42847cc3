"""The larger body of an upload page is taken only from somebody for whom the page opens."""

import io
from functools import partial
from typing import Any

import pytest
from flask import Flask

from backoffice.access.transaction import transaction
from backoffice.accounts.services import signing_in
from backoffice.host import services as host
from backoffice.runtime import Runtime
from backoffice.web import cookies
from plugins.rosters.services import LARGEST_UPLOAD
from tests.factories.visitor import form_token
from tests.factories.world import World

UPLOAD = "/console/rosters/new"
BOUNDARY = "edge"
HEAD = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="file"; filename="set.zip"\r\n'
    "Content-Type: application/zip\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


class Body(io.BytesIO):
    """A form with one large file; `taken` says how much of it was read."""

    def __init__(self, size: int) -> None:
        super().__init__(HEAD + bytes(size) + TAIL)
        self.taken = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.taken += len(piece)
        return piece

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.taken += count
        return count


def send(app: Flask, token: str | None, *, size: int = 60 << 20) -> tuple[int, int]:
    """The status of the answer, and how many bytes of the body were taken for it."""
    browser, body = app.test_client(), Body(size)
    if token is not None:
        browser.set_cookie(cookies.ACCOUNT, token)
    answer = browser.post(
        UPLOAD,
        input_stream=body,
        content_length=len(body.getbuffer()),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
    )
    return answer.status_code, body.taken


def test_nobody_and_a_made_up_session_send_no_large_body(app: Flask) -> None:
    for token in (None, "", "not-a-session", "x" * 43):
        assert send(app, token) == (413, 0)


@pytest.mark.parametrize("role", ["teacher", "founder", "parent"])
def test_whoever_may_not_open_the_page_sends_none(app: Flask, world: World, role: str) -> None:
    assert send(app, world.token(role)) == (413, 0)


def test_a_session_that_is_over_sends_none(app: Flask, world: World) -> None:
    token = world.token("leader")
    with transaction(signing_in.credential(token, None)) as tx:
        leader = tx.principal
    signing_in.sign_out(principal=leader)
    assert send(app, token) == (413, 0)


def test_a_leader_sends_one_up_to_the_pages_own_bound(app: Flask, world: World) -> None:
    status, taken = send(app, world.token("leader"))
    assert status == 400  # it came without the token of a form
    assert taken > 60 << 20
    assert send(app, world.token("leader"), size=LARGEST_UPLOAD + 1) == (413, 0)


def test_a_page_that_is_switched_off_takes_none(app: Flask, runtime: Runtime, world: World) -> None:
    token, founder = world.token("leader"), world.sign_in("founder")
    switch = partial(host.switch_plugin, principal=founder, installed=runtime.plugins, name="rosters")
    switch(enabled=False, reason="To try it out")
    try:
        assert send(app, token) == (413, 0)
    finally:
        switch(enabled=True)


def part(head: str) -> dict[str, Any]:
    """A form of one part."""
    written = f"--{BOUNDARY}\r\nContent-Disposition: form-data{head}\r\n\r\nx".encode() + TAIL
    return {"data": written, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (part(""), 400),
        (part('; name="email"; filename="x"'), 415),
        ({"json": {"email": 1}}, 415),
        ({"json": ["email"]}, 415),
        ({"data": "{", "content_type": "application/problem+json"}, 415),
    ],
    ids=["a part without a name", "a file for a text", "numbers", "a list", "broken"],
)
@pytest.mark.parametrize("path", ["/sign-in", "/join"])
def test_what_is_no_form_of_texts_is_refused(
    app: Flask, path: str, sent: dict[str, Any], status: int
) -> None:
    browser = app.test_client()
    token = form_token(browser.get(path).text)
    assert browser.post(path, headers={"X-CSRFToken": token}, **sent).status_code == status


@pytest.mark.parametrize(("path", "role"), [("/report", None), (UPLOAD, "leader")])
def test_a_page_that_takes_a_file_takes_none_for_a_text(
    app: Flask, world: World, path: str, role: str | None
) -> None:
    browser = app.test_client()
    if role:
        browser.set_cookie(cookies.ACCOUNT, world.token(role))
    token = form_token(browser.get(path).text)
    for field in ("contact", "place"):
        answer = browser.post(path, headers={"X-CSRFToken": token}, **part(f'; name="{field}"; filename="x"'))
        assert answer.status_code == 415


def test_a_page_that_takes_no_form_is_shown_whatever_is_sent_along(app: Flask) -> None:
    assert app.test_client().get("/join", json=["code"]).status_code == 200
