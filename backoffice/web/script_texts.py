"""What scripts say, for those whose language is another than the scripts' own."""

from backoffice.language.catalogues import ENGLISH
from backoffice.language.spoken import language
from backoffice.language.texts import lazy

# Each is a `said("...")` of a script in static/js.
TEXTS = (
    lazy("Copied"),
    lazy("Mark it and copy it"),
    lazy("One moment, please."),
    lazy("Nothing was done: it was cancelled, or the time was over. Try again."),
    lazy("This device has a passkey of yours already."),
    lazy("Passkeys do not work at this address. Open this site by its own address."),
    lazy("Your browser could not do this. Try again, or use another way."),
)


def texts_of_scripts() -> dict[str, str]:
    """The English texts, each with what it is in the language that is spoken; none in English."""
    if language() == ENGLISH:
        return {}
    return {str.__str__(text): str(text) for text in TEXTS}
