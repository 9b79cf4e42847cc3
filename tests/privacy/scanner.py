"""Finding out whether a pile of bytes holds a secret, however it is written down."""

import base64
from collections.abc import Iterable, Iterator
from uuid import UUID

URL_SAFE = bytes.maketrans(b"+/", b"-_")
UUID_BYTES = 16
SHORTEST = 6  # letters; fewer would be found by chance among millions of hexadecimal digits


def held(pile: bytes, secrets: Iterable[str]) -> dict[str, list[str]]:
    """The secrets that the pile holds, each with the forms in which it was found."""
    piles = {"as it is": pile, "in any case": pile.lower()}
    found: dict[str, list[str]] = {}
    for secret in secrets:
        assert len(secret) >= SHORTEST, f"{secret!r} is too short to tell anything"
        for form, where, needle in _needles(secret):
            if needle in piles[where]:
                found.setdefault(secret, []).append(form)
    return found


def held_bytes(pile: bytes, values: Iterable[bytes]) -> dict[bytes, list[str]]:
    """The values, such as digests and what is sealed, that the pile holds, with the forms."""
    lower = pile.lower()
    found: dict[bytes, list[str]] = {}
    for value in values:
        assert len(value) >= SHORTEST, f"{value!r} is too short to tell anything"
        forms = [("as it is", value in pile), ("hex", value.hex().encode() in lower)]
        if len(value) == UUID_BYTES:
            forms.append(("with hyphens", str(UUID(bytes=value)).encode() in lower))
        for offset in range(3):
            core = _base64_core(value, offset)
            there = any(digits in pile for digits in {core, core.translate(URL_SAFE)})
            forms.append((f"base64, {offset} bytes in", there))
        if any(there for _form, there in forms):
            found[value] = [form for form, there in forms if there]
    return found


def _needles(secret: str) -> Iterator[tuple[str, str, bytes]]:
    for text in dict.fromkeys((secret, secret.casefold())):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            raw = text.encode(encoding)
            yield encoding, "in any case", raw.lower()
            yield f"hex of {encoding}", "in any case", raw.hex().encode()
            for offset in range(3):
                core = _base64_core(raw, offset)
                for digits in {core, core.translate(URL_SAFE)}:
                    yield f"base64 of {encoding}, {offset} bytes in", "as it is", digits


def _base64_core(raw: bytes, offset: int) -> bytes:
    """The digits that `raw` alone decides when `offset` bytes stand before it and others behind."""
    whole = base64.b64encode(bytes(offset) + raw).rstrip(b"=")
    first = (offset * 8 + 5) // 6
    return whole[first : (offset + len(raw)) * 8 // 6]
