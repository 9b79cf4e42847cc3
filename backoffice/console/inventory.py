"""The inventory of data, within the console."""

from typing import ClassVar

from flask_admin import expose

from backoffice.access.permissions import INVENTORY_READ
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.language.texts import lazy
from backoffice.privacy import words
from backoffice.privacy.views import inventory


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
        """What the public page shows."""
        return self.render("console/inventory.html", listing=inventory(), words=words)
