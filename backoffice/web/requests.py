"""What no request may carry, whatever page it asks for."""

from itertools import chain

from flask import Flask, abort, request

# Bytes of a body, where a page expects much less than a form may have.
LONGEST = {"web.csp_reports": 8 * 1024}


def init_app(app: Flask) -> None:
    """Refuse what is too long or what PostgreSQL could not store anyway, before a page looks at it."""

    @app.before_request
    def _no_more_than_expected() -> None:
        # Before anything is read of it: a body in chunks does not say how long it is.
        longest = LONGEST.get(request.endpoint or "")
        if longest is not None:
            request.max_content_length = longest

    @app.before_request
    def _no_zero_bytes() -> None:
        texts = chain.from_iterable([name, *texts] for name, texts in _given())
        if any("\0" in text for text in texts):
            abort(400)


def _given() -> list[tuple[str, list[str]]]:
    return [*request.args.lists(), *request.form.lists()]
