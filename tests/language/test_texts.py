"""Texts, their plural forms, and those that are said later."""

import pickle

import pytest
from jinja2 import Environment

from backoffice.language.spoken import language, locale, speaking
from backoffice.language.texts import gettext, lazy, ngettext, speak_in
from backoffice.problems import Rejected

NAMELESS = lazy("Write your name.")


def test_values_are_filled_in() -> None:
    assert gettext("Shorten the name to %(most)s letters.", most=80) == "Shorten the name to 80 letters."
    with speaking("es"):
        assert gettext("Shorten the name to %(most)s letters.", most=80) == "Acorte el nombre a 80 letras."


@pytest.mark.parametrize(
    ("tag", "number", "said"),
    [("en", 1, "once"), ("en", 2, "2 times"), ("es", 1, "una vez"), ("es", 7, "7 veces")],
)
def test_a_number_has_its_form(tag: str, number: int, said: str) -> None:
    with speaking(tag):
        assert ngettext("once", "%(num)s times", number) == said


def test_what_is_spoken_ends_with_what_is_said() -> None:
    assert language() == "en"
    with speaking("es"), speaking("en"):
        assert (language(), locale().language) == ("en", "en")
    assert language() == "en"


def test_a_lazy_text_is_said_when_it_is_shown() -> None:
    with speaking("es"):
        assert str(NAMELESS) == f"{NAMELESS}" == "%s" % NAMELESS == "Escriba su nombre."  # noqa: UP031
        assert NAMELESS + " x" == "Escriba su nombre. x"
        assert "x " + NAMELESS == "x Escriba su nombre."
        assert NAMELESS.rstrip(".") == "Escriba su nombre"
        assert (NAMELESS[:7], NAMELESS.upper()) == ("Escriba", "ESCRIBA SU NOMBRE.")
        assert NAMELESS.capitalize() == "Escriba su nombre."
        assert pickle.loads(pickle.dumps(NAMELESS)) == "Escriba su nombre."  # noqa: S301 - our own
    assert str(NAMELESS) == "Write your name."


def test_a_lazy_text_is_known_by_its_english() -> None:
    """So that it can be compared and looked up, whoever speaks."""
    with speaking("es"):
        assert NAMELESS == "Write your name."
        assert Rejected(name=NAMELESS).fields["name"] == NAMELESS


def test_a_lazy_text_may_hold_others() -> None:
    place = lazy("%(role)s of %(classroom)s", role=lazy("a co-teacher"), classroom="5B")
    assert place == "a co-teacher of 5B"
    with speaking("es"):
        assert str(place) == "codocente de 5B"


def test_templates_say_texts_and_escape_what_they_are_given() -> None:
    environment = Environment(autoescape=True)
    speak_in(environment)
    template = environment.from_string(
        '{{ _("Sign in") }} {{ late }} {% trans name %}Ask about\n   {{ name }}{% endtrans %}'
        ' {{ ngettext("point", "points", 2) }}'
    )
    with speaking("es"):
        shown = template.render(name="<i>Kim</i>", late=NAMELESS)
    assert shown == "Entrar Escriba su nombre. Preguntar por &lt;i&gt;Kim&lt;/i&gt; puntos"
