"""A failure as it may be kept: what kind it is and where it happened. Its message can quote a value."""

import traceback
from pathlib import Path

FRAMES = 4


def place(error: BaseException) -> list[str]:
    """Where it happened, the innermost last, as `file:line`."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-FRAMES:]]


def described(error: BaseException) -> str:
    """Kind and place in one line."""
    return f"{type(error).__name__} at {' > '.join(place(error)) or 'an unknown place'}"
