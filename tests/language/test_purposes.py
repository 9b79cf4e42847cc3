"""What columns are for is read from the code, however a module hands it on."""

from pathlib import Path

from backoffice.language.purposes import FACTORIES, purposes

MODULE = """
from backoffice.storage import columns
from sqlalchemy import text

MARK = "Recognises it"

def _number(of, purpose, primary_key=False):
    return columns.of_library(BigInteger(), purpose)

class Pet:
    name = columns.sealed("What it is called", keep=Keep.STUDENT)
    mark = columns.keyed_digest(MARK, keep=Keep.STUDENT)
    lock = columns.of_library(Text(), "What must wait", keep=Keep.STUDENT)
    age = _number("pet", "How old it is")
    public_id = columns.public_id(keep=Keep.STUDENT)
    id = columns.key(keep=Keep.STUDENT)

text("select 1")
other.sealed("No column")
columns.index("name")
"""


def test_whatever_is_handed_to_a_purpose_is_one(tmp_path: Path) -> None:
    module = tmp_path / "models.py"
    module.write_text(MODULE, "utf-8")
    assert sorted(purposes(module)) == [
        "How old it is",
        "Recognises it",
        "What it is called",
        "What must wait",
    ]


def test_what_a_factory_says_by_itself_is_one_too() -> None:
    found = list(purposes(FACTORIES))
    assert "Names it outside the database" in found
    assert "Number of the row inside the database" in found
