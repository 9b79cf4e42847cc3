"""One mail to many people, written at once: the same as one by one."""

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from uuid import UUID

import pytest
from sqlalchemy import select, text

from backoffice.access.transaction import transaction
from backoffice.host.mails import PLUGIN_SWITCHED, PluginSwitched
from backoffice.outbox import pace
from backoffice.outbox.mail import NoParameters, Recipient
from backoffice.outbox.message import deliverable, domain_of, message
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.outbox.services import AT_ONCE, Letter
from backoffice.runtime import Runtime
from backoffice.storage import about
from tests.factories.posting import post, post_many
from tests.factories.world import SYSTEM, World
from tests.outbox.test_services import waiting_jobs

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def parameters(title: str) -> PluginSwitched:
    return PluginSwitched("trust", title, False, "Robin", AT, "Because")


def read(number: int) -> tuple[OutgoingMail, MailContent]:
    with transaction(SYSTEM) as tx:
        return tx.get_one(OutgoingMail, number), tx.get_one(MailContent, number)


def without_border(message: bytes, public_id: str) -> bytes:
    return message.replace(public_id.encode(), b"border")


def test_each_has_its_own_words_marks_school_and_language(world: World) -> None:
    mark = about.outside("abcdefghjkmnpqrs")
    letters = [
        Letter(Recipient(None, "sasha@people.example", "Sasha"), parameters("Trust")),
        Letter(
            Recipient(None, "ana@people.example", "Ana", "es"), parameters("Lists"), world.home.id, [mark]
        ),
    ]
    with transaction(SYSTEM) as tx:
        one, two = post_many(tx, PLUGIN_SWITCHED, iter(letters))
    (first, said), (second, said_to_ana) = read(one.id), read(two.id)
    assert (first.public_id, second.public_id) == (one.public_id, two.public_id)
    assert (first.school_id, second.school_id) == (None, world.home.id)
    assert (said.recipient, said_to_ana.recipient) == ("sasha@people.example", "ana@people.example")
    assert said.about == [about.address("sasha@people.example")]
    assert said_to_ana.about == [about.address("ana@people.example"), mark]
    assert b"Hello Sasha," in said.message
    assert b"Hola, Ana:" in said_to_ana.message or b"Hola Ana" in said_to_ana.message
    assert b"Lists" in said_to_ana.message
    assert b"Sasha" not in said_to_ana.message


def test_they_are_what_single_mails_are(world: World) -> None:
    to = Recipient(world.people["founder"].id, "founder@people.example", "Robin Founder")
    with transaction(SYSTEM) as tx:
        single = post(tx, PLUGIN_SWITCHED, to=to, parameters=parameters("Trust"))
        number = tx.scalars(select(OutgoingMail.id).where(OutgoingMail.public_id == single)).one()
        (of_many,) = post_many(tx, PLUGIN_SWITCHED, [Letter(to, parameters("Trust"))])
    (alone, said), (together, said_too) = read(number), read(of_many.id)
    same = ("name", "account_id", "school_id", "state", "attempts")
    assert [getattr(alone, each) for each in same] == [getattr(together, each) for each in same]
    assert (said.about, said.domain) == (said_too.about, said_too.domain)
    dated = said.message.index(b"Subject:"), said_too.message.index(b"Subject:")
    assert without_border(said.message[dated[0] :], single) == without_border(
        said_too.message[dated[1] :], of_many.public_id
    )


def test_more_than_go_into_one_statement_keep_their_order(world: World) -> None:
    before, taken = waiting_jobs(), []

    def letters() -> Iterator[Letter]:
        for number in range(AT_ONCE + 5):
            taken.append(number)
            yield Letter(Recipient(None, f"person{number}@people.example", "x"), parameters("Trust"))

    with transaction(SYSTEM) as tx:
        posted = post_many(tx, PLUGIN_SWITCHED, letters())
        named = select(MailContent.recipient).where(MailContent.mail_id.in_([each.id for each in posted]))
        found = list(tx.scalars(named.order_by(MailContent.mail_id)))
    assert found == [f"person{number}@people.example" for number in taken]
    assert [each.id for each in posted] == sorted(each.id for each in posted)
    assert waiting_jobs() == before + 1


def test_nobody_is_no_mail_and_wakes_nobody(world: World) -> None:
    before = waiting_jobs()
    with transaction(SYSTEM) as tx:
        assert post_many(tx, PLUGIN_SWITCHED, []) == []
    assert waiting_jobs() == before


def test_one_with_wrong_parameters_undoes_all(world: World) -> None:
    to = Recipient(None, "sasha@people.example", "Sasha")
    with pytest.raises(TypeError, match="PluginSwitched"), transaction(SYSTEM) as tx:
        post_many(tx, PLUGIN_SWITCHED, [Letter(to, parameters("Trust")), Letter(to, NoParameters())])


HOSTILE = [
    "x\r\nBcc: all@people.example",
    "=?utf-8?q?x=0D=0ABcc=3A_all=40people=2Eexample?=",
    "\u200b=?utf-8?q?x=0D=0ABcc=3A_all=40people=2Eexample?=",
    "x\x85Bcc: a",
    "x\u2028y",
]


@pytest.mark.parametrize("said", HOSTILE)
def test_no_name_and_no_title_ends_a_header(world: World, said: str) -> None:
    with transaction(SYSTEM) as tx:
        (posted,) = post_many(
            tx, PLUGIN_SWITCHED, [Letter(Recipient(None, "sasha@people.example", said), parameters(said))]
        )
    head = read(posted.id)[1].message.partition(b"\r\n\r\n")[0]
    parsed = email.message_from_bytes(head, policy=email.policy.default)
    assert parsed.keys() == [
        "Date",
        "Subject",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "MIME-Version",
        "Content-Type",
    ]
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))


def test_what_looks_encoded_in_a_subject_is_read_as_it_was_written() -> None:
    subject = "=?utf-8?q?x=0D=0ABcc=3A_all=40people=2Eexample?= was switched off"
    written = message(subject=subject, text="x", html="x", border="b", at=AT)
    read_ = BytesHeaderParser(policy=email.policy.compat32).parsebytes(written)["Subject"]
    assert str(make_header(decode_header(read_))) == subject


def test_a_line_break_in_a_subject_is_refused() -> None:
    for subject in ("x\r\nBcc: a", "=?utf-8?q?x?=\nBcc: a", "=?utf-8?q?x?=\rBcc: a"):
        with pytest.raises(ValueError, match=r"."):
            message(subject=subject, text="x", html="x", border="b", at=AT)


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@例え.example", "ana@xn--r8jz45g.example"),
        ("ana@people.example", "ana@people.example"),
    ],
)
def test_an_international_domain_travels_in_ascii(address: str, taken: str) -> None:
    assert deliverable(address) == taken


@pytest.mark.parametrize(
    "address",
    [
        "añá@people.example",
        "ana@straße.example",  # strasse.example to the rules of 2003, and somebody else's
        "ana@fußball.example",
        "ana@βόλος.example",
        "ana@people\u200d.example",
        "ana@people.example\r\nRCPT TO:<all@people.example>",
        "ana@people.exa\u2028mple",
        f"ana@{'ü' * 70}.example",
        "ana",
        "ana@",
        "@people.example",
        "ana sasha@people.example",
    ],
)
def test_what_would_go_elsewhere_or_nowhere_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        deliverable(address)


def test_one_domain_is_one_however_it_is_written() -> None:
    same = {"ana@bücher.example", "x@BÜCHER.Example", "y@xn--bcher-kva.example ", "z@XN--BCHER-KVA.example"}
    assert {domain_of(each) for each in same} == {"xn--bcher-kva.example"}
    assert len({pace.key_of(each) for each in same}) == 1
    assert isinstance(pace.key_of("no address"), UUID)


def test_the_domain_is_not_readable_in_the_database(runtime: Runtime, world: World) -> None:
    with transaction(SYSTEM) as tx:
        (posted,) = post_many(
            tx, PLUGIN_SWITCHED, [Letter(Recipient(None, "a@rare-name.example", "A"), parameters("x"))]
        )
        row = tx.scalar(text("select c::text from app.mail_content c where mail_id = :id"), {"id": posted.id})
    assert "rare-name" not in row
    assert b"rare-name".hex() not in row
