"""The words of a sweep become command lines of single runs, with names for their files."""

import json
import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

from ble_agents import Agent
from ble_eval.errors import UserError
from ble_eval.sweeps.words import combinations, result_names
from ble_eval.trained import CHECKSUMS
from ble_sim.plugins import UnknownNameError


@dataclass(frozen=True)
class Network:
    layers: tuple[int, ...] = (64,)


@dataclass(frozen=True)
class SteadyOptions:
    names: tuple[str, ...] = ()
    levels: list[float] | None = None
    network: Network = Network()
    bold: bool = False
    note: str = ""


@pytest.fixture
def steady(monkeypatch):
    """The module of an agent with options of many types."""
    module = ModuleType("steady")
    module.Steady = type("Steady", (Agent,), {"options_type": SteadyOptions, "__module__": "steady"})
    for name in Agent.__abstractmethods__:
        setattr(module.Steady, name, lambda *_: 1)
    module.Steady.__abstractmethods__ = frozenset()
    module.Steady.__init__ = lambda self, num_actions, observation_shape, *, seed=None, options=None: None
    monkeypatch.setitem(sys.modules, "steady", module)


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    """Makes the folder of a training run of random_walk with the checkpoints 1 and 2."""
    monkeypatch.chdir(tmp_path)

    def make(name):
        for number in (1, 2):
            (tmp_path / name / "checkpoints" / str(number) / CHECKSUMS).mkdir(parents=True)
        settings = {"agent": "random_walk", "agent_options": {"hysteresis": 7.0}}
        (tmp_path / name / "settings.json").write_text(json.dumps(settings))
        return name

    return make


def lines(*words):
    return [line.words for line in combinations(words)]


def names(*words, alone="agent", number=None):
    found = combinations(words)
    return result_names(found, [alone] * len(found), [number] * len(found))


def test_a_command_line_without_several_words_stays_as_it_is():
    assert lines("--agent", "a", "--seeds", "1", "2") == [["--seeds", "1", "2", "--agent=a"]]
    assert lines("--suite=s", "--wind_field=w", "--agent", "a") == [["--suite=s", "--agent=a", "--wind-field=w"]]
    assert lines("--agent", "--suite", "s") == [["--suite", "s", "--agent"]]
    assert lines("--agent", "a", "-h") == [["-h", "--agent=a"]]
    assert lines("--agent", "a", "--", "b", "--agent", "c") == [["--agent=a", "--", "b", "--agent", "c"]]
    assert lines("stray", "--agent=a") == [["stray", "--agent=a"]]
    assert lines("--agent", "a", "--agent", "b") == [["--agent=b"]]  # The last one counts, as of all flags.
    assert names("--agent", "a") == ["agent"]


def test_every_combination_is_a_line_of_its_own_with_a_name_of_what_differs():
    words = ["--precision", "float32", "float64", "--seeds", "1", "--agent=a", "b", "--wind-field", "w"]
    assert lines(*words) == [
        ["--seeds", "1", "--agent=a", "--wind-field=w", "--precision=float32"],
        ["--seeds", "1", "--agent=a", "--wind-field=w", "--precision=float64"],
        ["--seeds", "1", "--agent=b", "--wind-field=w", "--precision=float32"],
        ["--seeds", "1", "--agent=b", "--wind-field=w", "--precision=float64"],
    ]
    assert names(*words) == ["a__float32", "a__float64", "b__float32", "b__float64"]
    assert names("--agent", "a", "--precision", "float32", "float64") == ["agent__float32", "agent__float64"]


def test_options_are_flags_and_parts_of_the_name():
    words = ["--agent", "random_walk,hysteresis=20", "random_walk", "--wind-field", "uniform_shear,speed=-3,heading=1"]
    shear = ["--wind-field=uniform_shear", "--wind-field.speed=-3", "--wind-field.heading=1"]
    assert lines(*words, "--agent.hysteresis", "9") == [
        ["--agent.hysteresis", "9", "--agent=random_walk", "--agent.hysteresis=20", *shear],
        ["--agent.hysteresis", "9", "--agent=random_walk", *shear],
    ]
    assert names(*words) == ["random_walk,hysteresis=20", "random_walk"]
    assert names("--agent", "random_walk,hysteresis=20") == ["agent"]


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ("names=a,b,bold=true", ["--agent.names", "a", "b", "--agent.bold"]),
        ("names=,bold=False", ["--agent.names", "--agent.no-bold"]),
        ("levels=1.5,-2,note=one, two", ["--agent.levels", "1.5", "-2", "--agent.note=one, two"]),
        ("network.layers=3,4,note=a=b", ["--agent.network.layers", "3", "4", "--agent.note=a=b"]),
        ("note=~/a,names=~,~/b", ["--agent.note=/home/me/a", "--agent.names", "/home/me", "/home/me/b"]),
        ("no_such=3", ["--agent.no_such=3"]),  # Left to the parser.
    ],
)
def test_values_have_the_form_of_their_types(options, flags, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert lines("--agent", f"steady:Steady,{options}") == [["--agent=steady:Steady", *flags]]


@pytest.mark.usefixtures("steady")
def test_mistakes_in_words():
    with pytest.raises(UserError, match=r"--agent.bold is true or false, not 'maybe'"):
        combinations(["--agent", "steady:Steady,bold=maybe"])
    with pytest.raises(UserError, match="--agent has 'a' twice"):
        combinations(["--agent", "a", "b", "a"])
    with pytest.raises(UserError, match=r"--agent is given 2 times. Give it once, with all its words"):
        combinations(["--agent", "a", "b", "--agent", "c"])
    with pytest.raises(UserError, match="float32 has no options"):
        combinations(["--precision", "float32,x=1"])
    with pytest.raises(UnknownNameError, match=r"Unknown agent 'random_walc'. Did you mean 'random_walk'\?"):
        combinations(["--agent", "random_walc,hysteresis=3"])
    with pytest.raises(UserError, match="--checkpoint goes with one agent that is named"):
        combinations(["--agent", "a", "b", "--checkpoint", "runs"])


def test_a_folder_stands_for_the_agent_that_was_trained_there(run_folder):
    first, second = run_folder("runs/p1"), run_folder("p2")
    assert lines("--agent", f"{first}@2", second, f"{first}/checkpoints,hysteresis=5") == [
        ["--checkpoint=runs/p1", "--checkpoint-idx=2"],
        ["--checkpoint=p2"],
        ["--checkpoint=runs/p1/checkpoints", "--agent.hysteresis=5"],
    ]
    assert names("--agent", f"{first}@2", second, f"{first}/checkpoints", number=2) == [
        "p1_2",
        "p2_2",
        "p1-checkpoints_2",
    ]
    with pytest.raises(UserError, match="--checkpoint-idx goes with one agent that is named"):
        combinations(["--agent", first, "--checkpoint-idx", "2"])
    with pytest.raises(UserError, match=r"There is no folder runs/p3. Give that of a training run"):
        combinations(["--agent", "runs/p3", first])


def test_a_folder_without_settings_does_not_say_its_agent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved" / "3").mkdir(parents=True)
    with pytest.raises(UserError, match="Give --agent NAME --checkpoint saved"):
        combinations(["--agent", "saved"])
    (tmp_path / "random").mkdir()  # A registered name is the agent.
    assert lines("--agent", "random") == [["--agent=random"]]


def test_paths_are_as_long_in_names_as_it_takes_to_tell_them_apart(run_folder):
    run_folder("x/run"), run_folder("y/run")
    agents = ["x/run", "y/run", "x/model.npz", "z/y/model.npz", "one:Agent", "two:Agent", "random_walk"]
    assert names("--agent", *agents) == [
        "x-run",
        "y-run",
        "x-model",
        "y-model",
        "one-Agent",
        "two-Agent",
        "random_walk",
    ]
    with pytest.raises(UserError, match="--agent x/run and --agent x/run@2 are one result"):
        names("--agent", "x/run", "x/run@2", number=2)


def test_names_can_be_names_of_files():
    assert names("--agent", "grid", "--wind-field", "a", "grid_file,file=~/my winds/é.nc") == [
        "agent__a",
        "agent__grid_file,file=-my-winds-é.nc",
    ]
