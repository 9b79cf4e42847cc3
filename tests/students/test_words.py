"""A child of seven can read every page it meets: short sentences of common words."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.schools.models import Action, Classroom, PointEntry, Student
from backoffice.schools.services.goals import set_goals
from backoffice.web import errors
from tests.factories.world import SYSTEM, Child, World, add_child, give_pin

WORDS = frozenset(Path(__file__).with_name("words.txt").read_text("utf-8").split())
MOST_WORDS = 600
LONGEST_SENTENCE = 8
DAYS_AGO = (0, 1, 3, 6, 40)

# Everything else begins a new sentence.
INLINE = frozenset({"a", "b", "span", "strong", "em", "i", "small"})
READ_ALOUD = ("alt", "aria-label", "title", "placeholder")
# What stands in <code> is a reference, for a grown-up to read out.
SILENT = frozenset({"style", "script", "code"})


class Reader(HTMLParser):
    """Collects what is read on a page or read aloud from it, a line for each element."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        spoken = [value for name in READ_ALOUD if (value := named.get(name))]
        if tag == "input" and named.get("type") in {"submit", "button"}:
            spoken.append(named.get("value") or "")
        self._between(tag)
        self.lines += [*spoken, ""] if spoken else []
        self._silent += tag in SILENT

    def handle_endtag(self, tag: str) -> None:
        self._between(tag)
        self._silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.lines[-1] += data

    def _between(self, tag: str) -> None:
        if tag in INLINE:
            self.lines[-1] += " "
        else:
            self.lines.append("")


def read(page: str) -> list[str]:
    """The page's sentences, as lists of words in lower case; numbers and signs are no words."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    sentences = (part for line in reader.lines for part in re.split(r"[.!?:;]+(?:\s|$)", line))
    return [" ".join(sentence.split()) for sentence in sentences if sentence.strip()]


def words_of(sentence: str) -> list[str]:
    return [word.casefold() for word in re.findall(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*", sentence)]


def problems(page: str, *, data: tuple[str, ...]) -> Iterator[str]:
    """What a child of seven may stumble over, with `data` (names and the like) left out."""
    for sentence in read(page):
        rest = sentence
        for marker in data:
            rest = rest.replace(marker, " ")
        words = words_of(rest)
        if len(words) > LONGEST_SENTENCE:
            yield f"{len(words)} words: {sentence}"
        yield from (f"{word}: {sentence}" for word in words if word not in WORDS)


@pytest.fixture(scope="module")
def newcomer(world: World) -> Child:
    """A child who has no award yet, and a goal to reach."""
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Xerxes", "Blankenship")
    aim(world, child, 9)
    return child


def aim(world: World, child: Child, goal: int) -> None:
    """Give a child a goal."""
    goals = {child.public_id: goal}
    set_goals(principal=world.sign_in("teacher"), classroom=world.own_class.public_id, goals=goals)


@pytest.fixture(scope="module")
def praised(world: World) -> Child:
    """A child with points on every kind of day, one of them taken away, and a goal that is reached."""
    child, classroom = world.own_class.children[0], world.own_class
    aim(world, child, 2)
    with transaction(SYSTEM) as tx:
        action = tx.scalar(select(Action.id).where(Action.classroom_id == classroom.id))
        for days in DAYS_AGO:
            tx.execute(
                insert(PointEntry).values(
                    id=tx.take_id(PointEntry),
                    school_id=classroom.school_id,
                    classroom_id=classroom.id,
                    student_id=child.id,
                    action_id=action,
                    value=-1 if days else 1,
                    awarded_at=clock.now() - timedelta(days=days),
                )
            )
    return child


@pytest.fixture(scope="module")
def data(world: World, newcomer: Child) -> tuple[str, ...]:
    """What stands on the pages and is not ours: names, the class, the Action."""
    children = [*world.own_class.children, newcomer]
    names = [f"{child.given} {(child.family or '')[0]}." for child in children]
    # A sentence ends at the full stop of an initial; what is left of the name goes as well.
    names += [name.rstrip(".") for name in names]
    return (f"Praise of the {world.own_class.name}", world.own_class.name, *names)


@pytest.fixture
def child_pages(app: Flask, world: World, newcomer: Child, praised: Child) -> dict[str, str]:
    """Every page that a child meets, as the application answers it."""
    app.config["WTF_CSRF_ENABLED"] = False
    code = world.own_class.code
    pages = {}
    browser = app.test_client()
    pages["code"] = browser.get("/join").text
    pages["wrong code"] = browser.post("/join", data={"code": "WRONG"}, follow_redirects=True).text
    pages["no code"] = browser.post("/join", data={"code": ""}, follow_redirects=True).text
    pages["names"] = browser.post("/join", data={"code": code}, follow_redirects=True).text
    pages["scanned"] = browser.get(f"/join/{code}", follow_redirects=True).text
    pages["another name"] = browser.post("/join", data={"code": code, "student": "nobody"}).text
    pages["nobody"] = browser.get("/student", follow_redirects=True).text
    for name, child in (("points", praised), ("no points", newcomer)):
        pages[name] = enter(browser, code, child)
        pages[f"goodbye after {name}"] = browser.post("/student/leave", follow_redirects=True).text
    for name, required, pin in (("asked", True, None), ("own number", False, "4937")):
        with transaction(SYSTEM) as tx:
            tx.execute(update(Classroom).values(pins_required=required))
            tx.execute(update(Student).where(Student.id == newcomer.id).values(pin_hash=None))
        if pin is None:
            browser.post("/join", data={"code": code, "student": newcomer.public_id})
            pages[name] = browser.get("/student", follow_redirects=True).text
            pages["weak"] = browser.post("/student/pin", data={"new": "1234"}).text
            pages["no number"] = browser.post("/student/pin", data={"new": "x"}).text
            pages["not the same"] = browser.post("/student/pin", data={"new": "4937"}).text
        else:
            give_pin(newcomer, pin)
            fields = {"code": code, "student": newcomer.public_id}
            pages["number"] = browser.post("/join", data=fields, follow_redirects=True).text
            pages["wrong number"] = browser.post("/join", data={**fields, "pin": "1"}).text
            browser.post("/join", data={**fields, "pin": pin})
            pages[name] = browser.get("/student/pin").text
            with transaction(SYSTEM) as tx:
                tx.execute(update(Classroom).values(pins_required=True))
            pages["to be kept"] = browser.post("/student/pin/remove", data={"old": pin}).text
            with transaction(SYSTEM) as tx:
                tx.execute(update(Classroom).values(pins_required=False))
                tx.execute(update(Student).where(Student.id == newcomer.id).values(pin_hash=None))
    pages["card"] = browser.get(f"/join/card/{world.card}", follow_redirects=True).text
    pages["no card"] = browser.get(f"/join/card/{'x' * 27}", follow_redirects=True).text
    pages["no page"] = browser.get("/join/a/b").text
    pages["too large"] = browser.post("/join", data={"code": "x" * 600_000}).text
    with app.test_request_context("/student"):
        pages["too many tries"] = errors.answer(429).get_data(as_text=True)
    app.config["WTF_CSRF_ENABLED"] = True
    pages["old page"] = browser.post("/join", data={"code": "WRONG"}).text
    return pages


def enter(browser: FlaskClient, code: str, child: Child) -> str:
    """Sign a child in and read its page."""
    answer = browser.post("/join", data={"code": code, "student": child.public_id})
    assert answer.status_code == 303
    return browser.get("/student").text


def test_the_list_is_short_and_in_order() -> None:
    lines = Path(__file__).with_name("words.txt").read_text("utf-8").splitlines()
    assert len(lines) <= MOST_WORDS
    assert lines == sorted(set(lines))
    assert all(len(line) <= 9 for line in lines)


def test_a_child_can_read_every_page(child_pages: dict[str, str], data: tuple[str, ...]) -> None:
    expected = {
        "code": "Type your class code",
        "wrong code": "This code is not open now",
        "names": "Who are you",
        "scanned": "Who are you",
        "points": "How you got them",
        "no points": "Your first point will show here",
        "goodbye after points": "Goodbye",
        "asked": "Your teacher asked for it",
        "weak": "That is too easy to guess",
        "no number": "Type four numbers from 0 to 9",
        "not the same": "The two are not the same",
        "number": "Type your secret number",
        "wrong number": "That did not work",
        "own number": "Take it away",
        "to be kept": "Your teacher asked for one",
        "card": "Is this you",
        "no card": "This card is not open now",
        "no page": "There is no page here",
        "too large": "That did not work",
        "too many tries": "Wait a little",
        "old page": "This page was old",
    }
    for name, sentence in expected.items():
        assert sentence in read(child_pages[name]), name
    assert "You got to 2" in read(child_pages["points"])
    assert "7 more to get to 9" in read(child_pages["no points"])
    assert f"\u22121 {data[0]} yesterday" in read(child_pages["points"])
    found = {name: list(problems(page, data=data)) for name, page in child_pages.items()}
    assert found == {name: [] for name in child_pages}


def test_hard_words_and_long_sentences_are_found(data: tuple[str, ...]) -> None:
    page = (
        '<title>My dashboard</title><img alt="An illustration"><p class="visually-hidden">'
        f"Your session expired.</p><p>I see {data[0]} and 1,234 points.</p>"
        "<p>You can <b>go</b> in and out and in and out.</p>"
    )
    assert list(problems(page, data=data)) == [
        "dashboard: My dashboard",
        "illustration: An illustration",
        "session: Your session expired",
        "expired: Your session expired",
        "10 words: You can go in and out and in and out",
    ]
