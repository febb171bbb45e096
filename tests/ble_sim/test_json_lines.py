import contextlib
import os

import pytest

from ble_sim.files.json_lines import JsonLinesError, append_json_line, cut_json_lines, write_json_lines


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
    with pytest.raises(JsonLinesError, match=r"lines.jsonl, line 2: "):
        cut_json_lines(path, lambda line: line["number"] < 2)
    assert path.read_text() == content


def test_a_number_that_is_not_finite_is_refused(tmp_path):
    path = tmp_path / "lines.jsonl"
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_json_line(path, {"number": float("nan")})
    assert not path.exists()


@contextlib.contextmanager
def file_size_limit(size):
    """Files cannot grow beyond this: a write fills them up to it and fails."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", range(13))
def test_a_line_that_has_no_room_leaves_those_before_it(tmp_path, room):
    path = tmp_path / "lines.jsonl"
    append_json_line(path, {"number": 0})
    before = path.read_bytes()
    with file_size_limit(len(before) + room):
        for _ in range(2):
            with pytest.raises(OSError, match=r"File too large: '.*lines\.jsonl'"):
                append_json_line(path, {"number": 1})
            assert path.read_bytes() == before
    append_json_line(path, {"number": 2})
    assert path.read_bytes() == before + b'{"number": 2}\n'


@pytest.mark.parametrize("length", [1, 70_000, 200_000])
def test_half_a_line_that_could_not_be_cut_off_is_cut_off_by_the_next_one(tmp_path, length):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"number": 0}\n{"number": "' + "1" * length)
    append_json_line(path, {"number": 2})
    assert path.read_text() == '{"number": 0}\n{"number": 2}\n'
    path.write_text('{"' + "1" * length)
    append_json_line(path, {"number": 3})
    assert path.read_text() == '{"number": 3}\n'


def test_a_write_in_pieces_is_completed(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:3]))
    append_json_line(tmp_path / "lines.jsonl", {"number": 0})
    assert (tmp_path / "lines.jsonl").read_text() == '{"number": 0}\n'


def test_lines_are_added_to_the_file_that_a_link_leads_to(tmp_path):
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "lines.jsonl")
    append_json_line(tmp_path / "link.jsonl", {"number": 0})
    append_json_line(tmp_path / "link.jsonl", {"number": 1})
    cut_json_lines(tmp_path / "link.jsonl", lambda line: line["number"] == 1)
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "lines.jsonl").read_text() == '{"number": 1}\n'


def test_a_file_is_written_anew(tmp_path):
    path = tmp_path / "lines.jsonl"
    write_json_lines(path, [{"number": 0}, {"number": 1}])
    write_json_lines(path, [{"number": 2}])
    assert path.read_text() == '{"number": 2}\n'
