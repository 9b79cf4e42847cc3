"""What a browser that signed in is called to a person: "Firefox on Windows"."""

from backoffice.language.texts import lazy

# In this order: most browsers also say the names of those below them.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("CrOS", "a Chromebook"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
)


_SAID = {
    "A browser": lazy("A browser"),
    "a Chromebook": lazy("a Chromebook"),
    "an iPhone": lazy("an iPhone"),
    "an iPad": lazy("an iPad"),
    "a Mac": lazy("a Mac"),
}


def said(name: str) -> str:
    """What a browser was called, in the language that is spoken."""
    browser, on, system = name.partition(" on ")
    browser, system = _SAID.get(browser, browser), _SAID.get(system, system)
    return lazy("%(browser)s on %(system)s", browser=browser, system=system) if on else browser


def named(user_agent: str | None) -> str:
    """The browser and the system in words; never what the browser says word for word."""
    said = user_agent or ""
    browser = next((name for part, name in BROWSERS if part in said), "A browser")
    system = next((name for part, name in SYSTEMS if part in said), None)
    return f"{browser} on {system}" if system else browser
