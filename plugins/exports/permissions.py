"""What the plugin lets be allowed. Students and classes go along with who may take lists of them out."""

from backoffice.access.permissions import Permission
from backoffice.language.texts import lazy

EXPORTS_MAKE = Permission("exports:make", lazy("Take everything of a school or district along as a file"))
