"""The receipt on paper says what the document says, on one page; a telephone finds where to check it."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask

from backoffice.printing.document import Paper
from backoffice.privacy.erasure import paper, receipts
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.erasure.paper import Said
from tests.factories.paper import picture, scanned, text_of


def _words(document: bytes) -> str:
    return re.sub(r"\s+", "", text_of(document))


@pytest.mark.parametrize("sheet", list(Paper))
def test_it_says_all_that_was_signed_on_one_page(
    app: Flask, done: Erasure, sha: str, sheet: Paper, tmp_path: Path
) -> None:
    answer = app.test_client().get(f"/receipts/{done.public_id}.pdf?hash={sha}&paper={sheet}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    picture(answer.data).save(tmp_path / f"receipt-{sheet}.png")
    said = _words(answer.data)
    assert done.receipt is not None
    assert done.signature is not None
    told = json.loads(done.receipt)
    for expected in (
        told["number"],
        told["method"],
        *(f"{table}{count}" for table, count in told["rows"].items()),
        *(str(told[name]) for name in ("marks", "left", "format")),
        sha,
        done.signature.hex(),
        receipts.public_key().public_bytes_raw().hex(),
    ):
        assert re.sub(r"\s+", "", expected) in said, expected
    assert scanned(answer.data) == [f"http://localhost:8000/receipts/{done.public_id}?hash={sha}"]
    assert answer.data.count(b"/Type /Page\n") == 1


def test_in_its_readers_language(app: Flask, done: Erasure, sha: str) -> None:
    address = f"/receipts/{done.public_id}.pdf?hash={sha}"
    spanish = app.test_client().get(address, headers={"Accept-Language": "es"})
    assert "Comprobante" in text_of(spanish.data)


@pytest.mark.parametrize("given", ["", "0" * 64, "zz", "' or true --"])
def test_without_its_hash_there_is_none(app: Flask, done: Erasure, given: str) -> None:
    answer = app.test_client().get(f"/receipts/{done.public_id}.pdf", query_string={"hash": given})
    assert answer.status_code == 404


@pytest.mark.parametrize("sheet", list(Paper))
def test_of_a_whole_school_it_is_one_page_still(sheet: Paper) -> None:
    said = Said(
        number="k7m2p9q4r8t3v6wx",
        address="https://example.org/receipts/k7m2p9q4r8t3v6wx?hash=" + "5f" * 32,
        what="A school",
        facts=[(f"Fact {number}", "Monday, 1 March 2027, 04:00:00 UTC") for number in range(14)],
        method="Method: rows deleted in PostgreSQL in one transaction, then every table asked again",
        rows=[(f"plugin_rosters.a_table_with_a_name_{number}", 1_234_567 + number) for number in range(90)],
        followed=[(f"Outside: vendor {number}", "done on Monday · re_1234") for number in range(3)],
        hash="5f" * 32,
        signature="ab" * 64,
        key="cd" * 32,
    )
    document = paper.printed(sheet, said)
    assert document.count(b"/Type /Page\n") == 1
    words = _words(document)
    assert "1,234,656" in words
    assert "keptelsewhere" in words
    # Nothing runs over the end of the sheet: what is below it is no word of the page.
    whole = picture(document)
    margin = whole.crop((0, whole.height - 30, whole.width, whole.height))
    assert margin.getextrema() == ((255, 255),) * 3
