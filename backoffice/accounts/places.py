"""Where somebody teaches: countries, states where the law is a state's, and their usual time zones.

Names of countries and the zones of each come from the time zone database that the product ships with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from unicodedata import combining, normalize

from babel.dates import get_timezone_location

from backoffice.language.catalogues import ENGLISH
from backoffice.language.spoken import language, locale
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected

# Above all others on the list.
FIRST = ("US", "CA", "GB", "IE", "AU", "NZ")
_EAST, _MIDDLE, _MOUNTAIN, _WEST = (
    f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Los_Angeles")
)
# Code, name, and where most of its people live as the time zone database calls it.
STATES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "US": {
        "AL": (lazy("Alabama"), _MIDDLE),
        "AK": (lazy("Alaska"), "America/Anchorage"),
        "AZ": (lazy("Arizona"), "America/Phoenix"),
        "AR": (lazy("Arkansas"), _MIDDLE),
        "CA": (lazy("California"), _WEST),
        "CO": (lazy("Colorado"), _MOUNTAIN),
        "CT": (lazy("Connecticut"), _EAST),
        "DE": (lazy("Delaware"), _EAST),
        "DC": (lazy("District of Columbia"), _EAST),
        "FL": (lazy("Florida"), _EAST),
        "GA": (lazy("Georgia"), _EAST),
        "HI": (lazy("Hawaii"), "Pacific/Honolulu"),
        "ID": (lazy("Idaho"), "America/Boise"),
        "IL": (lazy("Illinois"), _MIDDLE),
        "IN": (lazy("Indiana"), "America/Indiana/Indianapolis"),
        "IA": (lazy("Iowa"), _MIDDLE),
        "KS": (lazy("Kansas"), _MIDDLE),
        "KY": (lazy("Kentucky"), "America/Kentucky/Louisville"),
        "LA": (lazy("Louisiana"), _MIDDLE),
        "ME": (lazy("Maine"), _EAST),
        "MD": (lazy("Maryland"), _EAST),
        "MA": (lazy("Massachusetts"), _EAST),
        "MI": (lazy("Michigan"), "America/Detroit"),
        "MN": (lazy("Minnesota"), _MIDDLE),
        "MS": (lazy("Mississippi"), _MIDDLE),
        "MO": (lazy("Missouri"), _MIDDLE),
        "MT": (lazy("Montana"), _MOUNTAIN),
        "NE": (lazy("Nebraska"), _MIDDLE),
        "NV": (lazy("Nevada"), _WEST),
        "NH": (lazy("New Hampshire"), _EAST),
        "NJ": (lazy("New Jersey"), _EAST),
        "NM": (lazy("New Mexico"), _MOUNTAIN),
        "NY": (lazy("New York"), _EAST),
        "NC": (lazy("North Carolina"), _EAST),
        "ND": (lazy("North Dakota"), _MIDDLE),
        "OH": (lazy("Ohio"), _EAST),
        "OK": (lazy("Oklahoma"), _MIDDLE),
        "OR": (lazy("Oregon"), _WEST),
        "PA": (lazy("Pennsylvania"), _EAST),
        "RI": (lazy("Rhode Island"), _EAST),
        "SC": (lazy("South Carolina"), _EAST),
        "SD": (lazy("South Dakota"), _MIDDLE),
        "TN": (lazy("Tennessee"), _MIDDLE),
        "TX": (lazy("Texas"), _MIDDLE),
        "UT": (lazy("Utah"), _MOUNTAIN),
        "VT": (lazy("Vermont"), _EAST),
        "VA": (lazy("Virginia"), _EAST),
        "WA": (lazy("Washington"), _WEST),
        "WV": (lazy("West Virginia"), _EAST),
        "WI": (lazy("Wisconsin"), _MIDDLE),
        "WY": (lazy("Wyoming"), _MOUNTAIN),
    },
    "CA": {
        "AB": (lazy("Alberta"), "America/Edmonton"),
        "BC": (lazy("British Columbia"), "America/Vancouver"),
        "MB": (lazy("Manitoba"), "America/Winnipeg"),
        "NB": (lazy("New Brunswick"), "America/Moncton"),
        "NL": (lazy("Newfoundland and Labrador"), "America/St_Johns"),
        "NS": (lazy("Nova Scotia"), "America/Halifax"),
        "NT": (lazy("Northwest Territories"), "America/Edmonton"),
        "NU": (lazy("Nunavut"), "America/Iqaluit"),
        "ON": (lazy("Ontario"), "America/Toronto"),
        "PE": (lazy("Prince Edward Island"), "America/Halifax"),
        "QC": (lazy("Quebec"), "America/Toronto"),
        "SK": (lazy("Saskatchewan"), "America/Regina"),
        "YT": (lazy("Yukon"), "America/Whitehorse"),
    },
    "AU": {
        "ACT": (lazy("Australian Capital Territory"), "Australia/Sydney"),
        "NSW": (lazy("New South Wales"), "Australia/Sydney"),
        "NT": (lazy("Northern Territory"), "Australia/Darwin"),
        "QLD": (lazy("Queensland"), "Australia/Brisbane"),
        "SA": (lazy("South Australia"), "Australia/Adelaide"),
        "TAS": (lazy("Tasmania"), "Australia/Hobart"),
        "VIC": (lazy("Victoria"), "Australia/Melbourne"),
        "WA": (lazy("Western Australia"), "Australia/Perth"),
    },
}
# What a person chooses from who does not live where most do. The whole database would be 400.
ZONES: Mapping[str, Mapping[str, str]] = {
    lazy("North America"): {
        "America/St_Johns": lazy("Newfoundland"),
        "America/Halifax": lazy("Atlantic"),
        _EAST: lazy("Eastern"),
        _MIDDLE: lazy("Central"),
        _MOUNTAIN: lazy("Mountain"),
        "America/Phoenix": lazy("Arizona"),
        _WEST: lazy("Pacific"),
        "America/Anchorage": lazy("Alaska"),
        "Pacific/Honolulu": lazy("Hawaii"),
    },
    lazy("Europe and Africa"): {
        "Atlantic/Reykjavik": lazy("Reykjavik"),
        "Europe/London": lazy("London, Dublin, Lisbon"),
        "Europe/Paris": lazy("Paris, Berlin, Madrid, Rome"),
        "Europe/Athens": lazy("Athens, Helsinki, Kyiv"),
        "Africa/Lagos": lazy("Lagos"),
        "Africa/Johannesburg": lazy("Johannesburg"),
        "Africa/Nairobi": lazy("Nairobi"),
    },
    lazy("Asia"): {
        "Asia/Dubai": lazy("Dubai"),
        "Asia/Karachi": lazy("Karachi"),
        "Asia/Kolkata": lazy("India"),
        "Asia/Dhaka": lazy("Dhaka"),
        "Asia/Bangkok": lazy("Bangkok, Jakarta"),
        "Asia/Shanghai": lazy("China, Hong Kong, Singapore, Manila"),
        "Asia/Tokyo": lazy("Tokyo, Seoul"),
    },
    lazy("Australia and the Pacific"): {
        "Australia/Perth": lazy("Perth"),
        "Australia/Darwin": lazy("Darwin"),
        "Australia/Adelaide": lazy("Adelaide"),
        "Australia/Brisbane": lazy("Brisbane"),
        "Australia/Sydney": lazy("Sydney, Melbourne"),
        "Pacific/Auckland": lazy("Auckland"),
    },
    lazy("South America"): {
        "America/Bogota": lazy("Bogota, Lima"),
        "America/Mexico_City": lazy("Mexico City"),
        "America/Santiago": lazy("Santiago"),
        "America/Sao_Paulo": lazy("Sao Paulo, Buenos Aires"),
    },
}

# What the time zone database begins the names of its zones with.
REGIONS: Mapping[str, str] = {
    "Africa": lazy("Africa"),
    "America": lazy("America"),
    "Antarctica": lazy("Antarctica"),
    "Arctic": lazy("Arctic"),
    "Asia": lazy("Asia"),
    "Atlantic": lazy("Atlantic"),
    "Australia": lazy("Australia"),
    "Europe": lazy("Europe"),
    "Indian": lazy("Indian"),
    "Pacific": lazy("Pacific"),
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
    english = zone.partition("/")[2].replace("_", " ").replace("/", ", ") or zone
    known = next((zones[zone] for zones in ZONES.values() if zone in zones), english)
    city = city_name(zone, english)
    return city if english in known else f"{city} ({known})"


def city_name(zone: str, english: str) -> str:
    """The place that a time zone is named after, in the language that is spoken."""
    if language() == ENGLISH:
        return english
    return get_timezone_location(zone, locale=locale(), return_city=True)


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
