"""The inventory of data, within the console."""

from typing import Any, ClassVar

from flask_admin import expose

from backoffice.access.permissions import FIELDS_READ, INVENTORY_READ
from backoffice.access.policy import scope
from backoffice.console.command import Command
from backoffice.console.fields import SUBJECT_NAMES, days
from backoffice.console.grids.relations import MOST_SCHOOLS
from backoffice.console.guard import GuardedView
from backoffice.fields import queries
from backoffice.fields.models import FieldSubject
from backoffice.language.texts import lazy
from backoffice.privacy import words
from backoffice.privacy.views import inventory
from backoffice.schools.queries import school_names
from backoffice.web.identity import reading


class InventoryPage(GuardedView):
    """What is held about whom, for those who answer for it."""

    doors: ClassVar = {"index": INVENTORY_READ}
    title = lazy("Data inventory")
    category = lazy("School")
    address = "inventory"
    icon = "clipboard"
    commands = (
        Command(
            lazy("See what data is held"), "index", "inventory/", also=lazy("personal data privacy retention")
        ),
    )

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """What the public page shows, and before it the fields of the own schools."""
        own = self._own_fields()
        return self.render("console/inventory.html", listing=inventory(), words=words, own=own)

    def _own_fields(self) -> list[dict[str, Any]]:
        """The fields of schools of whoever runs a few; of one of many the page of its fields has them."""
        tx, schools = reading(), scope(self.who, FIELDS_READ).schools
        if not schools or len(schools) > MOST_SCHOOLS:
            return []
        found = queries.fields_in(tx, schools)
        names = school_names(tx, {each.school_id for each in found}) if len(schools) > 1 else {}
        return [
            {
                "name": each.name,
                "school": names.get(each.school_id),
                "of": SUBJECT_NAMES[FieldSubject(each.subject)],
                "purpose": each.purpose,
                "days": days(each.keep_days),
            }
            for each in found
        ]
