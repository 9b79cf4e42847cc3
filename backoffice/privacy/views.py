"""The inventory of data for everybody: what is held, why, in which form, how long, and what erases it."""

from typing import Any

from flask import Blueprint, render_template

from backoffice.fields.models import LONGEST_KEPT, FieldSubject
from backoffice.jobs import registry
from backoffice.privacy import words
from backoffice.privacy.erased_by import ErasedBy
from backoffice.privacy.holdings import Subject
from backoffice.privacy.listing import ListedColumn, ListedTable, Listing, listing
from backoffice.storage.columns import Form
from backoffice.web.identity import runtime

bp = Blueprint("privacy", __name__, template_folder="templates")


def inventory() -> Listing:
    """The inventory of the core and of what is installed, switched on or off."""
    here = runtime()
    return listing(here.metadatas, ErasedBy(registry.by_age(), here.plugins))


@bp.get("/privacy/data")
def data() -> str:
    """Every column that holds something of somebody."""
    return render_template("privacy/data.html", listing=inventory(), words=words, most_days=LONGEST_KEPT)


@bp.get("/privacy/data.json", endpoint="json")
def as_data() -> dict[str, Any]:
    """The page's content, in English."""
    found = inventory()
    return {
        "figures": found.figures,
        # What a school adds is its own to say: of that there is the kind, and no name.
        "fields_of_schools": {
            "of": [str(each) for each in FieldSubject],
            "each_says": ["purpose", "days"],
            "most_days": LONGEST_KEPT,
            "form": Form.SEALED,
        },
        "groups": [
            {"about": about, "tables": [_table(each) for each in tables]}
            for about, tables in found.groups.items()
        ],
    }


def _table(table: ListedTable) -> dict[str, Any]:
    ending = table.ending
    return {
        "name": table.name,
        "title": table.title,
        "erased_with": _in_order(ending.always),
        "erased_with_where_named": _in_order(ending.sometimes),
        "by_age": ending.by_age,
        "by_no_job_yet": table.outstays,
        "reason": ending.reason,
        "operational_columns": table.operational,
        "columns": [_column(each) for each in table.columns],
    }


def _column(column: ListedColumn) -> dict[str, Any]:
    return {
        "name": column.name,
        "purpose": column.purpose,
        "class": column.kind,
        "form": column.form,
        "kept": column.keep,
        "emptied_with": column.emptied_with,
    }


def _in_order(subjects: frozenset[Subject]) -> list[Subject]:
    return [each for each in Subject if each in subjects]
