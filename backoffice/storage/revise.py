"""Writing the next migration script from what the models say and the database has not yet."""

from typing import Any, Literal

from alembic.autogenerate import api
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from backoffice.storage.migrate import VERSION_TABLE, Migrations
from backoffice.storage.sealed import Sealed


def write_revision(
    connection: Connection, *, migrations: Migrations, metadata: MetaData, message: str
) -> str:
    """Write a script into the folder of `migrations`; returns its path. Looks at its own schema only."""
    scripts = migrations.scripts()
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": VERSION_TABLE,
            "version_table_schema": migrations.schema,
            "include_schemas": True,
            "include_name": _only(migrations.schema),
            "target_metadata": metadata,
        },
    )
    produced = api.produce_migrations(context, metadata)
    assert produced.upgrade_ops is not None
    code = api.render_python_code(produced.upgrade_ops, render_item=_render_item)
    number = f"{len(list(scripts.walk_revisions())) + 1:04d}"
    script = scripts.generate_revision(number, message, head="head", upgrades=code, imports="")
    assert script is not None
    return str(script.path)


def _only(schema: str) -> Any:
    def include(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
        if kind == "schema":
            return name == schema
        return kind != "table" or name != VERSION_TABLE or parents.get("schema_name") != schema

    return include


def _render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    # To the database a sealed column is bytes; a script must not depend on today's Python types.
    return "sa.LargeBinary()" if kind == "type" and isinstance(item, Sealed) else False
