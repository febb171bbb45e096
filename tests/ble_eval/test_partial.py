import pytest

from ble_eval.errors import UserError
from ble_eval.results.partial import PartialResults

RUN = {"settings": {"suite": "tiny_eval", "seeds": [1, 2, 3]}, "software": {"jax": "1"}}


@pytest.fixture
def path(tmp_path, make_result):
    path = tmp_path / "a.partial.jsonl"
    partial = PartialResults(path, RUN)
    partial.append(make_result(2))
    partial.append(make_result(1))
    return path


def test_what_was_finished_is_found_again_and_added_to(path, make_result):
    partial = PartialResults(path, RUN)
    assert partial.found == 2
    assert partial.finished == {2: make_result(2), 1: make_result(1)}
    partial.append(make_result(3))
    assert list(partial.finished) == [2, 1, 3]
    assert partial.found == 2
    assert PartialResults(path, RUN).found == 3


def test_it_is_in_the_file_before_the_file_is_closed(tmp_path, make_result):
    writer = PartialResults(tmp_path / "b.partial.jsonl", RUN)
    writer.append(make_result(1))
    assert PartialResults(writer.path, RUN).finished == {1: make_result(1)}


@pytest.mark.parametrize("kept", [10, -1, -60])
def test_a_line_that_a_kill_cut_short_is_dropped(path, kept, make_result):
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    found = PartialResults(path, RUN)
    assert found.finished == ({} if kept == 10 else {2: make_result(2)})
    found.append(make_result(1))
    assert PartialResults(path, RUN).finished == {**found.finished, 1: make_result(1)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"settings": {"suite": "tiny_eval", "seeds": [1, 2]}},
            r"seeds is \[1, 2, 3\] there and \[1, 2\] here",
        ),
        ({"software": {"jax": "2"}}, 'jax is "1" there and "2" here'),
        ({"software": {"jax": "1", "flax": "3"}}, 'flax is null there and "3" here'),
    ],
)
def test_another_run_is_not_continued(path, change, message):
    content = path.read_bytes()
    with pytest.raises(UserError, match=f"another run: {message}.*--fresh.*--output-dir"):
        PartialResults(path, {**RUN, **change})
    assert path.read_bytes() == content


@pytest.mark.parametrize("header", ["5", "{}", "no json", '{"settings": 1, "software": 2}'])
def test_a_file_of_another_kind_is_left_alone(path, header):
    path.write_text(header + "\n")
    with pytest.raises(UserError, match="not the beginning of a run"):
        PartialResults(path, RUN)


def test_damage_is_reported_with_its_line(path):
    header, first, second = path.read_text().splitlines()
    path.write_text("\n".join([header, first[:-5], second, ""]))
    with pytest.raises(UserError, match=r"line 2: .*--fresh"):
        PartialResults(path, RUN)
    path.write_text("\n".join([header, first, first, ""]))
    with pytest.raises(UserError, match="seed 2 twice"):
        PartialResults(path, RUN)


def test_discarding_removes_the_file(path):
    PartialResults(path, RUN).discard()
    assert not path.exists()
