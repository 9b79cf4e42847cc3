"""Reading pasted lists of names, however they were written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.schools.names import LONGEST, name_key
from backoffice.schools.pasted import HEADING, LEFT_OUT, PastedName, read_pasted

Pair = tuple[str, str | None]
ADA = ("Ada", "Lovelace")
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


def pairs(text: str) -> list[Pair]:
    return [(name.given, name.family) for name in read_pasted(text)]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("Ada Lovelace", ADA),
        ("  Ada   Lovelace  ", ADA),
        ("Ada\u00a0Lovelace", ADA),
        ("Lovelace, Ada", ADA),
        ("Lovelace,Ada", ADA),
        ("Ada\tLovelace", ADA),
        ("Ada \t Lovelace", ADA),
        ("Mary Ann\tEvans Cross", ("Mary Ann", "Evans Cross")),
        ("1. Ada Lovelace", ADA),
        ("1) Ada Lovelace", ADA),
        ("12: Ada Lovelace", ADA),
        ("7 Ada Lovelace", ADA),
        ("12. Lovelace, Ada", ADA),
        ("Plato", ("Plato", None)),
        ("Plato,", ("", "Plato")),
        ("Juan Carlos de la Cruz", ("Juan", "Carlos de la Cruz")),
        ("O'Brien, Conán", ("Conán", "O'Brien")),
        ("王 小明", ("王", "小明")),
        ("王小明", ("王小明", None)),
        ("نور الهدى", ("نور", "الهدى")),
        ("\u200fנועה כהן\u200f", ("נועה", "כהן")),
        ("A\u200bda\ufeff Love\u00adlace", ADA),
        ("Jose\u0301 Nu\u0301n\u0303ez", ("José", "Núñez")),
        ("3M", ("3M", None)),
        ("1.\tAda Lovelace", ADA),
        ("1\tAda\tLovelace", ADA),
        ("Ada\tLovelace\t", ADA),
        ("Ada Lovelace\t", ADA),
        ("\tAda\tLovelace", ADA),
        ("- O'Brien, Siobhán", ("Siobhán", "O'Brien")),
        ("• Lin, Mei", ("Mei", "Lin")),
        ("☐ Lin, Mei", ("Mei", "Lin")),
        ("> – * Ada Lovelace", ADA),
        ("3 - Alan Turing", ("Alan", "Turing")),
        ("(3) Ada Lovelace", ADA),
        ("#3. Ada Lovelace", ADA),
        ("1.Ada Lovelace", ADA),
        ("20431 Ada Lovelace", ADA),
        ("20431\tAda\tLovelace", ADA),
        ("“Ada Lovelace”", ADA),
        ('"Ada Lovelace"', ADA),
        ('"Quoted, Name"', ("Name", "Quoted")),
        ("Smith, John, Jr.", ("John", "Smith Jr.")),
        ("'t Hooft, Gerard", ("Gerard", "'t Hooft")),
        ("🦄 Luna Sparkle", ("Luna", "Sparkle")),
        ("Ada;Lovelace", ADA),
        ("Given", ("Given", None)),
        ("No, My", ("My", "No")),
        ("Grade, Amy", ("Amy", "Grade")),
    ],
)
def test_a_line_is_a_name(line: str, read: Pair) -> None:
    assert pairs(line) == [read]


def test_each_line_is_one_name() -> None:
    assert pairs("Ada Lovelace\r\nAlan Turing\nGrace Hopper\u2028Plato") == [
        ADA,
        ("Alan", "Turing"),
        ("Grace", "Hopper"),
        ("Plato", None),
    ]


def test_lines_are_counted_as_they_were_pasted() -> None:
    assert [name.line for name in read_pasted("\nAda\n\n  \nAlan\n")] == [2, 5]


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "\t", "\u200b\n\ufeff", "\u3164\n\u2800", "-\n•", "🦄", '"""']
)
def test_nothing_is_nobody(text: str) -> None:
    assert read_pasted(text) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ada@school.example", "This looks like an e-mail address. Write the name only."),
        ("Ada ada@school.example", "This looks like an e-mail address. Write the name only."),
        ("12345", "Write a name with letters."),
        ("<script>alert(1)</script>", "Leave out < >, which no name has."),
        ('=HYPERLINK("x")', 'Leave out " =, which no name has.'),
        ('=HYPERLINK("http://x","Ada")', 'Leave out " : =, which no name has.'),
        ("-2+3+cmd|' /C calc'!A0", "Leave out + |, which no name has."),
        ('Robert "Bob" Smith', 'Leave out ", which no name has.'),
        ("http://school.example/ada", "Leave out :, which no name has."),
        ("@@@", "This looks like an e-mail address. Write the name only."),
        (", Ada", None),
        ("Lovelace,", "Write a given name."),
        ("x" * (LONGEST + 1), "Shorten the name to 80 letters."),
        ("A " + "x" * (LONGEST + 1), "Shorten the name to 80 letters."),
        ("x" * LONGEST, None),
    ],
)
def test_what_cannot_be_used_says_why(line: str, problem: str | None) -> None:
    assert [name.problem for name in read_pasted(line)] == [problem]


@pytest.mark.parametrize(
    "spelling", ["ADA LOVELACE", "ada lovelace", "Ada Lovelacé", "Lovelace, Ada", "Ａda Lovelace"]
)
def test_spellings_of_one_name_are_one_child(spelling: str) -> None:
    assert [name.key for name in read_pasted(spelling)] == [name_key("Ada", "Lovelace")]


LISTS = ANY_TEXT | st.text(st.sampled_from("aÉ王ن \t\n,;.1)\u200b\u0301\u202e'-\"•"), max_size=80)


@given(LISTS)
def test_no_list_is_an_error(text: str) -> None:
    assert all(name.line >= 1 for name in read_pasted(text))


@given(LISTS)
def test_what_can_be_used_is_clean(text: str) -> None:
    used = [name for name in read_pasted(text) if name.problem is None]
    assert all(name.given and name.given == " ".join(name.given.split()) for name in used)


@pytest.mark.parametrize(
    "line",
    ["Ada\tLovelace\t4\tF", "Ada;Lovelace;4;F", '"Lovelace, Ada",4,F', "Lovelace, Ada\t4", "Ada Lovelace\t4"],
)
def test_of_more_columns_only_the_name_is_taken(line: str) -> None:
    assert read_pasted(line) == [PastedName(1, *ADA, note=LEFT_OUT)]


def test_what_is_whole_needs_no_note() -> None:
    lines = "Ada Lovelace\nLovelace, Ada\n1.\tAda\tLovelace\nSmith, John, Jr."
    assert [name.note for name in read_pasted(lines)] == [None] * 4


@pytest.mark.parametrize(
    "line",
    [
        *("Name", "NAMES:", "Student Name\tGrade", "Grade 4", "Class 5B", "Last, First", "First\tLast"),
        *("Our students", "Apellidos;Nombre", "Prénom", "No.\tName\tDate of birth"),
    ],
)
def test_a_heading_is_no_child(line: str) -> None:
    assert [name.problem for name in read_pasted(line)] == [HEADING]


@pytest.mark.parametrize(
    "text",
    [
        "Last Name\tFirst Name\nLovelace\tAda",
        "First Name,Last Name,Grade\nAda,Lovelace,4",
        "First Name, Last Name\nAda, Lovelace",
        "Student ID;Surname;Forename;E-mail\n77;Lovelace;Ada;ada@school.example",
        "Grade 4\nFirst\tMiddle\tLast\nAda\tAugusta\tLovelace",
    ],
)
def test_a_heading_says_which_column_is_which(text: str) -> None:
    assert pairs(text)[-1] == ADA


def test_a_heading_without_the_columns_of_a_line_changes_nothing() -> None:
    assert pairs("Student\tLast\tFirst\nAda Lovelace")[-1] == ADA


@pytest.mark.parametrize("line", ['"' + "x" * 200_000, '"x,' * 9, '",",,"', ";;;", ",,,,", "\t,\t;"])
def test_a_broken_line_is_no_error(line: str) -> None:
    assert [name.line for name in read_pasted(line)] in ([], [1])
