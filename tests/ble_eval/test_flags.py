"""Flags, settings and listings follow from `TASK_PARTS`; names are looked for before the flags are parsed."""

import importlib.machinery
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from evaluation_fakes import FakeEnv
from installed_plugins import run_python
from kites import KiteHooks, KiteRegistration

from ble_env import task_parts
from ble_env.options import MatplotlibOptions, StationKeepingOptions
from ble_env.task_parts import TASK_PARTS, Choice, TaskPart
from ble_eval.cli import main as ble_eval
from ble_eval.command_line.construction import make_parts, make_window
from ble_eval.command_line.flags import (
    FlightArguments,
    common_settings,
    fitted,
    look_for,
    name_flags,
    parse_flight,
    task_choices,
)
from ble_eval.engines import local
from ble_eval.errors import UserError
from ble_eval.settings import RunSettings, differences, listing
from ble_sim.plugins import NoOptions, UnknownNameError, hookimpl, hookspecs
from ble_sim.plugins.registry import Plugins, Registry
from ble_sim.wind.fields.options import GenerativeOptions, UniformShearOptions
from ble_train.cli import main as ble_train
from ble_train.run_settings import RunPlan, RunRecord, TrainingSettings, read_record, write_record


def parsed(*words, saved=None, defaults=None):
    flags = name_flags()
    found = look_for(words, [one.flag for one in flags])
    return parse_flight(fitted(FlightArguments, flags, found, saved or {}, defaults or {}), words, "fly")


@dataclass(frozen=True)
class BoxKiteOptions:
    """Options of the box kite."""

    area: float = 2.0
    """Area of the sail, m2."""


@pytest.fixture
def kite_part(monkeypatch):
    """A new part of the task, a kite that takes the reward, declared in `TASK_PARTS` and nowhere else."""

    def box_kite(reward, *, options):
        return type(reward).__name__, options.area

    def ble_register_kites():
        return [
            KiteRegistration("box", box_kite, BoxKiteOptions, "A box kite."),
            KiteRegistration("without", lambda reward: None, summary="No kite."),
        ]

    plugin = ModuleType("kite_plugin")
    plugin.__spec__ = importlib.machinery.ModuleSpec("kite_plugin", None)
    plugin.ble_register_kites = hookimpl(ble_register_kites)
    monkeypatch.setitem(sys.modules, "kite_plugin", plugin)
    hooks = type("Hooks", (KiteHooks,), vars(hookspecs))  # All of them, since our own plugins implement the others.
    kites = Registry(KiteRegistration, Plugins(hooks, {"kite_plugin": (KiteRegistration,)}, "ble_test.plugins"))
    part = TaskPart("tow_kite", kites, "without", "A kite that tows the balloon.", takes=("reward",))
    monkeypatch.setattr(task_parts, "TASK_PARTS", (*TASK_PARTS, part))


@pytest.mark.usefixtures("kite_part")
def test_a_new_part_has_flags_settings_and_a_listing_in_both_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for command in (ble_eval, ble_train):
        with pytest.raises(SystemExit):
            command(["run", "--tow-kite", "box", "--help"])
        text = " ".join(capsys.readouterr().out.replace("│", " ").split())
        assert "A kite that tows the balloon. With --help: its own options. (default: without)" in text
        assert "Area of the sail, m2. (default: 2.0)" in text
        assert "Kites: box, without." in text
        assert command(["plugins"]) == 0
        assert "A box kite." in capsys.readouterr().out

    made = {}
    monkeypatch.setattr(local, "make_environment", lambda parts, precision: made.update(parts) or FakeEnv())
    words = ["run", "--agent", "random", "--seeds", "1"]
    assert ble_eval([*words, "--tow-kite", "box", "--tow-kite.area", "3"]) == 0
    assert made["tow_kite"] == ("StationKeepingReward", 3.0)
    record = json.loads(Path("results/seeds/random.provenance").read_text())
    assert record["settings"]["tow_kite"] == "box"
    assert record["settings"]["tow_kite_options"] == {"area": 3.0}
    assert "kite" in record["software"]
    assert ble_eval(words) == 2
    assert 'tow_kite is "box" there and "without" here.' in capsys.readouterr().err

    settings = TrainingSettings(
        **common_settings(parsed("--agent", "random", "--tow-kite", "box")),
        num_envs=1,
        episodes_per_iteration=2,
        max_episode_length=3,
    )
    record = RunRecord(settings, RunPlan(num_steps=7), {"the wind": "a digest"})
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert settings.task["tow_kite"] == Choice("box", BoxKiteOptions())
    old = {name: value for name, value in settings.to_json().items() if not name.startswith("tow_kite")}
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert read_record(tmp_path / "old.json").settings.task["tow_kite"] == Choice("without", NoOptions())


def test_names_are_found_however_flags_are_written():
    words = ["--agent=a", "--wind_field", "b", "--other", "--reward", "--base-dir", "d", "--some", "1", "2"]
    found = look_for(words, ["--agent", "--wind-field", "--reward", "--base-dir", "--seed"], lists=["--some", "--none"])
    assert vars(found) == {
        "agent": "a",
        "wind_field": "b",
        "reward": None,
        "base_dir": "d",
        "seed": None,
        "some": ["1", "2"],
        "none": None,
    }


def test_options_have_the_types_of_what_is_named():
    arguments = parsed("--agent", "random", "--wind_field", "uniform_shear", "--wind_field.speed", "3")
    assert task_choices(arguments) == {
        "wind_field": Choice("uniform_shear", UniformShearOptions(speed=3.0)),
        "observation": Choice("perciatelli", NoOptions()),
        "reward": Choice("station_keeping", StationKeepingOptions()),
    }
    assert make_parts(task_choices(arguments))["wind_field"].options == UniformShearOptions(speed=3.0)
    for name in ("none", ""):
        with pytest.raises(UnknownNameError, match=f"wind field '{name}'"):
            parsed("--agent", "random", f"--wind_field={name}")
    with pytest.raises(UserError, match=r"Cannot make the wind field 'generative': .*no_such_file"):
        make_parts(task_choices(parsed("--agent", "random", "--wind-field.weights", "no_such_file.npz")))


def test_saved_choices_stand_for_flags_that_are_not_given():
    saved = {
        "agent": Choice("random", NoOptions()),
        "wind_field": Choice("uniform_shear", UniformShearOptions(speed=1.0)),
    }
    arguments = parsed("--wind-field.heading", "20", saved=saved, defaults={"seed": 5})
    assert (arguments.agent, arguments.seed) == ("random", 5)
    assert task_choices(arguments)["wind_field"].options == UniformShearOptions(speed=1.0, heading=20.0)
    other = parsed("--wind-field", "generative", "--seed", "6", saved=saved, defaults={"seed": 5})
    assert other.seed == 6
    assert task_choices(other)["wind_field"].options == GenerativeOptions()


def test_a_window_is_made_of_a_renderer_that_has_one(capsys):
    assert make_window(parsed("--agent", "random")) == {}
    window = make_window(parsed("--agent", "random", "--renderer", "matplotlib", "--render-period", "5"))
    assert (window["render_mode"], window["render_period"]) == ("human", 5)
    assert "human" in window["renderer"].render_modes
    words = ("--agent", "random", "--renderer", "matplotlib")
    assert parsed(*words).renderer_options == MatplotlibOptions()
    with pytest.raises(SystemExit):
        parsed(*words, "--renderer.dpi", "0")
    assert "dpi must be a whole number" in capsys.readouterr().err
    with pytest.raises(UserError, match="--render-period must be at least 1, not 0"):
        make_window(parsed(*words, "--render-period", "0"))


def test_differences_compare_options_where_the_names_are_the_same():
    def settings(wind_field, seed=0):
        return RunSettings(Choice("random", NoOptions()), {"wind_field": wind_field}, "float32", seed).to_json()

    shear = settings(Choice("uniform_shear", UniformShearOptions(speed=1.0)))
    assert differences(shear, shear) == []
    faster = settings(Choice("uniform_shear", UniformShearOptions(speed=2.0)), seed=1)
    both = ["wind field option speed is 1.0 there and 2.0 here", "seed is 0 there and 1 here"]
    assert differences(shear, faster) == both
    assert listing(both) == f":\n  {both[0]}\n  {both[1]}\n"
    assert listing(both[:1]) == f": {both[0]}."
    other = settings(Choice("generative", GenerativeOptions()))
    assert differences(shear, other) == ['wind_field is "uniform_shear" there and "generative" here']


@pytest.mark.parametrize("command", ["ble_eval", "ble_train"])
@pytest.mark.parametrize(
    ("words", "slow"),
    [
        (["--help"], {"gymnasium", "numpy", "jax", "tyro", "rich"}),
        (["run", "--help"], {"jax", "flax", "scipy", "optax"}),
        (["run", "--agent", "station_seeker", "--base-dir", "x", "--help"], {"jax", "flax", "scipy", "optax"}),
        (["plugins"], {"jax", "flax", "scipy", "optax"}),
    ],
)
def test_help_imports_nothing_heavy(command, words, slow):
    check_imports(command, words, slow)


def test_help_of_fly_imports_nothing_heavy():
    slow = {"jax", "flax", "scipy", "matplotlib", "PIL", "imageio_ffmpeg"}
    check_imports("ble_eval", ["fly", "--agent", "station_seeker", "--help"], slow)


def check_imports(command, words, slow):
    """Check that a command ends well, and has imported none of the modules that are slow."""
    code = f"""
import sys
from {command}.cli import main
try:
    assert main({words}) == 0
except SystemExit as stop:
    assert stop.code == 0
print(sorted({slow} & set(sys.modules)))
"""
    assert run_python(code).splitlines()[-1] == "[]"
