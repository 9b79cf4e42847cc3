"""Exports of the world's people, opened again."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from plugins.exports.content import Manifest, Scope, write_archive
from tests.factories.world import SYSTEM, World


@dataclass(frozen=True)
class Opened:
    """An export that was read again."""

    manifest: Manifest
    files: dict[str, str]
    packed: bytes

    @property
    def everything(self) -> str:
        """All that stands in any file, and their names."""
        return "\n".join((*self.files, *self.files.values()))

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The rows of a kind; none where there is no file."""
        found: list[dict[str, Any]] = json.loads(self.files.get(f"data/{kind}.json", "[]"))
        return found


class WriteOnly(io.RawIOBase):
    """What can be written to, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError

    def write(self, some: Any, /) -> int:
        self.written += some
        return len(some)


def opened(scope: Scope, who: Principal = SYSTEM) -> Opened:
    """Make an export as somebody, and read it."""
    to = WriteOnly()
    with transaction(who) as tx:
        manifest = write_archive(tx, scope, to)  # type: ignore[arg-type]
    packed = bytes(to.written)
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        assert found.testzip() is None
        files = {name: found.read(name).decode("utf-8-sig") for name in found.namelist()}
    return Opened(manifest, files, packed)


Scopes = dict[str, Scope]


@pytest.fixture
def scopes(runtime: Runtime, world: World) -> Scopes:
    """The world's subjects."""
    del runtime
    child, room = world.own_class.children[0], world.own_class
    teacher, parent = world.people["teacher"], world.people["parent"]
    return {
        "student": Scope(Subject.STUDENT, child.id, child.public_id),
        "family": Scope(Subject.STUDENT, child.id, child.public_id, for_family=True),
        "classroom": Scope(Subject.CLASSROOM, room.id, room.public_id),
        "school": Scope(Subject.SCHOOL, world.home.id, world.home.public_id),
        "district": Scope(Subject.DISTRICT, world.district_id, world.district),
        "teacher": Scope(Subject.ACCOUNT, teacher.id, teacher.public_id),
        "parent": Scope(Subject.ACCOUNT, parent.id, parent.public_id),
    }


Opener = Callable[..., Opened]
