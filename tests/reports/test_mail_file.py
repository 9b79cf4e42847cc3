"""A suspicious mail is looked at and never opened."""

import pytest

from backoffice.reports.mail_file import MOST_LINKS, look_into

PLAIN = b"""From: "Your Bank" <pay@bank-login.example>
Reply-To: other@elsewhere.example
To: teacher@school.example
Subject: =?utf-8?q?Dring=C3=A9nd?=
Date: Fri, 27 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/html; charset=utf-8

<p>Sign in at <a href="https://bank-login.example/in?x=1">our page</a>
or http://BANK-LOGIN.example/b <script>x</script></p>
--b
Content-Type: application/zip
Content-Disposition: attachment; filename="bill.zip"
Content-Transfer-Encoding: base64

UEsDBA==
--b--
"""


def test_it_says_who_it_says_it_is_from_and_where_its_links_lead() -> None:
    looked = look_into(PLAIN)
    assert looked is not None
    assert dict(looked.headers)["From"] == "Your Bank <pay@bank-login.example>"
    assert dict(looked.headers)["Subject"] == "Dringénd"
    assert looked.hosts == ("bank-login.example",)
    assert looked.attachments == ("bill.zip",)
    # As text: whoever shows it escapes it.
    assert "<script>" in looked.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04" + bytes(range(256)),
        b"\xff\xfe\x00",
        b"just words",
        b"\r\n\r\nFrom: late",
        b"<html><body>From: x</body></html>",
    ],
)
def test_what_is_no_mail_is_none(content: bytes) -> None:
    assert look_into(content) is None


@pytest.mark.parametrize(
    "content",
    [
        b"From: x\r\nContent-Type: text/plain; charset=moon\r\n\r\n\xff\xfe",
        b"From: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nnever ends",
        b"From: x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"From: " + b"x" * 100_000 + b"\r\n\r\nhi",
        b"From: x\r\nDate: never\r\nTo: <<<>>>\r\n\r\nhttp://[::bad/ http://a.example",
        b"From: x\r\n\r\n" + b"http://h%d.example " * 3,
        b"From: x\r\nContent-Type: message/rfc822\r\n\r\n" * 200 + b"deep",
    ],
)
def test_a_hostile_one_is_shown_short_or_not_at_all(content: bytes) -> None:
    looked = look_into(content)
    if looked is not None:
        assert all(len(value) <= 300 for _, value in looked.headers)
        assert len(looked.text) <= 4_000
        assert len(looked.hosts) <= MOST_LINKS


def test_a_thousand_links_are_fifty() -> None:
    links = " ".join(f"https://h{number}.example/x" for number in range(1_000))
    looked = look_into(f"From: x\r\n\r\n{links}".encode())
    assert looked is not None
    assert len(looked.hosts) == MOST_LINKS
