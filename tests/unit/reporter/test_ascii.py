from reporter import ascii as chart


def test_bars_share_one_scale_and_line_up() -> None:
    lines = chart.bars([("long name", 20.0), ("b", 5.0), ("c", 0.01), ("d", 0.0), ("e", -3.0)], "ms").splitlines()
    assert [line.count("#") for line in lines] == [40, 10, 1, 0, 0]
    assert lines[1].startswith("b           5.0 ms  #")
    assert lines[4].endswith("-3.0 ms")


def test_a_histogram_counts_every_value_once() -> None:
    lines = chart.histogram([1.0, 1.5, 2.0, 10.0], "ms", bins=3).splitlines()
    assert [line.split("  ")[1].split()[0] for line in lines] == ["3", "0", "1"]


def test_equal_values_and_no_values() -> None:
    assert chart.histogram([5.0, 5.0], "ms").count("\n") == 0
    assert chart.histogram([], "ms") == "no data"
    assert chart.bars([], "ms") == "no data"


def test_tracks_have_a_bar_of_their_share_and_none_where_it_is_unknown() -> None:
    rows = [("0–1 s", "2 of 2", 1.0), ("1–2 s", "1 of 12", 1 / 12), ("2–3 s", "0 of 2", 0.0), ("3–4 s", "–", None)]
    assert chart.tracks(rows).splitlines() == [
        f"0–1 s   2 of 2  {'#' * 40}",
        "1–2 s  1 of 12  ###",
        "2–3 s   0 of 2",
        "3–4 s        –",
    ]
    assert chart.tracks([]) == ""
