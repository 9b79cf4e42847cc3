"""What no request may carry, whatever page it asks for."""

import io
from collections.abc import Callable, Mapping
from itertools import chain
from typing import IO

from flask import Blueprint, Flask, Request, abort, current_app, request

from backoffice.web.identity import SAFE_METHODS

# Bytes of a body, where a page expects much less than a form may have.
LONGEST = {"web.csp_reports": 8 * 1024}
# The pages that take JSON. All others take forms, whose fields expect texts: JSON has other types, too.
TAKE_JSON = frozenset({"web.csp_reports"})
# The one field of a form that takes a file, on the pages that take one. All others expect texts.
FILE = "file"


class InMemoryRequest(Request):
    """A request whose uploads stay in memory, within the bound of the page that takes them.

    A roster holds what must not touch the disk, and werkzeug's own would spool it there.
    """

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, content_type, filename, content_length
        return io.BytesIO()


def allow_upload(app: Flask, endpoint: str, *, size: int, opens: Callable[[], bool]) -> None:
    """Let a page take bodies of so many bytes, but only from somebody for whom it `opens`.

    That is asked before anything of the body is read. Its form names the field of the file `FILE`.
    """
    app.extensions.setdefault("uploads", {})[endpoint] = (size, opens)


def allow_json(app: Flask, blueprint: Blueprint, *, size: int) -> None:
    """Let the pages of a blueprint take JSON, and bodies of so many bytes."""
    app.extensions.setdefault("takes json", {})[blueprint.name] = size


def init_app(app: Flask) -> None:
    """Refuse what is too long or what PostgreSQL could not store anyway, before a page looks at it."""
    app.request_class = InMemoryRequest

    @app.before_request
    def _no_more_than_expected() -> None:
        # Before anything is read of it: a body in chunks does not say how long it is.
        endpoint = request.endpoint or ""
        longest = LONGEST.get(endpoint) or _json_allowed()
        size, opens = app.extensions.get("uploads", {}).get(endpoint, (None, None))
        if opens is not None and request.method not in SAFE_METHODS and opens():
            # A page that takes files may have what it read of one come back in a field.
            longest = request.max_form_memory_size = size
        if longest is not None:
            request.max_content_length = longest

    app.before_request(_texts_only)
    app.before_request(_nothing_unreadable)


def _json_allowed() -> int | None:
    """How many bytes of JSON the page that is asked for takes, if it takes any."""
    allowed: Mapping[str, int] = current_app.extensions.get("takes json", {})
    return allowed.get(request.blueprint or "")


def _texts_only() -> None:
    if request.method in SAFE_METHODS:
        return
    is_json = request.is_json and request.endpoint not in TAKE_JSON and _json_allowed() is None
    takes_a_file = request.endpoint in current_app.extensions.get("uploads", {})
    if is_json or not set(request.files) <= ({FILE} if takes_a_file else set()):
        abort(415)


def _nothing_unreadable() -> None:
    # A part of a form may come without a name, and then has None for one.
    names: list[str | None] = [*request.args, *request.form, *request.files]
    texts = chain.from_iterable(chain(request.args.listvalues(), request.form.listvalues()))
    if any(name is None or "\0" in name for name in names) or any("\0" in text for text in texts):
        abort(400)
