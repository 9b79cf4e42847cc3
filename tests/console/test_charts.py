"""Where bars stand."""

from backoffice.console.charts import ABOVE, BELOW, HEIGHT, Mark, columns, lengths


def test_the_tallest_bar_fills_the_room_and_what_hangs_down_begins_at_the_line() -> None:
    chart = columns([Mark("One", "1", 10), Mark("Two", "2", 5, -10)])
    one, two = chart.bars
    assert (one.top, two.falls) == (ABOVE, one.rises)
    assert round(chart.zero + two.falls, 1) == HEIGHT - BELOW
    assert one.x + chart.bar < two.x


def test_nothing_at_all_lies_at_the_foot() -> None:
    assert columns([Mark("One", "1", 0)]).zero == HEIGHT - BELOW
    assert columns([]).bars == []


def test_the_newest_bar_has_its_title_and_others_where_there_is_room() -> None:
    chart = columns([Mark(str(hour), str(hour), 1) for hour in range(24)], most_titles=8)
    assert [bar.title for bar in chart.bars if bar.title] == ["2", "5", "8", "11", "14", "17", "20", "23"]


def test_lengths_are_parts_of_the_longest_and_never_below_nothing() -> None:
    assert lengths([4, 1, 0, -3]) == [100.0, 25.0, 0.0, 0.0]
    assert lengths([]) == []
