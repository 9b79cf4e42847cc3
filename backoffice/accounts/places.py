"""Where somebody teaches: countries, states where the law is a state's, and their usual time zones.

Names of countries and the zones of each come from the time zone database that the product ships with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from unicodedata import combining, normalize

from backoffice.language.catalogues import ENGLISH
from backoffice.language.spoken import language, locale
from backoffice.language.texts import gettext
from backoffice.problems import Rejected

# Above all others on the list.
FIRST = ("US", "CA", "GB", "IE", "AU", "NZ")
_EAST, _MIDDLE, _MOUNTAIN, _WEST = (
    f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Los_Angeles")
)
# Code, name, and where most of its people live as the time zone database calls it.
STATES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "US": {
        "AL": ("Alabama", _MIDDLE),
        "AK": ("Alaska", "America/Anchorage"),
        "AZ": ("Arizona", "America/Phoenix"),
        "AR": ("Arkansas", _MIDDLE),
        "CA": ("California", _WEST),
        "CO": ("Colorado", _MOUNTAIN),
        "CT": ("Connecticut", _EAST),
        "DE": ("Delaware", _EAST),
        "DC": ("District of Columbia", _EAST),
        "FL": ("Florida", _EAST),
        "GA": ("Georgia", _EAST),
        "HI": ("Hawaii", "Pacific/Honolulu"),
        "ID": ("Idaho", "America/Boise"),
        "IL": ("Illinois", _MIDDLE),
        "IN": ("Indiana", "America/Indiana/Indianapolis"),
        "IA": ("Iowa", _MIDDLE),
        "KS": ("Kansas", _MIDDLE),
        "KY": ("Kentucky", "America/Kentucky/Louisville"),
        "LA": ("Louisiana", _MIDDLE),
        "ME": ("Maine", _EAST),
        "MD": ("Maryland", _EAST),
        "MA": ("Massachusetts", _EAST),
        "MI": ("Michigan", "America/Detroit"),
        "MN": ("Minnesota", _MIDDLE),
        "MS": ("Mississippi", _MIDDLE),
        "MO": ("Missouri", _MIDDLE),
        "MT": ("Montana", _MOUNTAIN),
        "NE": ("Nebraska", _MIDDLE),
        "NV": ("Nevada", _WEST),
        "NH": ("New Hampshire", _EAST),
        "NJ": ("New Jersey", _EAST),
        "NM": ("New Mexico", _MOUNTAIN),
        "NY": ("New York", _EAST),
        "NC": ("North Carolina", _EAST),
        "ND": ("North Dakota", _MIDDLE),
        "OH": ("Ohio", _EAST),
        "OK": ("Oklahoma", _MIDDLE),
        "OR": ("Oregon", _WEST),
        "PA": ("Pennsylvania", _EAST),
        "RI": ("Rhode Island", _EAST),
        "SC": ("South Carolina", _EAST),
        "SD": ("South Dakota", _MIDDLE),
        "TN": ("Tennessee", _MIDDLE),
        "TX": ("Texas", _MIDDLE),
        "UT": ("Utah", _MOUNTAIN),
        "VT": ("Vermont", _EAST),
        "VA": ("Virginia", _EAST),
        "WA": ("Washington", _WEST),
        "WV": ("West Virginia", _EAST),
        "WI": ("Wisconsin", _MIDDLE),
        "WY": ("Wyoming", _MOUNTAIN),
    },
    "CA": {
        "AB": ("Alberta", "America/Edmonton"),
        "BC": ("British Columbia", "America/Vancouver"),
        "MB": ("Manitoba", "America/Winnipeg"),
        "NB": ("New Brunswick", "America/Moncton"),
        "NL": ("Newfoundland and Labrador", "America/St_Johns"),
        "NS": ("Nova Scotia", "America/Halifax"),
        "NT": ("Northwest Territories", "America/Edmonton"),
        "NU": ("Nunavut", "America/Iqaluit"),
        "ON": ("Ontario", "America/Toronto"),
        "PE": ("Prince Edward Island", "America/Halifax"),
        "QC": ("Quebec", "America/Toronto"),
        "SK": ("Saskatchewan", "America/Regina"),
        "YT": ("Yukon", "America/Whitehorse"),
    },
    "AU": {
        "ACT": ("Australian Capital Territory", "Australia/Sydney"),
        "NSW": ("New South Wales", "Australia/Sydney"),
        "NT": ("Northern Territory", "Australia/Darwin"),
        "QLD": ("Queensland", "Australia/Brisbane"),
        "SA": ("South Australia", "Australia/Adelaide"),
        "TAS": ("Tasmania", "Australia/Hobart"),
        "VIC": ("Victoria", "Australia/Melbourne"),
        "WA": ("Western Australia", "Australia/Perth"),
    },
}
# What a person chooses from who does not live where most do. The whole database would be 400.
ZONES: Mapping[str, Mapping[str, str]] = {
    "North America": {
        "America/St_Johns": "Newfoundland",
        "America/Halifax": "Atlantic",
        _EAST: "Eastern",
        _MIDDLE: "Central",
        _MOUNTAIN: "Mountain",
        "America/Phoenix": "Arizona",
        _WEST: "Pacific",
        "America/Anchorage": "Alaska",
        "Pacific/Honolulu": "Hawaii",
    },
    "Europe and Africa": {
        "Atlantic/Reykjavik": "Reykjavik",
        "Europe/London": "London, Dublin, Lisbon",
        "Europe/Paris": "Paris, Berlin, Madrid, Rome",
        "Europe/Athens": "Athens, Helsinki, Kyiv",
        "Africa/Lagos": "Lagos",
        "Africa/Johannesburg": "Johannesburg",
        "Africa/Nairobi": "Nairobi",
    },
    "Asia": {
        "Asia/Dubai": "Dubai",
        "Asia/Karachi": "Karachi",
        "Asia/Kolkata": "India",
        "Asia/Dhaka": "Dhaka",
        "Asia/Bangkok": "Bangkok, Jakarta",
        "Asia/Shanghai": "China, Hong Kong, Singapore, Manila",
        "Asia/Tokyo": "Tokyo, Seoul",
    },
    "Australia and the Pacific": {
        "Australia/Perth": "Perth",
        "Australia/Darwin": "Darwin",
        "Australia/Adelaide": "Adelaide",
        "Australia/Brisbane": "Brisbane",
        "Australia/Sydney": "Sydney, Melbourne",
        "Pacific/Auckland": "Auckland",
    },
    "South America": {
        "America/Bogota": "Bogota, Lima",
        "America/Mexico_City": "Mexico City",
        "America/Santiago": "Santiago",
        "America/Sao_Paulo": "Sao Paulo, Buenos Aires",
    },
}


@dataclass(frozen=True)
class Place:
    """Where somebody teaches."""

    country: str
    state: str | None
    time_zone: str

    @property
    def shown(self) -> str:
        """In words: "California, United States"."""
        country = country_name(self.country)
        return f"{STATES[self.country][self.state][0]}, {country}" if self.state else country


@cache
def countries() -> Mapping[str, str]:
    """Names by ISO 3166 code: the first ones, then all others in the order of their names."""
    named = dict(line for line in _table("iso3166.tab"))
    rest = sorted((code for code in named if code not in FIRST), key=lambda code: named[code].casefold())
    return {code: named[code] for code in (*FIRST, *rest)}


def country_name(code: str) -> str:
    """A country, in the language that is spoken."""
    name = countries()[code]
    return name if language() == ENGLISH else locale().territories.get(code, name)


def named_countries() -> list[tuple[str, str]]:
    """Codes and names in the language that is spoken: the first ones, then all others in its order."""
    named = [(code, country_name(code)) for code in countries()]
    first = len(FIRST)
    return [*named[:first], *sorted(named[first:], key=lambda each: _plain(each[1]))]


def _plain(name: str) -> str:
    """A name without the accents of its letters, which order nothing."""
    return "".join(each for each in normalize("NFD", name.casefold()) if not combining(each))


@cache
def _usual_zones() -> Mapping[str, str]:
    """The zone of each country that the database names first, which is where most people live."""
    zones: dict[str, str] = {}
    for code, _place, zone, *_comment in _table("zone.tab"):
        zones.setdefault(code, zone)
    return zones


@cache
def zones_of(country: str) -> Sequence[str]:
    """The time zones of a country, that of most people first."""
    return [zone for code, _place, zone, *_comment in _table("zone.tab") if code == country]


@cache
def zones() -> frozenset[str]:
    """The time zones of all countries, without the names that they had before."""
    return frozenset(zone for _code, _place, zone, *_comment in _table("zone.tab"))


def zone_name(zone: str) -> str:
    """A time zone in words: "Los Angeles (Pacific)"."""
    city = zone.partition("/")[2].replace("_", " ").replace("/", ", ") or zone
    known = next((zones[zone] for zones in ZONES.values() if zone in zones), city)
    return city if city in known else f"{city} ({known})"


def checked(*, country: str, state: str, time_zone: str) -> Place:
    """The place that was chosen; without a time zone, the one that is usual there. Raises `Rejected`.

    A state is written with its country, "US-CA", since forms list all of them. One of another country is
    passed over where the country has none.
    """
    if country not in countries():
        raise Rejected(country=gettext("Choose a country."))
    own = STATES.get(country, {})
    of, _, code = state.partition("-")
    if own and (of != country or code not in own):
        raise Rejected(
            state=gettext("Choose a state or province of %(country)s.", country=country_name(country))
        )
    if time_zone and not any(time_zone in zones for zones in ZONES.values()):
        raise Rejected(time_zone=gettext("Choose a time zone of the list."))
    if own:
        return Place(country, code, time_zone or own[code][1])
    return Place(country, None, time_zone or _usual_zones().get(country, "UTC"))


def _table(name: str) -> Sequence[list[str]]:
    text = files("tzdata.zoneinfo").joinpath(name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
