"""The public page that checks a receipt by its number and its hash, and gives it out to whoever has both."""

import re
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from backoffice.printing.document import Paper
from backoffice.privacy.erasure import paper, receipts, telling
from backoffice.privacy.erasure.models import AskedAs
from backoffice.privacy.erasure.names import ASKED_AS, KINDS, titled
from backoffice.privacy.holdings import Subject
from backoffice.privacy.outside import Outside, handlers_of
from backoffice.storage.public_id import is_public_id

bp = Blueprint("receipts", __name__, template_folder="../templates")
HASH = re.compile(r"[0-9a-f]{64}")
LONGEST = 100


@bp.get("/receipts/")
def ask() -> AnyResponse | str:
    """Ask for number and hash."""
    number = "".join(request.args.get("number", "").split())
    if is_public_id(number):
        given = request.args.get("hash", "")
        return redirect(f"/receipts/{number}?{urlencode({'hash': _hash(given) or given[:LONGEST]})}", 303)
    return render_template("privacy/receipt.html", told=None, number=number, asked=bool(number))


@bp.get("/receipts/<receipt:public_id>")
def receipt(public_id: str) -> tuple[str, int]:
    """What the receipt says, for whoever has its hash; for everybody else the question for it."""
    given = request.args.get("hash", "")
    found = _found(public_id, given)
    if found is None:
        page = render_template("privacy/receipt.html", told=None, number=public_id, asked=bool(given))
        return page, 404 if given else 200
    told = found.told
    return (
        render_template(
            "privacy/receipt.html",
            told=told,
            what=titled(Subject(told["subject"]), receipts.subjects_of(told)),
            subjects=[(KINDS[kind], count) for kind, count in receipts.gone_by_kind(told).items()],
            times={name: datetime.fromisoformat(at) for name, at in told["times"].items() if at},
            expires=datetime.fromisoformat(told["last_backup_expires"]).date(),
            asked_as=ASKED_AS[AskedAs(told["asked_as"])],
            followed=telling.followed(found, _outside()),
            papers=list(Paper),
            hash=receipts.hash_of(found.receipt),
            key=receipts.public_key().public_bytes_raw().hex(),
        ),
        200,
    )


@bp.get("/receipts/<receipt:public_id>/receipt.json")
def document(public_id: str) -> Response:
    """The receipt as it was signed, byte for byte, for whoever has its hash."""
    found = _found(public_id, request.args.get("hash", ""))
    if found is None:
        abort(404)
    response = Response(found.receipt, mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{public_id}.json"'
    return response


@bp.get("/receipts/<receipt:public_id>.pdf")
def on_paper(public_id: str) -> Response:
    """The receipt on one page of paper in its reader's language, for whoever has its hash."""
    found = _found(public_id, request.args.get("hash", ""))
    if found is None:
        abort(404)
    wanted = request.args.get("paper", Paper.A4)
    sheet = Paper(wanted) if wanted in set(Paper) else Paper.A4
    settings = current_app.extensions["backoffice"].settings
    said = telling.on_paper(found, _outside(), base_url=settings.base_url)
    response = Response(paper.printed(sheet, said), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="receipt-{public_id}.pdf"'
    return response


def _found(public_id: str, given: str) -> telling.Held | None:
    digest = _hash(given)
    return None if digest is None else telling.held(public_id, bytes.fromhex(digest))


def _outside() -> dict[str, Outside]:
    return handlers_of(current_app.extensions["backoffice"].plugins)


def _hash(given: str) -> str | None:
    plain = "".join(given.split()).lower()
    return plain if HASH.fullmatch(plain) else None
