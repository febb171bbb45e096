import pytest

from ble_sim.files.json_lines import append_json_line, cut_json_lines


def test_lines_are_cut_by_what_they_say(tmp_path):
    path = tmp_path / "lines.jsonl"
    for number in range(4):
        append_json_line(path, {"number": number})
    assert cut_json_lines(path, lambda line: line["number"] < 2) == [{"number": 0}, {"number": 1}]
    append_json_line(path, {"number": 7})
    assert path.read_text() == '{"number": 0}\n{"number": 1}\n{"number": 7}\n'


def test_a_line_that_was_cut_short_is_removed(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"number": 0}\n{"num')
    assert cut_json_lines(path, lambda line: True) == [{"number": 0}]
    assert path.read_text() == '{"number": 0}\n'


def test_a_file_that_is_not_there_has_no_lines(tmp_path):
    assert cut_json_lines(tmp_path / "lines.jsonl", lambda line: True) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damaged", ["{", "[]", '{"other": 1}', "\x00\x00"])
def test_a_damaged_line_is_named_and_nothing_is_touched(tmp_path, damaged):
    path = tmp_path / "lines.jsonl"
    content = f'{{"number": 9}}\n{damaged}\n'
    path.write_text(content)
    with pytest.raises(ValueError, match=r"lines.jsonl, line 2: "):
        cut_json_lines(path, lambda line: line["number"] < 2)
    assert path.read_text() == content


def test_a_number_that_is_not_finite_is_refused(tmp_path):
    path = tmp_path / "lines.jsonl"
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_json_line(path, {"number": float("nan")})
    assert not path.exists()
