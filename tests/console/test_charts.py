"""Where bars and times stand."""

from datetime import timedelta

from backoffice.console.charts import (
    ABOVE,
    BELOW,
    HEIGHT,
    LEFT,
    WIDTH,
    Mark,
    Range,
    columns,
    lengths,
    times,
)

SECOND = timedelta(seconds=1)


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


def test_a_title_at_either_end_stands_in_the_picture() -> None:
    bars = columns([Mark("a", "26 November", 1)] * 12, most_titles=12).bars
    assert (bars[0].at, bars[0].anchor) == (0.0, "start")
    assert (bars[5].at, bars[5].anchor) == (bars[5].middle, "middle")
    assert (bars[-1].at, bars[-1].anchor) == (WIDTH, "end")


def test_one_is_no_tower_where_more_are_expected() -> None:
    bar = columns([Mark("One", "1", 1)], at_least=4).bars[0]
    assert bar.rises == (HEIGHT - ABOVE - BELOW) / 4


def test_only_the_tallest_say_their_number_where_there_is_no_room() -> None:
    marks = [Mark("a", "a", 100), Mark("b", "b", 1200)]
    assert columns(marks).roomy
    narrow = columns(marks * 20)
    assert (narrow.roomy, narrow.most) == (False, 1200)


def test_equal_steps_of_times_are_equal_factors() -> None:
    chart = times([Range("a", "a", SECOND / 10, SECOND * 10), Range("b", "b", SECOND, SECOND)])
    assert chart is not None
    assert [line.title for line in chart.lines] == ["100 ms", "1 s", "10 s"]
    first, second = chart.spans
    assert (first.middle, first.longest) == (HEIGHT - BELOW, ABOVE)
    assert second.middle == (HEIGHT - BELOW + ABOVE) / 2
    assert first.x > LEFT


def test_times_beyond_all_steps_stand_at_the_ends_and_days_without_any_nowhere() -> None:
    chart = times([Range("a", "a", timedelta(0), timedelta(days=30)), Range("b", "b", None, None)])
    assert chart is not None
    assert (chart.lines[0].title, chart.lines[-1].title) == ("1 ms", "7 days")
    assert (chart.spans[0].middle, chart.spans[0].longest) == (HEIGHT - BELOW, ABOVE)
    assert (chart.spans[1].middle, chart.spans[1].longest) == (None, None)
    # One time alone has a line above and below it.
    alone = times([Range("a", "a", SECOND, SECOND)])
    assert alone is not None
    assert len(alone.lines) == 2
    assert times([Range("a", "a", None, None)]) is None
