"""Sets to read: a small one that is right in everything, and a real one that lies beside the checkout."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "oneroster"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample sets; they are not part of the repository."""
    if not SAMPLES.is_dir():
        pytest.skip("The OneRoster samples are not there: shared/data/oneroster beside the checkout.")
    return SAMPLES
