"""A worker that makes exports slowly: `python -m tests.plugins.exports.process worker`."""

import time
from typing import Any, BinaryIO

from backoffice.access.transaction import Transaction
from backoffice.cli import main
from plugins.exports import services
from plugins.exports.content import Manifest, Scope, write_archive

# Seconds after each handful of rows, so that it is met in the middle, with something in the file.
REST = 0.2


def slow(tx: Transaction, scope: Scope, to: BinaryIO, *, workbooks: bool, told: Any) -> Manifest:
    """Write an archive, and rest after each step."""

    def rest(rows: int) -> None:
        told(rows)
        time.sleep(REST)

    return write_archive(tx, scope, to, workbooks=workbooks, told=rest)


if __name__ == "__main__":
    services.write_archive = slow  # type: ignore[assignment, attr-defined]
    main()
