"""The demo's mails as pages, which exist in the demo only; how to report a fake; being without a server."""

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.app import build
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox.mail import Recipient
from backoffice.outbox.sending import send_by_settings
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from backoffice.storage.public_id import new_public_id
from tests.factories.posting import post

WHO = Purpose("test")


@pytest.fixture
def settings(runtime: Runtime, tmp_path: Path) -> Settings:
    return Settings(
        keyring_file=runtime.settings.keyring,
        data_dir=tmp_path,
        smtp_url=(tmp_path / "mail").as_uri(),
        mail_from="Help <help@company.example>",
    )


@pytest.fixture
def demo(runtime: Runtime, settings: Settings) -> Flask:
    return build(Runtime(settings, runtime.database, runtime.plugins))


@pytest.fixture
def mail(settings: Settings) -> str:
    """A mail with a hostile name and reason, as the demo writes it."""
    parameters = PluginSwitched("trust", "Trust", False, "<b>Robin</b>", clock.now(), "<script>x()</script>")
    with transaction(WHO) as tx:
        public_id = post(
            tx, PLUGIN_SWITCHED, to=Recipient(None, "sasha@people.example", "<i>Sasha"), parameters=parameters
        )
    done = send_by_settings(settings, WHO, lambda _done: None)
    assert done is not None
    assert done.failed == 0
    return public_id


def test_a_mail_of_the_demo_is_a_file_and_a_page(demo: Flask, mail: str, tmp_path: Path) -> None:
    assert (
        (tmp_path / "mail" / f"{mail}.eml").read_bytes().startswith(b"From: Help <help@company.example>\r\n")
    )
    browser = demo.test_client()
    listed = browser.get("/demo/mail")
    assert listed.status_code == 200
    assert f'href="/demo/mail/{mail}"' in listed.text
    shown = browser.get(f"/demo/mail/{mail}").text
    for said in ("Trust was switched off", "sasha@people.example", "Hello &lt;i&gt;Sasha,", "&lt;script&gt;"):
        assert said in shown


def test_its_html_part_may_do_nothing(demo: Flask, mail: str) -> None:
    answer = demo.test_client().get(f"/demo/mail/{mail}/html")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "sandbox" in policy
    assert "unsafe-inline" not in policy
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_other_pages_keep_their_policy(demo: Flask, mail: str) -> None:
    browser = demo.test_client()
    browser.get(f"/demo/mail/{mail}/html")
    assert "script-src 'self'" in browser.get("/demo/mail").headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/demo/mail/{}", "/demo/mail/{}/html"])
@pytest.mark.parametrize("name", ["abcdefghjkmnpqrs", "..%2f..%2fkeyring", "x"])
def test_what_is_no_mail_is_not_found(demo: Flask, path: str, name: str) -> None:
    assert demo.test_client().get(path.format(name)).status_code == 404


def test_a_file_that_is_none_of_ours_is_not_shown(demo: Flask, mail: str, tmp_path: Path) -> None:
    (tmp_path / "mail" / "notes.eml").write_text("Subject: Notes\n\nNotes")
    assert "Notes" not in demo.test_client().get("/demo/mail").text


@pytest.mark.parametrize("smtp_url", [None, "smtp://mail.example"])
def test_outside_the_demo_there_are_no_such_pages(
    runtime: Runtime, settings: Settings, smtp_url: str | None
) -> None:
    real = Settings(keyring_file=settings.keyring, smtp_url=smtp_url, mail_from=settings.mail_from)
    browser = build(Runtime(real, runtime.database, runtime.plugins)).test_client()
    for path in ("/demo/mail", f"/demo/mail/{new_public_id()}", f"/demo/mail/{new_public_id()}/html"):
        assert browser.get(path).status_code == 404


def test_reports_have_an_address(demo: Flask, runtime: Runtime) -> None:
    page = demo.test_client().get("/report")
    assert page.status_code == 200
    assert 'href="mailto:help@company.example"' in page.text
    untold = build(replace(runtime, settings=runtime.settings.model_copy(update={"alert_mail": None})))
    page = untold.test_client().get("/report")
    assert (page.status_code, "mailto:" in page.text) == (200, False)


def test_being_ready_says_whether_mail_goes_out(demo: Flask, app: Flask) -> None:
    without, with_ = (each.test_client().get("/readyz") for each in (app, demo))
    assert (without.status_code, "BACKOFFICE_SMTP_URL" in without.get_json()["mail"]) == (200, True)
    assert with_.get_json()["mail"] == "goes out"


def test_without_a_server_nothing_is_taken(runtime: Runtime) -> None:
    assert send_by_settings(runtime.settings, WHO, lambda _done: None) is None
