"""What leaves the house about an incident on paper: text that flows over pages, and a drill said on each."""

from backoffice.language.texts import gettext
from backoffice.printing.document import FONT, MARGIN, Document, Paper

PALE = (238, 228, 226)
FOOT = 8.0


class Sheets(Document):
    """Pages that break by themselves above a foot."""

    def __init__(self, *, title: str, paper: Paper, is_drill: bool) -> None:
        super().__init__(title=title, paper=paper)
        self._is_drill = is_drill
        self.set_auto_page_break(True, MARGIN + FOOT)
        self.c_margin = 0

    def header(self) -> None:
        """Say of a drill across each page that it is one."""
        if not self._is_drill:
            return
        with self.local_context(text_color=PALE), self.rotation(52, self.w / 2, self.h / 2):
            self.set_font(FONT, size=110)
            self.set_xy(0, self.h / 2 - 20)
            self.cell(w=self.w, h=40, text=gettext("DRILL"), align="C")
        self.set_xy(self.l_margin, self.t_margin)
