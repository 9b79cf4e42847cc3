"""What a report says, in the language of whoever reads it. It is kept in English: the sentences are keys."""

import re
from collections.abc import Mapping
from typing import Any

from backoffice.language.texts import gettext, lazy

# What is counted. Reports, mails, runs of jobs and this name it alike.
COUNTED = (
    lazy("administrators"),
    lazy("archived classes begun anew"),
    lazy("archived classes left alone"),
    lazy("children left in"),
    lazy("children left out"),
    lazy("classes changed"),
    lazy("classes going on in the ones that follow them"),
    lazy("classes new"),
    lazy("enrollments ended"),
    lazy("enrollments new"),
    lazy("enrollments resumed"),
    lazy("family"),
    lazy("files of somebody erased"),
    lazy("given up"),
    lazy("imported"),
    lazy("lines"),
    lazy("new classes beside ones begun here"),
    lazy("other staff"),
    lazy("reports without names"),
    lazy("schools new"),
    lazy("students changed"),
    lazy("students new"),
    lazy("teachers"),
    lazy("teachers changed"),
    lazy("teachers left in"),
    lazy("teachers left out"),
    lazy("teachers new"),
    lazy("teachers to invite"),
    lazy("teachers without an address"),
    lazy("teaching roles ended"),
    lazy("teaching roles new or changed"),
)
# The sentences that have a number or the name of a file within: they are found again by their form.
FILLED_IN = (
    lazy("The value is longer than %(most)s characters."),
    lazy("The identifier holds spaces, commas or quotation marks, or is longer than %(most)s characters."),
    lazy("A line of the file is longer than %(most)s characters."),
    lazy("There are more than %(most)s empty lines."),
    lazy("The set has more than %(most)s files."),
    lazy("A title is longer than %(most)s letters; the rest was cut off."),
    lazy("There is no such line in %(file)s."),
)
_HOLE = re.compile(r"%\\?\((\w+)\\?\)s")
_FORMS = {
    str.__str__(text): re.compile(_HOLE.sub(r"(?P<\1>\\S+)", re.escape(str.__str__(text))))
    for text in FILLED_IN
}


def sentence(english: str) -> str:
    """A sentence of a report."""
    for text, form in _FORMS.items():
        if found := form.fullmatch(english):
            return gettext(text, **found.groupdict())
    return gettext(english)


def report(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A report as it is shown; what names a thing, such as what is counted, stays a name."""
    said = dict(kept)  # one that is being written has not all of it yet
    if "not_taken" in kept:
        said["not_taken"] = [sentence(each) for each in kept["not_taken"]]
    if "left_alone" in kept:
        said["left_alone"] = {what: sentence(each) for what, each in kept["left_alone"].items()}
    if "problems" in kept:
        said["problems"] = [
            {**each, "sentence": sentence(each["sentence"]), "remedy": sentence(each["remedy"])}
            for each in kept["problems"]
        ]
    return said
