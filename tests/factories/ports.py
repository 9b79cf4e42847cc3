"""Ports for the servers that tests start."""

import random
import socket

# Below what the system gives away (from 32,768 with Linux, from 49,152 elsewhere) to whoever connects or asks
# for any port: one of those may be somebody else's before its server starts, and again while it is stopped.
OWN = range(20_000, 32_768)


def free_port() -> int:
    """A port of the loopback that nobody listens on, and that no connection is given."""
    while True:
        number = random.choice(OWN)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
