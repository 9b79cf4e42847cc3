"""One call over a real line: how it is encrypted, how long it lasts, and how little of an answer is read."""

import datetime as dt
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from plugins.notifications.hooks import calling
from tests.plugins.notifications.hooks.sink import Sink, running


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of localhost by name alone, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[Sink]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(context) as there:
        yield there


def test_an_encrypted_call_arrives(
    encrypted: Sink, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert calling.call(encrypted.url, b'{"a":1}', {"webhook-id": "msg_1"}, private=True) == 204
    ((headers, body),) = encrypted.got
    assert (headers["host"], headers["content-type"], headers["webhook-id"], body) == (
        f"localhost:{encrypted.port}",
        "application/json",
        "msg_1",
        b'{"a":1}',
    )


def test_a_certificate_has_to_be_trusted(encrypted: Sink) -> None:
    with pytest.raises(calling.NoAnswer, match="SSLCertVerificationError"):
        calling.call(encrypted.url, b"{}", {}, private=True)
    assert encrypted.got == []


def test_and_to_be_of_the_name_that_is_called(
    encrypted: Sink, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    by_number = encrypted.url.replace("localhost", str(ip_address("127.0.0.1")))
    with pytest.raises(calling.NoAnswer, match="SSLCertVerificationError"):
        calling.call(by_number, b"{}", {}, private=True)
    assert encrypted.got == []


@pytest.mark.parametrize("drip", [False, True])
def test_a_slow_one_is_left_alone(sink: Sink, monkeypatch: pytest.MonkeyPatch, *, drip: bool) -> None:
    monkeypatch.setattr(calling, "ANSWERS_WITHIN", 0.6)
    sink.pause, sink.drip = 3, drip
    began = time.perf_counter()
    with pytest.raises(calling.NoAnswer, match="TimeoutError"):
        calling.call(sink.url, b"{}", {}, private=True)
    assert time.perf_counter() - began < 1.5


def test_a_huge_answer_is_not_read(sink: Sink) -> None:
    sink.status, sink.pieces = 200, [b"x" * 1024 * 1024] * 64
    began = time.perf_counter()
    assert calling.call(sink.url, b"{}", {}, private=True) == 200
    assert time.perf_counter() - began < 2


def test_nor_are_huge_headers(sink: Sink) -> None:
    sink.headers = {f"X-{n}": "y" * 1000 for n in range(50)}
    with pytest.raises(calling.NoAnswer):
        calling.call(sink.url, b"{}", {}, private=True)


def test_a_redirect_is_not_followed(sink: Sink) -> None:
    with running() as other:
        sink.status, sink.headers = 307, {"Location": other.url}
        assert calling.call(sink.url, b"{}", {}, private=True) == 307
        assert other.got == []


def test_nobody_there_is_no_answer(sink: Sink) -> None:
    url = sink.url.replace(str(sink.port), "9")
    with pytest.raises(calling.NoAnswer) as raised:
        calling.call(url, b"{}", {}, private=True)
    assert "127" not in str(raised.value)
    assert raised.value.__suppress_context__
