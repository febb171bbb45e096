"""The registry behind all extension points. Plugins are really installed: dist-info folders on sys.path."""

import subprocess
import sys
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from ble_sim.plugins import registry as plugins
from ble_sim.plugins.listing import describe
from ble_sim.plugins.registry import (
    DuplicateNameError,
    PluginWarning,
    Registry,
    UnknownNameError,
    hookimpl,
    hookspec,
    resolve,
)

GROUP = "ble_test.kites"


@dataclass(frozen=True)
class KiteRegistration:
    name: str
    colour: str = "red"
    summary: str = ""


class KiteHooks:
    @hookspec
    def ble_register_kites(self):
        """Kites."""


class BuiltinKites:
    @hookimpl
    def ble_register_kites(self):
        return [KiteRegistration("sled"), KiteRegistration("delta")]


@pytest.fixture(autouse=True)
def every_plugin(monkeypatch):
    monkeypatch.delenv("BLE_PLUGINS", raising=False)
    plugins._warn_of_unknown_selection.cache_clear()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(distribution, version, source, attribute=""): a distribution whose one module is `source`."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(distribution: str, version: str, source: str, attribute: str = "") -> str:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{module}_kites = {module}{attribute}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    yield install
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def plugin_source(*names: str, before: str = "") -> str:
    return (
        f"{before}\n"
        "from types import SimpleNamespace\n"
        "from ble_sim.plugins.registry import hookimpl\n"
        "@hookimpl\n"
        "def ble_register_kites():\n"
        f"    return [SimpleNamespace(name=name) for name in {names!r}]\n"
    )


def kites(builtins: tuple[object, ...] = (BuiltinKites(),), record_type: type = object) -> Registry:
    return Registry(
        kind="kite",
        group=GROUP,
        hookspecs=KiteHooks,
        hook="ble_register_kites",
        builtins=builtins,
        record_type=record_type,
    )


def load_reporting(registry: Registry) -> list[str]:
    """Load the registry and return the messages of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registry.names()
    assert all(warning.category is PluginWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def test_builtins_register_through_the_hook():
    registry = kites()
    assert registry.names() == ["delta", "sled"]
    assert registry.get("sled") == KiteRegistration("sled")
    assert registry.broken == []
    assert registry.duplicates == {}


def test_an_installed_entry_point_is_found_by_name_and_origin(install):
    install("kite-shop", "2.5", plugin_source("box"))
    registry = kites()
    assert load_reporting(registry) == []
    assert registry.names() == ["box", "delta", "sled"]
    assert registry.get("box").name == "box"
    assert registry.origin("box") == "kite-shop 2.5"


def test_an_entry_point_may_name_an_object(install):
    source = plugin_source("box") + "plugin = SimpleNamespace(ble_register_kites=ble_register_kites)\n"
    install("kite-shop", "1", source, attribute=":plugin")
    assert "box" in kites().names()


def test_the_origin_of_a_builtin_names_its_package():
    # pytest's distribution stands in for one of ours, which need not be installed to be tested.
    class Foils:
        __module__ = "pytest.foils"

        @hookimpl
        def ble_register_kites(self):
            return [KiteRegistration("foil")]

    assert kites(builtins=(Foils(),)).origin("foil") == f"pytest {pytest.__version__}"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (plugin_source("box").replace("return", "raise RuntimeError('torn') #"), "RuntimeError: torn"),
        (
            "def ble_register_kites(): return []",
            "no function ble_register_kites decorated with ble_sim.plugins.registry.hookimpl",
        ),
        (
            plugin_source("box").replace("ble_register_kites", "ble_register_kite"),
            "no hook is called ble_register_kite, did you mean ble_register_kites?",
        ),
        (
            plugin_source("box").replace("ble_register_kites", "register_kites"),
            "no hook is called register_kites, did you mean ble_register_kites?",
        ),
        (plugin_source("box").replace("return", "return None #"), "ble_register_kites returned None"),
        (plugin_source("box").replace("return", "return 3 #"), "'int' object is not iterable"),
        (plugin_source("box").replace("return", "return 'box' #"), "returned 'b', whose name is not a non-empty"),
        (plugin_source("box").replace("name=name", "label=name"), "whose name is not a non-empty string"),
        (plugin_source(""), "whose name is not a non-empty string"),
        (plugin_source("box").replace("():", "(sky):"), "hookimpl definition: ble_register_kites(sky)"),
    ],
)
def test_a_broken_plugin_is_reported_once_and_the_others_work(install, source, error):
    install("bad-kites", "0.1", source)
    install("kite-shop", "2.5", plugin_source("parafoil"))
    registry = kites()
    (message,) = load_reporting(registry)
    assert "'bad_kites_kites = bad_kites' of bad-kites 0.1 is left out" in message
    assert error in message
    assert load_reporting(registry) == []
    assert registry.names() == ["delta", "parafoil", "sled"]
    (broken,) = registry.broken
    assert (broken.plugin, str(broken.origin)) == ("bad_kites_kites = bad_kites", "bad-kites 0.1")
    assert broken.left_out
    assert error in broken.error
    assert broken.traceback.startswith("Traceback")
    assert error in broken.traceback


def test_a_misspelt_hook_beside_a_right_one_is_named_and_the_right_one_works(install):
    misspelt = "@hookimpl\ndef ble_register_kits():\n    return []\n"
    of_another_package = "@hookimpl\ndef ble_register_anchors():\n    return []\n"
    meant = "@hookimpl(optionalhook=True)\ndef ble_register_kitess():\n    return []\n"
    install("kite-shop", "2.5", plugin_source("box") + misspelt + of_another_package + meant)
    registry = kites()
    assert load_reporting(registry) == [
        "The kite plugin 'kite_shop_kites = kite_shop' of kite-shop 2.5 has a mistake:"
        " no hook is called ble_register_kits, did you mean ble_register_kites?"
    ]
    assert registry.get("box").name == "box"
    assert [broken.left_out for broken in registry.broken] == [False]


@pytest.mark.parametrize(
    ("setting", "found", "warned"),
    [
        (None, {"box", "parafoil", "wing"}, []),
        ("ALL", {"box", "parafoil", "wing"}, []),
        ("none", {"wing"}, []),
        ("", {"wing"}, []),
        ("kite-shop", {"box", "wing"}, []),
        (" Other.Shop_kites , ble-train", {"parafoil", "wing"}, []),
        ("kite_shop, kite-shopp", {"box", "wing"}, ["'kite-shopp'", "Did you mean 'kite-shop'?"]),
        ("zeppelin", {"wing"}, ["BLE_PLUGINS names 'zeppelin'"]),
    ],
)
def test_the_environment_chooses_among_the_plugins_of_others(install, monkeypatch, setting, found, warned):
    install("kite-shop", "2.5", plugin_source("box"))
    install("other-shop", "1", plugin_source("parafoil"))
    install("ble-train", "9", plugin_source("wing"))
    if setting is not None:
        monkeypatch.setenv("BLE_PLUGINS", setting)
    registry = kites()
    messages = load_reporting(registry)
    assert set(registry.names()) == {"delta", "sled"} | found
    assert len(messages) == bool(warned)
    assert all(part in message for message in messages for part in warned)
    assert load_reporting(kites()) == []


def test_the_listing_describes_what_there_is_and_what_failed(install):
    install("kite-shop", "2.5", plugin_source("sled", "box"))
    install("bad-kites", "0.1", "1 / 0")
    registry = kites(builtins=(BuiltinKites(),))
    load_reporting(registry)
    listing = describe(registry)
    assert (listing["kind"], listing["group"]) == ("kite", GROUP)
    assert [record["name"] for record in listing["extensions"]] == ["box", "delta"]
    assert listing["extensions"][0] == {"name": "box", "distribution": "kite-shop", "version": "2.5", "summary": ""}
    (duplicate,) = listing["duplicates"]
    assert duplicate["name"] == "sled"
    assert duplicate["claimed_by"][1] == "kite-shop 2.5"
    (failure,) = listing["failures"]
    assert failure["plugin"] == "bad_kites_kites = bad_kites"
    assert (failure["distribution"], failure["version"]) == ("bad-kites", "0.1")
    assert failure["error"] == "ZeroDivisionError: division by zero"
    assert failure["traceback"].startswith("Traceback")
    assert failure["left_out"]


def test_a_record_of_another_kind_is_refused(install):
    install("kite-shop", "2.5", plugin_source("box"))
    registry = kites(record_type=KiteRegistration)
    (message,) = load_reporting(registry)
    assert "namespace(name='box'), which is not a KiteRegistration" in message
    assert registry.names() == ["delta", "sled"]


def test_the_registry_works_after_its_warning_was_raised_as_an_error(install):
    install("bad-kites", "0.1", "1 / 0")
    registry = kites()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            registry.names()
        assert registry.names() == ["delta", "sled"]


def test_a_name_claimed_twice_is_an_error_naming_both(install):
    install("kite-shop", "2.5", plugin_source("sled", "box"))
    registry = kites()
    (message,) = load_reporting(registry)
    for question in (registry.get, registry.origin):
        with pytest.raises(DuplicateNameError, match="'sled'") as error:
            question("sled")
        assert "kite-shop 2.5" in str(error.value)
        assert str(error.value) == message
    (origins,) = registry.duplicates.values()
    assert len(origins) == 2
    assert origins[1] == "kite-shop 2.5"
    assert registry.names() == ["box", "delta"]
    assert registry.get("box").name == "box"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("sledd", "sled"), ("Delta", "delta"), ("DLETA", "delta"), ("zeppelin", None), ("", None)],
)
def test_an_unknown_name_lists_the_known_with_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError) as error:
        kites().get(name)
    message = str(error.value)
    assert message.startswith(f"Unknown kite {name!r}.")
    assert message.endswith("Known: delta, sled.")
    assert (f"Did you mean {nearest!r}?" in message) if nearest else ("Did you mean" not in message)
    assert isinstance(error.value, KeyError)
    assert isinstance(error.value, ValueError)


def test_an_empty_registry_says_so():
    with pytest.raises(UnknownNameError, match="none is installed"):
        kites(builtins=()).get("sled")


def test_plugins_load_at_the_first_question_and_once_for_all_threads():
    calls = []
    start = threading.Barrier(8)

    class SlowKites:
        @hookimpl
        def ble_register_kites(self):
            calls.append(threading.get_ident())
            threading.Event().wait(0.05)
            return [KiteRegistration("sled")]

    registry = kites(builtins=(SlowKites(),))
    assert calls == []
    answers = []

    def ask():
        start.wait()
        answers.append(registry.names())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [["sled"]] * 8
    assert len(calls) == 1


def test_a_plugin_that_asks_its_registry_while_it_loads_is_the_broken_one():
    class Impatient:
        @hookimpl
        def ble_register_kites(self):
            return [KiteRegistration(name + "_2") for name in registry.names()]

    registry = kites(builtins=(BuiltinKites(), Impatient()))
    (message,) = load_reporting(registry)
    assert "still loading" in message
    assert registry.names() == ["delta", "sled"]


def test_resolve_imports_only_what_is_named_by_a_string():
    assert resolve("pathlib:Path") is Path
    assert resolve(len) is len
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        resolve("no_such_module:Agent")


def test_importing_the_registry_does_not_import_jax():
    code = "import sys, ble_sim.plugins.registry; sys.exit('jax' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
