"""Texts in the language that is spoken.

A text is its English sentence, whole: `gettext("Wait %(count)s minutes.", count=5)`. Never an f-string, which
no catalogue knows. `lazy` is for what is written before anybody speaks: the labels of a form, the sentences
at the top of a module.
"""

from functools import lru_cache
from typing import Any, SupportsIndex

from babel.support import NullTranslations
from jinja2 import Environment, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from backoffice.language.catalogues import translations
from backoffice.language.spoken import language


def gettext(text: str, **values: Any) -> str:
    """The text in the language that is spoken, with its values filled in."""
    said: str = translations(language()).ugettext(str.__str__(text))
    return said % values if values else said


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    """The form of a text that goes with a number, which is `%(num)s` in it."""
    return _form(one, many, num) % ({"num": num} | values)


def speak_in(environment: Environment) -> None:
    """Let templates say texts: `{{ _("...") }}` and `{% trans %}`, whose lines are joined to one."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    # The extension fills in the values itself.
    environment.install_gettext_callables(gettext, _form, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(gettext=_say, _=_say)


# The library's own takes the context, which is copied for each text that is said within a block.
@pass_eval_context
def _say(here: EvalContext, text: str, **values: Any) -> str:
    said, text = translations(language()), str.__str__(text)
    if not here.autoescape:
        return str(said.ugettext(text) % values)
    # Most texts of a page have no values, and are the same markup each time that they are said.
    return Markup(said.ugettext(text)) % values if values else _as_markup(said, text)  # noqa: S704 - ours


@lru_cache(maxsize=4096)
def _as_markup(said: NullTranslations, text: str) -> Markup:
    return Markup(said.ugettext(text)) % {}  # noqa: S704 - texts of templates are ours


def _form(one: str, many: str, num: int) -> str:
    said: str = translations(language()).ungettext(one, many, num)
    return said


class Lazy(str):
    """A text that says itself in the language that is spoken when it is shown.

    It is equal to its English text, by which it is known. A `str`, so that whoever takes a text takes it;
    what bypasses its methods, such as `"".join`, gets the English.
    """

    __slots__ = ("_text", "_values")
    _text: str
    _values: dict[str, Any]

    @classmethod
    def of(cls, text: str, values: dict[str, Any]) -> "Lazy":
        """The text, with values that may be lazy themselves."""
        made = cls(text % values if values else text)
        made._text, made._values = text, values
        return made

    def __str__(self) -> str:
        return gettext(self._text, **self._values)

    def __html__(self) -> Markup:
        return escape(str(self))

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)

    def __mod__(self, values: Any) -> str:
        said: str = str(self) % values
        return said

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # What leaves the process is what was said.
        return str, (str(self),)

    def format(self, *args: object, **values: object) -> str:
        return str(self).format(*args, **values)

    def rstrip(self, symbols: str | None = None, /) -> str:
        return str(self).rstrip(symbols)

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        return str(self)[key]

    def lower(self) -> str:
        return str(self).lower()

    def upper(self) -> str:
        return str(self).upper()

    def capitalize(self) -> str:
        return str(self).capitalize()

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        return str(self).replace(old, new, count)


def lazy(text: str, **values: Any) -> str:
    """A text to be said later."""
    return Lazy.of(text, values)
