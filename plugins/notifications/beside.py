"""Pages that belong to an incident or a district, and stand in no menu."""

from typing import ClassVar

from backoffice.console.guard import GuardedView
from backoffice.plugin import Plugin


class BesidePage(GuardedView):
    """Pages that are reached from those that they belong to: several such may share one address.

    `known_as` tells their endpoints apart, and `begins` is the door that Flask-Admin calls the view's own: it
    wants one for the bare address of each, where another page may be already.
    """

    abstract = True
    known_as: ClassVar[str]
    begins: ClassVar[str]

    @classmethod
    def placed(cls, plugin: Plugin | None = None) -> GuardedView:
        """The view at its address, with an endpoint of its own."""
        assert plugin is not None
        cls._default_view = cls.begins
        view = cls(name=cls.title, endpoint=f"plugin_{plugin.name}_{cls.known_as}", url=cls.address)
        view.plugin = plugin
        return view

    def is_visible(self) -> bool:
        """Not in the menu."""
        return False
