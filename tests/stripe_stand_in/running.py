"""Run the stand-in as a process of its own, for a test or the demo."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stripe

from tests.stripe_stand_in.errors import Obj

ROOT = Path(__file__).parents[2]
KEY = "sk_test_stand_in"
SECRET = "whsec_stand_in"


@dataclass(frozen=True)
class Control:
    """What a test may ask of the stand-in itself."""

    address: str

    def ask(self, method: str, path: str, given: Mapping[str, Any] | None = None) -> Obj:
        request = urllib.request.Request(
            f"{self.address}/_stand_in/{path}",
            method=method,
            data=json.dumps(dict(given or {})).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            found: Obj = json.load(answer)
            return found

    def requests(self) -> list[Obj]:
        """What the API was asked, the oldest first: `method`, `path`, `fields`, `idempotency_key`, …"""
        found: list[Obj] = self.ask("GET", "requests")["requests"]
        return found

    def forget(self) -> None:
        """Begin the logs of requests and deliveries anew."""
        self.ask("POST", "forget")

    def fail(
        self,
        path: str,
        *,
        times: int = 1,
        status: int | None = None,
        hang: float = 0,
        after: bool = False,
        method: str | None = None,
    ) -> None:
        """Answer the next requests below a path with a status, or let them hang (seconds) and drop them.

        With `after` they are carried out, and only the answer is lost.
        """
        given = {
            "path": path,
            "times": times,
            "status": status,
            "hang": hang,
            "after": after,
            "method": method,
        }
        self.ask("POST", "fail", given)

    def mend(self) -> None:
        self.ask("POST", "mend")

    def pause(self) -> None:
        """Deliver nothing until `resume`."""
        self.ask("POST", "deliveries/pause")

    def resume(self) -> None:
        self.ask("POST", "deliveries/resume")

    def drop(self) -> int:
        """Lose what waits to be delivered; says how much that was."""
        return int(self.ask("POST", "deliveries/drop")["lost"])

    def deliver(
        self,
        event: str,
        *,
        old: bool = False,
        bad_signature: bool = False,
        unsigned: bool = False,
        shift: int = 0,
        late: float = 0,
        once: bool = True,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """Deliver an event again; `late` and `shift` (of its signed time) are seconds."""
        self.ask(
            "POST",
            "deliveries/again",
            {
                "event": event,
                "old": old,
                "bad_signature": bad_signature,
                "unsigned": unsigned,
                "shift": shift,
                "late": late,
                "once": once,
                "changes": dict(changes or {}),
            },
        )

    def deliveries(self) -> list[Obj]:
        """Each attempt: `event`, `type`, `endpoint`, `attempt`, `status`, `problem`."""
        found: list[Obj] = self.ask("GET", "deliveries")["deliveries"]
        return found

    def delivered(self, seconds: float = 10) -> bool:
        """Wait until nothing is left to deliver; False when that takes longer."""
        return not self.ask("POST", "deliveries/wait", {"seconds": seconds})["pending"]

    def objects(self) -> dict[str, list[Obj]]:
        return self.ask("GET", "objects")

    def events(self, kind: str | None = None) -> list[Obj]:
        """The oldest first."""
        return [one for one in self.objects().get("event", []) if kind in (None, one["type"])]

    def seed(self) -> dict[str, str]:
        """The catalogue, made whole again; the price of each lookup key."""
        found: dict[str, str] = self.ask("POST", "seed")["prices"]
        return found

    def advance(self, seconds: int) -> int:
        """Let time run ahead for all customers without a test clock; the new time in seconds."""
        return int(self.ask("POST", "advance", {"seconds": seconds})["now"])


@dataclass(frozen=True)
class StandIn:
    address: str
    key: str
    secret: str
    pid: int

    @property
    def control(self) -> Control:
        return Control(self.address)

    def client(self, **more: Any) -> stripe.StripeClient:
        """A client of the real library; `more` goes to its constructor."""
        return stripe.StripeClient(self.key, base_addresses={"api": self.address}, **more)


@contextmanager
def running(
    *,
    webhook_url: str | None = None,
    key: str = KEY,
    secret: str = SECRET,
    port: int = 0,
    retry_seconds: float = 0.1,
    timeout_seconds: float = 5,
    catalogue: Path | None = None,
    after_retries: str = "cancel",
    more: Sequence[str] = (),
) -> Iterator[StandIn]:
    """Start the process, wait until it listens, and stop it by its pid at the end."""
    words = [
        sys.executable, "-m", "tests.stripe_stand_in", "--port", str(port), "--key", key,
        "--webhook-secret", secret,
        "--retry-seconds", str(retry_seconds), "--timeout-seconds", str(timeout_seconds),
        "--after-retries", after_retries,
    ]  # fmt: skip
    if webhook_url is not None:
        words += ["--webhook-url", webhook_url]
    if catalogue is not None:
        words += ["--catalogue", str(catalogue)]
    with subprocess.Popen([*words, *more], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("The stand-in did not start; what it wrote above says why.")
            yield StandIn(line.split()[-1], key, secret, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=10)
