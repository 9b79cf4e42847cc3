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
    (letter,) = map(dict, looked.letters)
    assert letter["From"] == '"Your Bank" <pay@bank-login.example>'
    assert letter["Subject"] == "Dringénd"
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


LARGE = 1 << 20
PART = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2_000)
)
HOSTILE = {
    "no such letters": b"From: x\r\nContent-Type: text/plain; charset=moon\r\n\r\n\xff\xfe",
    "half a pair": b"From: x\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA-",
    "escapes": b"From: x\r\nContent-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800",
    "half a pair in a header": b"From: x\r\nSubject: =?utf-7?q?+2AA-?=\r\n\r\nhi",
    "it never ends": b"From: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nnever ends",
    "no base 64": b"From: x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
    "a long sender": b"From: " + b"x" * LARGE + b"\r\n\r\nhi",
    "brackets": b"From: " + b"(" * LARGE + b"\r\n\r\nhi",
    "many recipients": b"From: x\r\nTo: " + b"a@b.c," * 200_000 + b"\r\n\r\nhi",
    "many words": b"From: x\r\nSubject: " + b"=?utf-8?q?a?= " * 70_000 + b"\r\n\r\nhi",
    "many headers": b"From: x\r\n" + b"a: b\r\n" * 200_000 + b"\r\nhi",
    "many parameters": b"From: x\r\nContent-Type: text/plain; " + b"a=b;" * 200_000 + b"\r\n\r\nhi",
    "a day out of all time": b"From: x\r\nDate: Fri, 27 Nov 2026 10:00:00 +99999999999999\r\n\r\nhi",
    "no address": b"From: x\r\nTo: <<<>>>\r\n\r\nhttp://[::bad/ http://a.example",
    "mails in mails": b"From: x\r\nContent-Type: message/rfc822\r\n\r\n" * 2_000 + b"deep",
    "parts in parts": b"From: x\r\n" + NESTED,
    "many parts": b"From: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + PART * 20_000,
    "letters turned round": b"From: \xe2\x80\xaex@fake.example\r\n\r\nhi",
}


@pytest.mark.parametrize("which", HOSTILE)
def test_a_hostile_one_shows_its_sender_and_never_breaks_the_page(which: str) -> None:
    looked = look_into(HOSTILE[which])
    assert looked is not None
    assert looked.letters[0][0][0] == "From"
    shown = [looked.text, *looked.hosts, *looked.attachments]
    shown += [value for letter in looked.letters for _, value in letter]
    assert all(len(value) <= 300 for letter in looked.letters for _, value in letter)
    assert len(looked.text) <= 4_000
    # It can be sent as a page, and turns no letters round.
    assert "\u202e" not in "".join(shown)
    "".join(shown).encode()


def test_a_mail_that_was_forwarded_as_a_file_shows_who_that_one_says_it_is_from() -> None:
    inner = b"From: boss@fake.example\r\nSubject: Urgent\r\n\r\nhttps://fake.example/pay\r\n"
    head = (
        b"From: me@school.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    )
    looked = look_into(head + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--b--\r\n")
    assert looked is not None
    assert [dict(letter)["From"] for letter in looked.letters] == ["me@school.example", "boss@fake.example"]
    assert looked.hosts == ("fake.example",)


def test_of_a_thousand_links_fifty_are_named_and_the_others_counted() -> None:
    links = " ".join(f"https://h{number}.example/x" for number in range(1_000))
    looked = look_into(f"From: x\r\n\r\n{links}".encode())
    assert looked is not None
    assert (len(looked.hosts), looked.further, looked.is_cut) == (MOST_LINKS, 950, True)
