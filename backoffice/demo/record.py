"""`demo.json`: where the demo answers and who can sign in. Others' scripts rely on its keys."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.demo.seed import Seeded
from backoffice.schools.models import Classroom, ClassroomCode, CodeKind, District, School, Student
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole

PEOPLE = "demo-people.json"
RECORD = "demo.json"


def keep(folder: Path, seeded: Seeded) -> None:
    """Store what cannot be read back from the database: passwords, and who plays which part."""
    _write(folder / PEOPLE, asdict(seeded))


def kept(folder: Path) -> Seeded | None:
    """What `keep` has stored, or None."""
    path = folder / PEOPLE
    return Seeded(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def write(
    folder: Path, *, seeded: Seeded, base_url: str, database: Database, mail_dir: Path
) -> dict[str, Any]:
    """Write `demo.json` from what the demo is at this moment; returns its content."""
    with transaction(Purpose("demo")) as tx:
        content: dict[str, Any] = {
            "base_url": base_url,
            "owner_database_url": _address(database, DatabaseRole.OWNER),
            "app_database_url": _address(database, DatabaseRole.APP),
            "mail_dir": str(mail_dir),
            "accounts": {role: {"totp_secret": None, **account} for role, account in seeded.accounts.items()},
            "classroom": _classroom(tx, seeded.classroom),
            "classroom_elsewhere": _classroom(tx, seeded.classroom_elsewhere),
            "student": _student(tx, seeded, seeded.student),
            "student_elsewhere": _student(tx, seeded, seeded.student_elsewhere),
            "district": _named(tx, District, seeded.district),
            "school": _named(tx, School, seeded.school),
            "school_elsewhere": _named(tx, School, seeded.school_elsewhere),
        }
    _write(folder / RECORD, content)
    return content


def remove(folder: Path) -> None:
    """Take `demo.json` away: nothing answers any more."""
    (folder / RECORD).unlink(missing_ok=True)


def _address(database: Database, role: DatabaseRole) -> str:
    url = database.url(role).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def _classroom(tx: Transaction, public_id: str) -> dict[str, Any]:
    row = tx.execute(select(Classroom).where(Classroom.public_id == public_id)).scalar_one_or_none()
    if row is None:
        return {"public_id": public_id, "name": None, "code": None}
    code = tx.scalar(
        select(ClassroomCode.code).where(
            ClassroomCode.classroom_id == row.id,
            ClassroomCode.kind == CodeKind.STANDING,
            ClassroomCode.ended_at.is_(None),
        )
    )
    return {"public_id": public_id, "name": row.name, "code": code}


def _student(tx: Transaction, seeded: Seeded, public_id: str) -> dict[str, Any]:
    row = tx.execute(select(Student).where(Student.public_id == public_id)).scalar_one_or_none()
    return {
        "public_id": public_id,
        "name": f"{row.given_name} {row.family_name or ''}".strip() if row else None,
        "username": seeded.usernames.get(public_id),
        "pin": None,
    }


def _named(tx: Transaction, model: Any, public_id: str) -> dict[str, Any]:
    return {
        "public_id": public_id,
        "name": tx.scalar(select(model.name).where(model.public_id == public_id)),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    # In one step, and for its owner only: it holds passwords.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    fresh.replace(path)
