"""What no request may carry, whatever page it asks for."""

from itertools import chain

from flask import Flask, abort, request


def init_app(app: Flask) -> None:
    """Refuse requests that PostgreSQL could not store anyway, before a page looks at them."""

    @app.before_request
    def _no_zero_bytes() -> None:
        texts = chain.from_iterable([name, *texts] for name, texts in _given())
        if any("\0" in text for text in texts):
            abort(400)


def _given() -> list[tuple[str, list[str]]]:
    return [*request.args.lists(), *request.form.lists()]
