"""Whether nothing about a student can stay in a browser, and whether everything travels encrypted."""

import re
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from backoffice.access import probe
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count, some
from backoffice.settings import is_loopback
from backoffice.storage import catalog
from backoffice.storage.catalog import EndFacts
from backoffice.web import headers

PAGES = ("/join", "/student")
SCRIPTS = frozenset({".js", ".mjs", ".html", ".svg"})
STORAGE = re.compile(
    r"\b(localStorage|sessionStorage|indexedDB|openDatabase|cookieStore|serviceWorker)\b"
    r"|\bdocument\s*\.\s*cookie\b|\bnavigator\s*\.\s*storage\b|\bcaches\s*[.\[]"
)
_OWN_SCRIPT = re.compile(r"'(none|self|nonce-[A-Za-z0-9+/=_-]+|sha(256|384|512)-[A-Za-z0-9+/=]+)'")


def no_local_storage(look: Looking) -> Finding:
    """No script we serve touches the browser's storage, no foreign one can run, no page is cached."""
    scanned, using = 0, []
    for name, source in served_sources(look.app):
        scanned += 1
        if STORAGE.search(source):
            using.append(name)
    if using:
        return falls_short(f"Scripts that use the browser's storage: {some(using)}.")
    client = look.app.test_client(use_cookies=False)
    for path in PAGES:
        wrong = _what_is_wrong(client.get(path, base_url=look.settings.base_url))
        if wrong:
            return falls_short(f"{path} {wrong}.")
    return holds(
        f"{count(scanned, 'script and page', 'scripts and pages')} scanned, none uses the browser's storage;"
        f" {' and '.join(PAGES)} are never cached and run no foreign script."
    )


def tls(look: Looking) -> Finding:
    """Pages travel over https only, and so does what goes between the application and its database."""
    settings = look.settings
    if settings.secure:
        wrong = _not_only_https(look.app.test_client(use_cookies=False), settings.base_url)
        if wrong:
            return falls_short(f"{wrong}.")
        pages = f"Pages over https only for {headers.HSTS_SECONDS // 86_400} days, cookies Secure"
    else:
        # The settings take plain http on a loopback address only.
        pages = "Pages stay on this machine"
    ways = []
    with probe.as_nobody() as web:
        for connection in (look.tx.connection(), web):
            way = _how_it_travels(connection)
            if way is None:
                return falls_short("A connection to the database is open to whoever listens.")
            ways.append(way)
    return holds(f"{pages}; the database is reached by {' and '.join(sorted(set(ways)))}.")


def _not_only_https(client: FlaskClient, base_url: str) -> str | None:
    for path in PAGES:
        response = client.get(path, base_url=base_url)
        if "max-age=" not in response.headers.get("Strict-Transport-Security", ""):
            return f"{path} does not tell browsers to stay with https"
        if not all("; secure" in cookie.lower() for cookie in response.headers.getlist("Set-Cookie")):
            return f"{path} sets a cookie that travels over plain http"
    return None


def _how_it_travels(connection: Connection) -> str | None:
    """How our end of a connection is guarded, and the server's, if there is a pooler between; None if not."""
    near, far = catalog.server_of(connection), catalog.client_of(connection)
    return _guard(far) if _guard(near) else None


def _guard(end: EndFacts) -> str | None:
    if end.tls:
        return end.tls
    if not end.address or end.address.startswith("/"):
        return "a socket of this machine"
    return "this machine's loopback" if is_loopback(end.address) else None


def served_sources(app: Flask) -> Iterator[tuple[str, str]]:
    """Every script, page and picture that this application can send, with its name."""
    folders = {app.static_folder, *(each.static_folder for each in app.blueprints.values())}
    for folder in sorted(each for each in folders if each):
        for file in sorted(Path(folder).rglob("*")):
            if file.suffix in SCRIPTS and file.is_file():
                yield file.name, file.read_text("utf-8", errors="replace")
    environment = app.jinja_env
    assert environment.loader is not None
    for name in environment.list_templates():
        yield name, environment.loader.get_source(environment, name)[0]


def foreign_scripts(policy: str) -> list[str]:
    """What a content security policy lets run beyond scripts of this origin; without one, everything."""
    directives: dict[str, list[str]] = {}
    for directive in policy.split(";"):
        words = directive.split()
        if words:  # of two directives of one name, browsers heed the first
            directives.setdefault(words[0].lower(), words[1:])
    fallback = directives.get("default-src", ["*"])
    scripts = directives.get("script-src", fallback)
    kinds = (
        scripts,
        directives.get("script-src-elem", scripts),
        directives.get("script-src-attr", scripts),
        directives.get("worker-src", scripts),
        directives.get("object-src", fallback),
    )
    allowed = {source for sources in kinds for source in sources}
    return sorted(source for source in allowed if not _OWN_SCRIPT.fullmatch(source))


def _what_is_wrong(response: TestResponse) -> str | None:
    if response.status_code >= 400:  # noqa: PLR2004 - where errors begin
        return f"answers {response.status_code}"
    foreign = foreign_scripts(response.headers.get("Content-Security-Policy", ""))
    if foreign:
        return f"lets foreign scripts run: {some(foreign)}"
    if "no-store" not in response.cache_control:
        return "may be kept in a cache"
    if not all("httponly" in cookie.lower() for cookie in response.headers.getlist("Set-Cookie")):
        return "sets a cookie that scripts can read"
    return None


CHECKS = (Check("no-local-storage", no_local_storage), Check("tls", tls))
