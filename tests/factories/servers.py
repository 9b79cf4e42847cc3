"""Other people's servers that stand between us and our data in production: a PostgreSQL with a certificate
of its own, and pgbouncer. Debian's programs, run in a temporary folder as nobody in particular."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backoffice import clock
from tests.factories.ports import free_port

PGBOUNCER = Path("/usr/sbin/pgbouncer")
PATIENCE = 30.0


def programs() -> Path:
    """The folder of Debian's newest PostgreSQL. Skips the test without one, but fails where CI is set."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else _absent("postgresql")


def _absent(package: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"CI runs these tests, but Debian's package {package} is not installed.")
    pytest.skip(f"no {package}")


# -- certificates


@dataclass(frozen=True)
class Authority:
    """Somebody who issues certificates; `file` is what others trust it by."""

    file: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def issue(self, host: str, folder: Path) -> tuple[Path, Path]:
        """The files of a certificate for this host and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = _certificate(name, key, self.name).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        paths = folder / f"{host}.crt", folder / f"{host}.key"
        signed = certificate.sign(self.key, hashes.SHA256())
        paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        for path in paths:
            owned(path)
        return paths


def make_authority(folder: Path, name: str) -> Authority:
    """A fresh authority, whose own certificate lies in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _certificate(subject, key, subject).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    file = folder / f"{name}.pem"
    signed = certificate.sign(key, hashes.SHA256())
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return Authority(file, key, subject)


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


# -- processes


def somebody() -> dict[str, Any]:
    """Whom servers run as: they refuse root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def owned(path: Path) -> None:
    """Let the servers' user read this, and nobody else."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    if whom := somebody():
        os.chown(path, whom["user"], whom["group"])


@contextmanager
def running(command: Sequence[str | Path], port: int, log: Path) -> Iterator[int]:
    """A server in the foreground, once it listens; its process number. Stopped at the end."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            [*map(str, command)], stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/", **somebody()
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} does not listen: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(2)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


# -- PostgreSQL


@dataclass(frozen=True)
class Debians:
    """A running PostgreSQL on a port of the loopback."""

    port: int
    password: str

    def url(self, *, host: str, **query: str) -> str:
        """The address at which it is `host`, wherever that name may lead elsewhere."""
        told = "&".join(f"{name}={value}" for name, value in {"hostaddr": "127.0.0.1", **query}.items())
        return f"postgresql://postgres:{self.password}@{host}:{self.port}/postgres?{told}"


@contextmanager
def postgresql(folder: Path, options: Mapping[str, str]) -> Iterator[Debians]:
    """Debian's PostgreSQL with these settings. For connections only: ours is a newer one."""
    server = programs()
    data, password = folder / "debians", folder / "debians-password"
    password.write_text("a secret of the server")
    owned(password)
    data.mkdir(exist_ok=True)
    owned(data)
    if not (data / "PG_VERSION").exists():
        subprocess.run(
            [
                *(str(server / "initdb"), "-D", str(data), "--username=postgres", f"--pwfile={password}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **somebody(),
        )
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        **options,
    }
    given = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
    with running([server / "postgres", "-D", data, *given], port, folder / "debians.log"):
        yield Debians(port, "a%20secret%20of%20the%20server")


# -- pgbouncer


@contextmanager
def pgbouncer(
    folder: Path, *, behind: str, connections: int, certificate: tuple[Path, Path] | None = None
) -> Iterator[int]:
    """pgbouncer in transaction mode before the embedded server at `behind`; its port.

    Each login has `connections` connections to the server at most. Passwords pass through: pgbouncer holds
    the verifiers only.
    """
    if not PGBOUNCER.exists():
        _absent("pgbouncer")
    with psycopg.connect(behind) as connection:
        users = connection.execute("select rolname, rolpassword from pg_authid where rolpassword is not null")
        verifiers = "".join(f'"{name}" "{verifier}"\n' for name, verifier in users.fetchall())
        host, server_port = connection.info.host, connection.info.port
    port = free_port()
    place = folder / f"pgbouncer-{port}"
    place.mkdir()
    (place / "users.txt").write_text(verifiers)
    tls = (
        f"client_tls_sslmode = require\nclient_tls_cert_file = {certificate[0]}\n"
        f"client_tls_key_file = {certificate[1]}\n"
        if certificate
        else ""
    )
    (place / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={host} port={server_port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {place / 'users.txt'}\n"
        f"pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 200\n"
        f"query_wait_timeout = 15\n{tls}"
    )
    for path in (place, *place.iterdir()):
        owned(path)
    with running([PGBOUNCER, place / "pgbouncer.ini"], port, folder / "pgbouncer.log"):
        yield port
    shutil.rmtree(place)
