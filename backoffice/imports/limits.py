"""How large a list that somebody brings may be, and the word for one that cannot be read."""

LARGEST_FILE = 4 << 20
LARGEST_UNPACKED = 48 << 20
MOST_PARTS = 400
MOST_ROWS = 5_000
MOST_COLUMNS = 60
LONGEST_CELL = 1_000
# Of a whole table, however few bytes it came in.
MOST_LETTERS = 4_000_000


class Unreadable(Exception):
    """A list cannot be read; `sentence` says what to do and quotes nothing of it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = str(sentence)
