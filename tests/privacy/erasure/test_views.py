"""The public page of a receipt opens for whoever has its number and its hash, and for nobody else."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask
from sqlalchemy import update

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.models import Erasure
from tests.factories.world import SYSTEM

WHO = Purpose("test-receipts")


def test_number_and_hash_show_the_receipt(app: Flask, done: Erasure, sha: str) -> None:
    page = app.test_client().get(f"/receipts/{done.public_id}?hash={sha}")
    assert page.status_code == 200
    for said in (done.public_id, sha, "This receipt is ours", "a teacher of the class", "app.enrollment"):
        assert said in page.text


def test_as_they_are_typed_from_paper(app: Flask, done: Erasure, sha: str) -> None:
    spaced = "+".join(sha[at : at + 8].upper() for at in range(0, 64, 8))
    number = f"{done.public_id[:4]}+{done.public_id[4:]}"
    page = app.test_client().get(f"/receipts/?number={number}&hash={spaced}", follow_redirects=True)
    assert "This receipt is ours" in page.text


def test_a_hash_that_was_cut_is_said_to_be_wrong(app: Flask, done: Erasure, sha: str) -> None:
    asked = {"number": done.public_id, "hash": f"{sha[:40]}\r\nX: y"}
    page = app.test_client().get("/receipts/", query_string=asked, follow_redirects=True)
    assert page.status_code == 404
    assert "We have no receipt" in page.text


@pytest.mark.parametrize("given", ["", "0" * 64, "zz", "' or true --"])
def test_without_its_hash_it_is_not_shown(app: Flask, done: Erasure, given: str) -> None:
    page = app.test_client().get(f"/receipts/{done.public_id}", query_string={"hash": given})
    assert page.status_code == (404 if given else 200)
    assert "app.enrollment" not in page.text
    assert ("We have no receipt" in page.text) is bool(given)
    answer = app.test_client().get(f"/receipts/{done.public_id}/receipt.json", query_string={"hash": given})
    assert answer.status_code == 404


def test_the_document_is_checked_without_us(app: Flask, done: Erasure, sha: str) -> None:
    client = app.test_client()
    found = client.get(f"/receipts/{done.public_id}/receipt.json?hash={sha}")
    assert hashlib.sha256(found.data).hexdigest() == sha
    assert json.loads(found.data)["number"] == done.public_id
    key = receipts.public_key().public_bytes_raw()
    assert key.hex() in client.get(f"/receipts/{done.public_id}?hash={sha}").text
    assert done.signature is not None
    Ed25519PublicKey.from_public_bytes(key).verify(done.signature, found.data)


def test_one_that_was_written_into_the_table_is_none(app: Flask, done: Erasure) -> None:
    assert done.receipt is not None
    forged = done.receipt.replace('"left":0', '"left":9')
    of_it = Erasure.id == done.id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Erasure).where(of_it).values(receipt=forged))
    try:
        digest = hashlib.sha256(forged.encode()).hexdigest()
        assert app.test_client().get(f"/receipts/{done.public_id}?hash={digest}").status_code == 404
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Erasure).where(of_it).values(receipt=done.receipt))
