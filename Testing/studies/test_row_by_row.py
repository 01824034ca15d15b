"""Lines of figures in a file: there as soon as they are measured, and not measured again."""

from row_by_row import Rows


def test_a_line_is_there_at_once_and_after_a_restart(tmp_path):
    rows = Rows(tmp_path / "figures.csv", ("case", "way"))
    assert (rows.lines, rows.done) == ([], set())
    rows.add({"case": "a, b", "way": "first", "dice": 2 / 3})
    assert rows.path.read_text() == 'case,way,dice\n"a, b",first,0.6667\n'
    again = Rows(rows.path, rows.keys)
    again.add({"case": "c", "way": "second", "dice": ""})
    assert again.done == {("a, b", "first"), ("c", "second")}
    assert [line["dice"] for line in rows.lines] == ["0.6667", ""]
