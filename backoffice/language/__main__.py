"""`make texts`: write the catalogues anew, and say how many texts wait for a translation."""

import sys

from backoffice.language.catalogues import ENGLISH, languages
from backoffice.language.gathering import ROOT, bring_up, packages


def main() -> None:
    """Bring up each package's catalogue in each language."""
    for language in languages():
        for package in packages() if language != ENGLISH else ():
            left = bring_up(package, language)
            if left:
                name = package.relative_to(ROOT).as_posix()
                sys.stdout.write(f"{name}, {language}: {left} texts wait for a translation\n")


main()
