"""The declarative base of the core's tables, all in the schema `app`."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CheckConstraint, MetaData
from sqlalchemy.orm import DeclarativeBase

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """A table of the core. Columns come from `backoffice.storage.columns` only."""

    metadata = MetaData(schema="app", naming_convention=NAMES)


def plugin_base(name: str) -> type[DeclarativeBase]:
    """The declarative base of a plugin's tables, in the plugin's own schema `plugin_<name>`.

    Their foreign keys to the core name its columns (`ForeignKey(School.id)`), not their names: the core's
    tables are in another metadata.
    """
    metadata = MetaData(schema=f"plugin_{name}", naming_convention=NAMES)
    return type("PluginBase", (DeclarativeBase,), {"metadata": metadata})


def only(column: str, of: Iterable[str]) -> CheckConstraint:
    """A check that a text column holds one of a few words."""
    listed = ", ".join(f"'{word}'" for word in of)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_is_known")


def titled(title: str, **options: Any) -> dict[str, Any]:
    """The last of a table's arguments: what people call the table, where they read what is held."""
    return {"info": {"title": title}, **options}
