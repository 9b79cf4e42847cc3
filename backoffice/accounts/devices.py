"""What a browser that signed in is called to a person: "Firefox on Windows"."""

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


def named(user_agent: str | None) -> str:
    """The browser and the system in words; never what the browser says word for word."""
    said = user_agent or ""
    browser = next((name for part, name in BROWSERS if part in said), "A browser")
    system = next((name for part, name in SYSTEMS if part in said), None)
    return f"{browser} on {system}" if system else browser
