"""Style sheets, scripts and pictures: kept by browsers for a year under an address that changes with them.

The version stands in the path, before the name, so that what a module imports by a relative address has it
too. Only files are compressed, never pages: the length of a compressed page that holds a token and words of
a visitor's tells the token bit by bit (BREACH, Gluck, Harris and Prado 2013).
"""

import gzip
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request

VERSION_BYTES = 8
# What is smaller travels in one packet either way.
LEAST_BYTES = 1024
COMPRESSED = frozenset({"text/css", "text/javascript", "image/svg+xml", "application/json"})
KEPT_SECONDS = 365 * 24 * 3600
# Under an address without a version.
UNSURE_SECONDS = 3600


def init_app(app: Flask) -> None:
    """Put the version into the addresses of all files, and answer under them, compressed where asked."""

    @app.url_defaults
    def _with_version(endpoint: str, values: dict[str, Any]) -> None:
        if is_files(endpoint) and "filename" in values:
            values["filename"] = f"{version(_folder(app, endpoint))}/{values['filename']}"

    @app.url_value_preprocessor
    def _without_version(endpoint: str | None, values: dict[str, Any] | None) -> None:
        if not endpoint or not values or not is_files(endpoint):
            return
        first, slash, rest = values["filename"].partition("/")
        if slash and first[:2] == "v-":
            values["filename"] = rest
            # While a release goes out, a process of the one before is asked for files that it has not got.
            ours = first == version(_folder(app, endpoint))
            g.kept_seconds = KEPT_SECONDS if ours else 0

    @app.after_request
    def _compressed(response: Response) -> Response:
        if is_files(request.endpoint) and response.mimetype in COMPRESSED:
            _compress(response)
        return response


def is_files(endpoint: str | None) -> bool:
    """Whether an endpoint hands out files of the application or of a part of it."""
    return (endpoint or "").rpartition(".")[2] == "static"


def kept_seconds() -> int:
    """How long browsers may keep the file that this request asks for; 0 for one of another release."""
    seconds: int = g.get("kept_seconds", UNSURE_SECONDS)
    return seconds


@cache
def version(folder: str) -> str:
    """What changes when any file below the folder does, e.g. `v-1f0c2ab94d7e6a35`."""
    digest = blake2b(digest_size=VERSION_BYTES)
    for file in sorted(each for each in Path(folder).rglob("*") if each.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return f"v-{digest.hexdigest()}"


def _folder(app: Flask, endpoint: str) -> str:
    scaffold = app.blueprints.get(endpoint.rpartition(".")[0], app)
    assert scaffold.static_folder is not None
    return scaffold.static_folder


def _compress(response: Response) -> None:
    response.vary.add("Accept-Encoding")
    etag, weak = response.get_etag()
    if etag and not weak:
        # The same file in another coding is not the same byte for byte.
        response.set_etag(etag, weak=True)
    length = response.content_length or 0
    whole = response.status_code == HTTPStatus.OK and length >= LEAST_BYTES
    if not whole or not request.accept_encodings["gzip"]:
        return
    response.direct_passthrough = False
    response.set_data(_gzipped(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    del response.headers["Accept-Ranges"]


@cache
def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
