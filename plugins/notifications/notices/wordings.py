"""After which templates notices are written: what each has to say, and what no notice may say.

A template is never changed once a notice was sent after it: it gets a new version, and the old one stays, so
that what was sent can be shown as it was. Each version of one that is mailed has a mail of its own.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backoffice.language.texts import gettext, lazy
from plugins.notifications.deadlines.law import Rule
from plugins.notifications.notices.models import Audience

ENGLISH, SPANISH = "en", "es"
# Every notice is written in the first; one that is begun in another is written in it whole.
LANGUAGES: Mapping[str, str] = {ENGLISH: lazy("English"), SPANISH: lazy("Spanish")}
Said = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Field:
    """One part of a notice. Of one line where it becomes a header; what it is and how long at most.

    What is not needed may stay empty.
    """

    name: str
    title: str
    help: str
    longest: int = 2000
    one_line: bool = False
    is_needed: bool = True


@dataclass(frozen=True)
class Template:
    """One version of what a notice to some audiences consists of; each field that is needed is filled."""

    name: str
    version: int
    audiences: frozenset[Audience]
    fields: tuple[Field, ...]


HEADING = Field(
    "heading",
    lazy("Heading"),
    lazy("One line. It is the subject of the mail, or the first line of the banner or letter."),
    longest=100,
    one_line=True,
)
PARTS = (
    Field("what", lazy("What happened"), lazy("In two or three short sentences, as far as it is known.")),
    Field("when", lazy("When it happened"), lazy("From when to when, and when we noticed it."), longest=500),
    Field("which", lazy("Which data it was"), lazy("Kinds of data, and nobody's name."), longest=1000),
    Field("we_do", lazy("What we do"), lazy("What was done already, and what is still to be done.")),
    Field("you_do", lazy("What you can do"), lazy("If there is nothing to be done, say so.")),
    Field(
        "contact",
        lazy("Whom to ask"),
        lazy("A mail address or telephone number at which somebody answers."),
        longest=300,
    ),
)
NATURE = Field(
    "nature",
    lazy("What happened"),
    lazy("What was read, changed or lost, and how. Whom it is about, which data and when is filled in."),
    longest=4000,
)
MEASURES = Field(
    "measures",
    lazy("What was done, and what will be"),
    lazy("Measures taken or proposed, also against what may follow for people."),
    longest=4000,
)
DELAY = "delay"
# What Article 33(3) of the GDPR asks, the reasons for a delay of 33(1), and what comes in phases by 33(4).
BY_GDPR = (
    NATURE,
    Field(
        "records",
        lazy("Which records, and about how many"),
        lazy("Categories of records and about how many of them. People are counted by themselves."),
    ),
    Field("consequences", lazy("What may follow for people"), lazy("The likely consequences."), longest=4000),
    MEASURES,
    Field(
        "contact",
        lazy("Whom to ask"),
        lazy("The data protection officer or who else answers: a mail address or telephone number."),
        longest=300,
    ),
    Field(
        "later",
        lazy("What follows later"),
        lazy("What is not known yet, and by when it is said. If all is known, say so."),
    ),
    Field(
        DELAY,
        lazy("Why it comes late"),
        lazy("Only where the time is over, or ends within the hour."),
        is_needed=False,
    ),
)
# What attorneys general and other offices of the states ask in their forms.
BY_STATES = (
    NATURE,
    Field(
        "when",
        lazy("When it happened"),
        lazy("The day, or from when to when. When it was noticed is filled in."),
        longest=500,
    ),
    MEASURES,
    Field(
        "told",
        lazy("How people are told"),
        lazy("When and how. The notices to them that were approved are added as samples."),
    ),
    Field(
        "offered",
        lazy("What people are offered"),
        lazy("Such as credit monitoring: by whom, how long, and how to get it. If it is nothing, say so."),
    ),
    Field(
        "contact",
        lazy("Whom to ask"),
        lazy("Who answers questions of this authority: a mail address or telephone number."),
        longest=300,
    ),
    Field(
        "more",
        lazy("What else this authority asks"),
        lazy("Such as who is responsible, or whether a written security program is kept."),
        is_needed=False,
    ),
)
GDPR_FORM, STATE_FORM = "authority-gdpr", "authority-state"
_BY_GDPR = frozenset({"EU", "UK"})
TEMPLATES = (
    Template("breach-banner", 1, frozenset({Audience.BANNER}), (HEADING, *PARTS)),
    Template("breach-letter", 1, frozenset({Audience.LETTERS}), (HEADING, *PARTS)),
    Template(
        "breach-mail", 1, frozenset({Audience.SCHOOLS, Audience.STAFF, Audience.PARENTS}), (HEADING, *PARTS)
    ),
    Template(GDPR_FORM, 1, frozenset({Audience.AUTHORITY}), BY_GDPR),
    Template(STATE_FORM, 1, frozenset({Audience.AUTHORITY}), BY_STATES),
)
AUDIENCES: Mapping[Audience, str] = {
    Audience.BANNER: lazy("Everybody, by a banner on the home page"),
    Audience.SCHOOLS: lazy("The schools, by mail to their security contacts"),
    Audience.LETTERS: lazy("The schools, by letters to print and post"),
    Audience.STAFF: lazy("Staff of the schools, by mail"),
    Audience.PARENTS: lazy("Parents of students of the schools, by mail"),
    Audience.AUTHORITY: lazy("An authority, by a form to hand in"),
}
# A real notice never leads anywhere: whoever learns to follow links in such mails follows false ones too.
_LINK = re.compile(r"https?:|www\.|\bhref\b|/(?:sign-in|reset|sign-up)\b", re.IGNORECASE)
_REACHED = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|(?:\d[\s./()-]*){6,}")
MISSING = lazy("This has to be said before it can be proposed.")


def newest(audience: Audience, rule: Rule | None = None) -> Template:
    """The template after which a new notice to an audience is written; to an authority, by which rule."""
    found = [each for each in TEMPLATES if audience in each.audiences]
    if rule is not None:
        form = GDPR_FORM if rule.jurisdiction in _BY_GDPR else STATE_FORM
        found = [each for each in found if each.name == form]
    return max(found, key=lambda each: each.version)


def template_of(name: str, version: int) -> Template:
    """The template after which a notice was written. Raises `LookupError`."""
    for each in TEMPLATES:
        if (each.name, each.version) == (name, version):
            return each
    raise LookupError(f"There is no version {version} of the template {name}.")


def input_name(language: str, field: str) -> str:
    """What the input of a field in a language is called."""
    return f"{language}_{field}"


def cleaned(template: Template, said: Said) -> dict[str, dict[str, str]]:
    """Only the template's fields in known languages, without spaces around and line ends as ours."""
    return {
        language: {
            field.name: "\n".join(
                line.rstrip() for line in said.get(language, {}).get(field.name, "").strip().splitlines()
            )
            for field in template.fields
        }
        for language in LANGUAGES
    }


def faults(template: Template, said: Said) -> dict[str, str]:
    """What no notice may say, draft or not: a sentence by the name of the input."""
    return {
        input_name(language, field.name): fault
        for language, texts in said.items()
        for field in template.fields
        if (fault := _fault(field, texts.get(field.name, "")))
    }


def missing(template: Template, said: Said) -> dict[str, str]:
    """What is to be said before a notice can be proposed: a sentence by the name of the input."""
    return dict(_missing(template, said))


def without_delay(template: Template, said: Said) -> list[str]:
    """The inputs in which a form does not say why it comes late, in each language that it is written in."""
    if all(field.name != DELAY for field in template.fields):
        return []
    return [
        input_name(language, DELAY)
        for language in LANGUAGES
        if (language == ENGLISH or any(said.get(language, {}).values()))
        and not said.get(language, {}).get(DELAY, "").strip()
    ]


def written_in(said: Said, language: str) -> str:
    """In which language somebody is told who reads another: in that if it is written, else in English."""
    return language if language in said and any(said[language].values()) else ENGLISH


def _fault(field: Field, text: str) -> str | None:
    if len(text) > field.longest:
        return gettext("Say it in at most %(most)s letters.", most=field.longest)
    if field.one_line and len(text.splitlines()) > 1:
        return gettext("Write it in one line.")
    # Nothing that turns or hides what is read, and nothing that could end a header.
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"} and sign != "\n" for sign in text):
        return gettext("It has a sign that cannot be seen. Type it anew.")
    if _LINK.search(text):
        return gettext("Leave out links: nobody is to get used to following them. Say in words where it is.")
    return None


def _missing(template: Template, said: Said) -> Iterator[tuple[str, str]]:
    for language in LANGUAGES:
        texts = said.get(language, {})
        if language != ENGLISH and not any(texts.values()):
            continue
        for field in template.fields:
            text = texts.get(field.name, "")
            if not text.strip():
                if not field.is_needed:
                    continue
                yield input_name(language, field.name), str(MISSING)
            elif field.name == "contact" and not _REACHED.search(text):
                yield (
                    input_name(language, field.name),
                    gettext("Say a mail address or a telephone number at which somebody answers."),
                )
