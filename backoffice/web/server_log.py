"""What the web server itself may say: that something happened, not what a visitor sent."""

import sys
import traceback
from typing import Any

from gunicorn.glogging import Logger

INVALID = "Invalid request from "


class ServerLog(Logger):
    """gunicorn's log without the visitor's address and words, which its messages quote."""

    def warning(self, msg: Any, *args: Any, **options: Any) -> None:
        """A warning; one about a request that cannot be parsed names neither address nor text."""
        if str(msg).startswith(INVALID):
            msg, args = "A request could not be read and was refused.", ()
        super().warning(msg, *args, **options)

    def exception(self, msg: Any, *args: Any, **options: Any) -> None:
        """Where an error happened and of what kind it is; message, address and trace can quote a visitor."""
        del msg, args, options
        kind, _error, trace = sys.exc_info()
        where = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(trace)[-4:]]
        self.error_log.error(
            "The web server met %s at %s", kind.__name__ if kind else "an error", ", ".join(where)
        )
