"""A files for the files, a worker, and exports as they could be."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import Membership, TeachingRole
from plugins.exports import services
from plugins.exports.content.sealing import new_key, open_sealed
from plugins.exports.models import Export, ExportState
from plugins.exports.places import folder_of
from tests.factories.world import SYSTEM, World

WORKER = Purpose("exports.make")


@pytest.fixture
def files(app: Flask) -> Path:
    """Where the files of this application lie; empty, and no export is known."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Export))
    found = folder_of(app)
    for path in found.iterdir() if found.is_dir() else ():
        path.unlink()
    return found


def row_of(export: str) -> Export:
    """An export as it is by now."""
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Export).where(Export.public_id == export)).one()


def key_of(export: str) -> bytes:
    """What opens the file of an export that is there."""
    with transaction(SYSTEM) as tx:
        key = tx.scalars(select(Export.file_key).where(Export.public_id == export)).one()
    assert key is not None
    return key


def files_of(export: str, folder: Path) -> dict[str, str]:
    """What is in the archive of a ready one, by the names of its files."""
    with open_sealed(folder / str(row_of(export).file), key_of(export)) as sealed:
        whole = b"".join(sealed.read_range())
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def change(export: str, **values: object) -> None:
    """Make something of it as it could have become."""
    if "file" in values:
        values["file_key"] = new_key() if values["file"] else None
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Export).where(Export.public_id == export)).one()
        for name, value in values.items():
            setattr(row, name, value)


def work(export: str, files: Path) -> ExportState | None:
    """What a worker does with it."""
    return services.make(principal=WORKER, number=row_of(export).id, folder=files)


@pytest.fixture
def ready(world: World, files: Path) -> Callable[..., str]:
    """Asks for an export, and has it made; of the own class by its teacher unless said otherwise."""

    def made(role: str = "teacher", subject: Subject = Subject.CLASSROOM, public_id: str = "") -> str:
        wanted = public_id or world.own_class.public_id
        asked = services.ask(principal=world.sign_in(role), subject=subject, public_id=wanted)
        assert work(asked, files) is ExportState.READY
        return asked

    return made


@contextmanager
def without_places(world: World, *roles: str) -> Iterator[None]:
    """These people teach nothing and lead nothing any more."""
    numbers = [world.people[role].id for role in roles]
    kept: list[tuple[Any, list[dict[str, Any]]]] = []
    with transaction(SYSTEM) as tx:
        for model in (TeachingRole, Membership):
            theirs = model.account_id.in_(numbers)
            rows = tx.execute(select(*model.__table__.columns).where(theirs)).mappings()
            kept.append((model, [dict(row) for row in rows]))
            tx.execute(delete(model).where(theirs))
    yield
    with transaction(SYSTEM) as tx:
        for model, values in reversed(kept):
            tx.execute(insert(model.__table__).values(values))
