"""What a banner is that everybody reads at the top of the home page while it is up."""

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.language.catalogues import ENGLISH


@dataclass(frozen=True)
class Banner:
    """Plain text, which the page escapes: a heading, what is read at once, and what is unfolded below titles.

    `language` is the one that it is written in, `spoken` that of its titles and of the page.
    """

    heading: str
    lines: Sequence[str]
    more: Sequence[tuple[str, Sequence[str]]] = ()
    language: str = ENGLISH
    spoken: str = ENGLISH
