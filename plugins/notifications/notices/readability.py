"""How easily a text is read, from 0 (hard) to 100 (easy), by well-known formulas.

English: Flesch reading ease (R. Flesch, "A new readability yardstick", Journal of Applied Psychology, 1948).
Spanish: Fernández Huerta's adaptation of it (J. Fernández Huerta, "Medidas sencillas de lecturabilidad",
Consigna 214, 1959). Syllables are counted by groups of vowels, which is exact enough for whole texts.
"""

import re

from backoffice.language.texts import lazy

SPANISH = "es"
# From these scores on a text is easy, or plain; below it is hard.
EASY, PLAIN = 70, 50
WORDS = (
    (EASY, lazy("Easy to read"), "good"),
    (PLAIN, lazy("Plain enough: shorter sentences make it easier"), "info"),
    (0, lazy("Hard to read: use shorter sentences and words"), "warn"),
)
_SENTENCE = re.compile(r"[.!?…]+(?=\s|$)|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ENGLISH_VOWELS = re.compile(r"[aeiouy]+")
_SPOKEN = ("ted", "ded", "ses", "xes", "zes", "ches", "shes", "ges", "ces")
_SPANISH_VOWELS = re.compile(r"[aeiouáéíóúüy]+")
# Each of these is a syllable of its own; a weak vowel without an accent goes with its neighbour.
_STRONG = re.compile(r"[aeoáéóíú]")
# "u" after "q", and between "g" and "e" or "i", is not spoken.
_SILENT = re.compile(r"(?<=q)u|(?<=g)u(?=[eiéí])")


def score(text: str, language: str) -> int | None:
    """The score of a text, or None of one without a word."""
    words = _WORD.findall(text.lower())
    if not words:
        return None
    sentences = max(1, sum(1 for each in _SENTENCE.split(text) if _WORD.search(each)))
    a_sentence = len(words) / sentences
    if language == SPANISH:
        found = 206.84 - 60 * sum(map(_spanish, words)) / len(words) - 1.02 * a_sentence
    else:
        found = 206.835 - 84.6 * sum(map(_english, words)) / len(words) - 1.015 * a_sentence
    return round(min(100.0, max(0.0, found)))


def in_words(found: int) -> tuple[str, str]:
    """What a score means, and whether that is good."""
    return next((said, tone) for least, said, tone in WORDS if found >= least)


def _english(word: str) -> int:
    groups = len(_ENGLISH_VOWELS.findall(word))
    return max(1, groups - _ends_silent(word, groups))


def _ends_silent(word: str, groups: int) -> bool:
    """Whether the last vowel is not spoken, as in "made" and "closed", and not in "table" and "wanted"."""
    if word.endswith(("ed", "es")):
        return groups > 1 and not word.endswith(_SPOKEN)
    return word.endswith("e") and not word.endswith(("le", "ee"))


def _spanish(word: str) -> int:
    groups = _SPANISH_VOWELS.findall(_SILENT.sub("", word))
    return max(1, sum(len(_STRONG.findall(each)) or 1 for each in groups))
