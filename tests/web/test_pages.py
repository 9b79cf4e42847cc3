"""The addresses that machines ask."""

import io

import pytest
from flask import Flask


@pytest.mark.parametrize("body", [b"[" * 8000, b"{", b"\xff", b"null", b"[]", b""])
def test_whatever_a_report_holds_it_is_taken(app: Flask, body: bytes) -> None:
    answer = app.test_client().post("/csp-reports", data=body, content_type="application/csp-report")
    assert (answer.status_code, answer.data) == (204, b"")


def test_a_report_that_is_too_long_is_refused(app: Flask) -> None:
    assert app.test_client().post("/csp-reports", data=b"[" * 30_000).status_code == 413


def test_a_report_in_chunks_is_read_no_further(app: Flask) -> None:
    """A body that does not say how long it is stops at the same length."""
    body = io.BytesIO(b"[" * 500_000)
    with app.test_client() as browser:
        answer = browser.post(
            "/csp-reports",
            input_stream=body,
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
    assert (answer.status_code, answer.data) == (204, b"")
    assert body.tell() < 100_000
