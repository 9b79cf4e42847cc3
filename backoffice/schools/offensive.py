"""Which random codes nobody wants on a child's poster.

Lists of offensive words are lists of whole words; a code has no vowels, no S and no L, and still reads as one
now and then: with figures in their place, or as the bones of a word. So this is a short list of our own, of
what can come about in the alphabet of the codes. No page shows it.
"""

import re

# Read also without their vowels, and with a letter for two of it.
_BONES = (
    *("FUCK", "CUNT", "TWAT", "WANK", "WTF", "STFU", "DICK", "PRICK", "PORN", "CRAP", "FART", "TURD", "TARD"),
    *("NIGER", "NEGRO", "TRANY", "CHINK", "HITLER", "RETARD", "DAMN", "DEATH", "PERV", "FANY", "GYPY"),
    *("MERDE", "FICK", "FOTZE", "PENDEJO", "CABRON"),
)
# Too short for that, or read only as they stand.
_WHOLE = (
    *("FUK", "CUM", "JIZZ", "COCK", "VAG", "RAPE", "PEDO", "FAG", "DYKE", "KIKE", "NIGG", "PAKI", "COON"),
    *("NAZI", "KKK", "DEAD", "HATE", "FAT", "GAY", "PUTA", "PUTE", "CACA", "KACKE", "69", "666"),
)
# How a letter can look in a code; I is seen in its place even where it is missing.
_LOOKS = {
    "A": "4",
    "B": "[B6]",
    "C": "[CK]",
    "E": "3",
    "G": "[G69]",
    "I": "Y?",
    "L": "7",
    "O": "Q",
    "P": "[P9]",
    "S": "Z",
    "T": "[T7]",
    "U": "V",
}


def _whole(word: str) -> str:
    return "".join(_LOOKS.get(letter, letter) for letter in word)


def _bones(word: str) -> str:
    return "".join(
        f"(?:{_LOOKS[letter]})?" if letter in "AEIOU" else f"{_LOOKS.get(letter, letter)}+" for letter in word
    )


_OFFENSIVE = re.compile("|".join([*map(_bones, _BONES), *map(_whole, _WHOLE)]))


def is_offensive(code: str) -> bool:
    """Whether somebody could read something offensive in a code."""
    return _OFFENSIVE.search(code) is not None
