"""What the list of classes takes in from files."""

from collections.abc import Iterator, Sequence

from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.console.forms import SchoolForm
from backoffice.console.grids.imports import Importing
from backoffice.imports.columns import Row
from backoffice.imports.plan import Plan
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools.importing.classes import CLASS_COLUMNS, ID, NAME
from backoffice.schools.models import Classroom
from backoffice.schools.services.importing_classes import import_classrooms, preview_classrooms


def _preview(*, principal: Principal, school: str, rows: Sequence[Row], answer: str) -> Plan:
    del answer
    return preview_classrooms(principal=principal, school=school, rows=rows)


def _run(*, principal: Principal, school: str, rows: Sequence[Row], answer: str, seen: str, most: int) -> str:
    del answer
    done = import_classrooms(principal=principal, school=school, rows=rows, seen=seen, most=most)
    new = ngettext("1 class is new", "%(count)s classes are new", done.new, count=amount(done.new))
    changed = ngettext(
        "1 has another name", "%(count)s have another name", done.changed, count=amount(done.changed)
    )
    return gettext("Imported: %(new)s, %(changed)s.", new=new, changed=changed)


def _current(tx: Transaction, classrooms: Sequence[Classroom]) -> Iterator[Sequence[str | None]]:
    del tx
    return ((each.public_id, each.name) for each in classrooms)


IMPORTING = Importing(
    columns=CLASS_COLUMNS,
    needs=frozenset({NAME.key}),
    needed=lazy("Say which column holds the names."),
    form=SchoolForm,
    preview=_preview,
    run=_run,
    headings=(ID.title, NAME.title),
    current=_current,
    alone=NAME.key,
    placed=lazy("School"),
    besides=lazy(
        "A new class is yours, with an open door and a code. No class is archived, and no mail goes out."
    ),
)
