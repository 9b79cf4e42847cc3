"""Which addresses are called: of the internet alone, however they are written."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from plugins.notifications.hooks import calling
from plugins.notifications.hooks.addresses import LONGEST, Unsafe, may_be_called, target_of

INSIDE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104 - nobody listens there
    "224.0.0.1",
    "239.1.1.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]",
    "[fec0::1]",
    "[::127.0.0.1]",
    "[::10.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[::ffff:0:7f00:1]",
    "[5f00::1]",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
)


@pytest.mark.parametrize("host", INSIDE)
def test_no_address_of_a_network_inside_is_set(host: str) -> None:
    with pytest.raises(Unsafe):
        target_of(f"https://{host}/hook", private=False)


@pytest.mark.parametrize("host", INSIDE)
def test_none_is_called_either(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_connected", _never)
    with pytest.raises(calling.NoAnswer):
        calling.call(f"https://{host}/hook", b"{}", {}, private=False)


def _never(*_arguments: Any) -> None:
    raise AssertionError("connected")


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "//hooks.example/",
        "hooks.example",
        "https://",
        "https://user@hooks.example/",
        "https://user:word@hooks.example/",
        "https://@hooks.example/",
        "https://hooks.example:8443/",
        "https://hooks.example:80/",
        "https://hooks.example:0/",
        "https://hooks.example:x/",
        "https://hooks.example/#part",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: other",
        "https://hooks.example\\@other.example/",
        "https://hööks.example/",
        "https://hooks..example/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://hooks.example/" + "a" * LONGEST,
        "",
    ],
)
def test_what_is_no_plain_https_address_is_not(address: str) -> None:
    with pytest.raises(Unsafe):
        target_of(address, private=False)


@pytest.mark.parametrize(
    ("address", "host", "port", "path", "named"),
    [
        ("https://Hooks.Example", "hooks.example", 443, "/", "hooks.example"),
        ("https://hooks.example:443/a?b=c", "hooks.example", 443, "/a?b=c", "hooks.example"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1]/", "2606:4700::1", 443, "/", "[2606:4700::1]"),
    ],
)
def test_an_address_of_the_internet_is(address: str, host: str, port: int, path: str, named: str) -> None:
    target = target_of(address, private=False)
    assert (target.host, target.port, target.path, target.named) == (host, port, path, named)


@pytest.mark.parametrize(
    "address",
    ["https://10.1.2.3:8443/", "https://hooks.lan:444/", "http://127.0.0.1:8000/", "http://localhost:8000/"],
)
def test_an_installation_inside_may_call_its_own_network(address: str) -> None:
    target_of(address, private=True)


@pytest.mark.parametrize("address", ["http://10.1.2.3/", "https://169.254.169.254/", "https://[fe80::1]/"])
def test_but_not_what_is_never_a_district(address: str) -> None:
    with pytest.raises(Unsafe):
        target_of(address, private=True)


@pytest.mark.parametrize("found", ["127.0.0.1", "10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_a_name_that_leads_inside_is_not_called(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another of its addresses leads outside."""

    def both(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(0, 0, 0, "", (each, port)) for each in ("93.184.215.14", found)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    monkeypatch.setattr(calling, "_connected", _never)
    with pytest.raises(calling.NoAnswer):
        calling.call("https://hooks.example/", b"{}", {}, private=False)


def test_a_name_is_looked_up_once_and_called_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it stands for a moment later does not count."""
    asked, called = [], []

    def one(host: str, port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", ("93.184.215.14", port))]

    def connected(to: tuple[str, int], _within: float) -> Any:
        called.append(to)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", one)
    monkeypatch.setattr(socket, "create_connection", connected)
    with pytest.raises(calling.NoAnswer):
        calling.call("https://hooks.example/", b"{}", {}, private=False)
    assert (asked, called) == (["hooks.example"], [("93.184.215.14", 443)])


def test_without_encryption_only_this_machine() -> None:
    assert may_be_called(ip_address("127.0.0.1"), private=True, is_secure=False)
    assert not may_be_called(ip_address("10.0.0.1"), private=True, is_secure=False)
    assert not may_be_called(ip_address("8.8.8.8"), private=True, is_secure=False)
