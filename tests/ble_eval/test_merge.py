"""What `ble-eval merge` says of the records beside the files."""

import json
from pathlib import Path

import pytest

from ble_eval.cli import main
from ble_eval.results.files import read_results, write_results


@pytest.fixture
def shard(tmp_path, make_result, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(seed, *, content="a", software="1", backend="cpu", wind="simple"):
        folder = Path(f"shard_{seed}")
        folder.mkdir()
        write_results(folder / "a.json", [make_result(seed)])
        settings = {"wind_field": wind, "shard_idx": seed, "seeds": ["1-2"]}
        versions = {"python": "3.11", "jax": software, "jax backend": backend}
        record = {"settings": settings, "software": versions, "content": {"the file a.csv": content}}
        (folder / "a.provenance").write_text(json.dumps(record))
        return str(folder / "a.json")

    return make


def test_the_record_has_the_shards_by_their_paths_and_what_they_have_in_common(shard):
    files = [shard(1), shard(2)]
    assert main(["merge", *files, "--output", "all.json"]) == 0
    record = json.loads(Path("all.provenance").read_text())
    assert list(record["merged_from"]) == files
    assert record["settings"] == {"wind_field": "simple", "seeds": ["1-2"]}
    assert record["content"] == {"the file a.csv": "a"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": "b"}, "shard_1/a.json (there): the file a.csv has changed."),
        ({"wind": "generative"}, 'shard_1/a.json (there): wind_field is "simple" there and "generative" here.'),
    ],
)
def test_shards_of_another_run_are_refused(shard, capsys, changes, message):
    assert main(["merge", shard(1), shard(2, **changes), "--output", "all.json"]) == 2
    assert f"shard_2/a.json (here) is not of the same run as {message}" in capsys.readouterr().err
    assert not Path("all.json").exists()


def test_other_software_is_refused_unless_asked_for(shard, capsys):
    files = [shard(1), shard(2, software="2")]
    assert main(["merge", *files, "--output", "all.json"]) == 2
    err = capsys.readouterr().err
    assert 'shard_2/a.json (here) was flown with other software than shard_1/a.json (there): jax is "1" there' in err
    assert "Give --other-software to merge them all the same." in err
    assert not Path("all.json").exists()
    assert main(["merge", *files, "--output", "all.json", "--other-software"]) == 0
    assert "was flown with other software than shard_1/a.json (there): jax is" in capsys.readouterr().err
    record = json.loads(Path("all.provenance").read_text())
    assert record["software"] == {"python": "3.11", "jax backend": "cpu"}
    assert [one["software"]["jax"] for one in record["merged_from"].values()] == ["1", "2"]


def test_another_backend_is_refused(shard, capsys):
    files = [shard(1), shard(2, backend="gpu")]
    assert main(["merge", *files, "--output", "all.json"]) == 2
    assert 'jax backend is "cpu" there and "gpu" here' in capsys.readouterr().err


def test_missing_records_are_said(shard, capsys):
    files = [shard(1), shard(2)]
    Path(files[1]).with_suffix(".provenance").unlink()
    assert main(["merge", *files, "--output", "all.json"]) == 0
    assert "Without a record beside it, so its settings are unknown: shard_2/a.json." in capsys.readouterr().err


def test_the_joined_file_may_be_compressed(shard, capsys):
    files = [shard(1), shard(2)]
    assert main(["merge", *files, "--output", "all.json.gz"]) == 0
    assert [result.seed for result in read_results(Path("all.json.gz"))] == [1, 2]
    assert json.loads(Path("all.provenance").read_text())["content"] == {"the file a.csv": "a"}
    assert main(["merge", "all.json.gz", "--output", "all.json"]) == 2
    assert "--output all.json would replace all.json.gz" in capsys.readouterr().err
    assert main(["merge", *files, "--output", "all.txt"]) == 2
    assert "give a file whose name ends in .json or .json.gz." in capsys.readouterr().err


def test_a_missing_file_is_named(shard, capsys):
    assert main(["merge", shard(1), "nowhere.json", "--output", "all.json"]) == 2
    err = capsys.readouterr().err
    assert "nowhere.json" in err
    assert "Errno" not in err
