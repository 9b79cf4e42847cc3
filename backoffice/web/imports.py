"""What templates import from one another is made once a process; what all are given is not copied.

For each `{% from %}` of each page Jinja compares the names that the page was given as globals with those of
the imported template, in case one is new; and it copies them for each template of a page, because each could
have some of its own. Ours are all given by the application, so that none ever is; both together were a tenth
of a list's page.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, new_context


class ImportedOnce(Template):
    """A template whose macros are made when they are first imported, and kept."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        del ctx
        return super()._get_default_module()

    def new_context(
        self,
        vars: dict[str, Any] | None = None,  # noqa: A002 - as Jinja calls them
        shared: bool = False,  # noqa: FBT001, FBT002
        locals: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> Context:
        """What a template looks names up in: the application's own, which are one plain dictionary."""
        given = self.environment.globals
        return new_context(self.environment, self.name, self.blocks, vars, shared, given, locals)
