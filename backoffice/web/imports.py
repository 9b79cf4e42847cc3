"""What templates import from one another is made once a process.

For each `{% from %}` of each page Jinja compares the names that the page was given as globals with those of
the imported template, in case one is new. Ours are all given by the application, so that none ever is; the
comparison was a twentieth of a list's page.
"""

from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context


class ImportedOnce(Template):
    """A template whose macros are made when they are first imported, and kept."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        del ctx
        return super()._get_default_module()
