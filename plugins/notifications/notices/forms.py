"""The form of a notice: the fields of its template, in each language."""

from collections.abc import Iterator
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Length

from backoffice.language.texts import gettext
from plugins.notifications.notices.wordings import LANGUAGES, Said, Template, input_name


class NoticeForm(FlaskForm):
    """What a notice says. `form` is the one-time word of a new one, `seen` the version of an old one."""

    form = HiddenField()
    seen = HiddenField()
    template: Template

    @property
    def said(self) -> dict[str, dict[str, str]]:
        """What was written, by language."""
        return {
            language: {field.name: control.data or "" for field, control in self._of(language)}
            for language in LANGUAGES
        }

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The controls of each language, and whether anything stands or is wrong in them."""
        return [
            {
                "language": language,
                "title": title,
                "controls": [control for _field, control in self._of(language)],
                "open": any(control.data or control.errors for _field, control in self._of(language)),
            }
            for language, title in LANGUAGES.items()
        ]

    def _of(self, language: str) -> Iterator[tuple[Any, Any]]:
        return ((field, self._fields[input_name(language, field.name)]) for field in self.template.fields)


def form_for(template: Template, *, said: Said, **hidden: str) -> NoticeForm:
    """The form of a notice after this template, filled with what it says."""
    controls: dict[str, Any] = {"template": template}
    filled: dict[str, str] = dict(hidden)
    for language, language_title in LANGUAGES.items():
        for field in template.fields:
            name = input_name(language, field.name)
            kind = StringField if field.one_line else TextAreaField
            title = gettext("%(field)s, in %(language)s", field=field.title, language=language_title)
            # A longer text is shown again as it was typed; the service says that it is too long.
            controls[name] = kind(title, [Length(max=field.longest * 2)], description=str(field.help))
            filled[name] = said.get(language, {}).get(field.name, "")
    made: type[NoticeForm] = type("FilledNoticeForm", (NoticeForm,), controls)
    return made(data=filled)
