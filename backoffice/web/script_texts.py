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
    lazy("1 selected"),
    lazy("{count} selected"),
    lazy("↓ or j"),
    lazy("Next row"),
    lazy("↑ or k"),
    lazy("Previous row"),
    lazy("Home, End"),
    lazy("First and last row"),
    lazy("Space"),
    lazy("Select the row"),
    lazy("Enter"),
    lazy("Open the row"),
    lazy("Change the row's first cell; in it, Alt+Enter goes on to the next"),
    lazy("Show these keys"),
    lazy("Keys in this list"),
    lazy("Close"),
    lazy("No answer came, so this may not be saved. What you typed is still here: save it again."),
    lazy("No answer came. Check the connection, then try again."),
    lazy(
        "This is gone, or not yours to change any more. Nothing was saved. Copy what you typed if"
        " you need it."
    ),
    lazy("You are signed out, and nothing was saved. Sign in in another tab, then save again."),
    lazy("Too many tries. Wait a minute, then save again."),
    lazy("Something went wrong, so this may not be saved. What you typed is still here: save it again."),
    lazy("Enter saves, Alt+Enter saves and goes on, Escape leaves."),
    lazy("Saved."),
    lazy("Find"),
    lazy("1 result"),
    lazy("{count} results"),
    lazy("Results"),
    lazy("{name} is chosen."),
    lazy("Nothing can be found at this moment. Try again."),
    lazy("You are signed out. Sign in in another tab, then try again."),
)


def texts_of_scripts() -> dict[str, str]:
    """The English texts, each with what it is in the language that is spoken; none in English."""
    if language() == ENGLISH:
        return {}
    return {str.__str__(text): str(text) for text in TEXTS}
