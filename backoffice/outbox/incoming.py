"""Mail that strangers send, read within bounds.

Whoever sends it may want to do harm: so little of it is read, and what takes long to understand is not.
"""

from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from itertools import islice

# Bytes that are looked at, of a mail and of one header; parts of a mail.
READ, LONGEST_HEADER, MOST_PARTS = 256 << 10, 2_000, 100


def parts(content: bytes) -> Iterator[Message]:
    """The parts of a mail, unless there are so many that it is no letter. The first is the whole mail."""
    if content.count(b"\n--") > 2 * MOST_PARTS or content.lower().count(b"message/rfc822") > MOST_PARTS:
        return
    with suppress(RecursionError):
        for part in islice(BytesParser(policy=compat32).parsebytes(content).walk(), MOST_PARTS):
            if all(len(str(value)) <= LONGEST_HEADER for value in part.values()):
                yield part
