"""`python -m tests.stripe_stand_in --port N …`: one line when it listens, and it ends at SIGTERM."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.stripe_stand_in import catalogue
from tests.stripe_stand_in.account import Options
from tests.stripe_stand_in.server import StandIn


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stripe_stand_in", description="A stand-in for Stripe."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and says which")
    parser.add_argument("--webhook-url", help="who is told of events")
    parser.add_argument("--webhook-secret", default="whsec_stand_in")
    parser.add_argument("--key", action="append", help="an API key that is taken (may be given again)")
    parser.add_argument("--catalogue", type=Path, help="a TOML file with [[prices]]")
    parser.add_argument(
        "--retry-seconds", type=float, default=1.0, help="the shortest wait before telling again"
    )
    parser.add_argument("--timeout-seconds", type=float, default=10.0, help="how long a webhook may take")
    parser.add_argument("--after-retries", choices=("cancel", "unpaid", "leave"), default="cancel")
    given = parser.parse_args()
    options = Options(
        keys=tuple(given.key or ["sk_test_stand_in"]),
        retry_seconds=given.retry_seconds,
        after_retries=given.after_retries,
    )
    stand_in = StandIn(
        port=given.port,
        options=options,
        webhook=(given.webhook_url, given.webhook_secret) if given.webhook_url else None,
        items=catalogue.read(given.catalogue) if given.catalogue else catalogue.DEFAULT,
        timeout=given.timeout_seconds,
    )

    def stop(number: int, frame: object) -> None:
        # `shutdown` waits for the loop, which this very thread runs.
        threading.Thread(target=stand_in.stop).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stdout.write(f"Stripe stand-in listens on {stand_in.account.address}\n")
    sys.stdout.flush()
    stand_in.serve()


if __name__ == "__main__":
    main()
