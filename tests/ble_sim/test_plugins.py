"""The registry behind all extension points. Plugins are really installed: dist-info folders on sys.path."""

import importlib.machinery
import sys
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from installed_plugins import install_plugin, run_python
from kites import AnchorRegistration, KiteAndAnchorHooks, KiteHooks, KiteRegistration

from ble_sim.plugins import DuplicateNameError, NoOptions, PluginWarning, UnknownNameError, hookimpl
from ble_sim.plugins.listing import describe, describe_all, listing_text
from ble_sim.plugins.records import resolve
from ble_sim.plugins.registry import BrokenPlugin, Plugins, Registry

GROUP = "ble_test.plugins"
"""Of its own: the plugins of our packages may be installed under the real one."""


@pytest.fixture(autouse=True)
def every_plugin(monkeypatch):
    monkeypatch.delenv("BLE_PLUGINS", raising=False)


@pytest.fixture
def builtin(monkeypatch):
    """builtin(name, hook): a module of our own that implements a hook."""

    def builtin(name, hook):
        module = ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        setattr(module, hook.__name__, hookimpl(hook))
        monkeypatch.setitem(sys.modules, name, module)
        return name

    return builtin


@pytest.fixture(autouse=True)
def builtin_kites(builtin):
    def ble_register_kites():
        return [KiteRegistration("sled", dict), KiteRegistration("delta", dict)]

    builtin("builtin_kites", ble_register_kites)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(distribution, version, source, attribute=""): a distribution whose one module is `source`."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(distribution: str, version: str, source: str, attribute: str = "") -> str:
        entry_point = distribution.replace("-", "_") + "_kites"
        module = install_plugin(
            tmp_path, distribution, version, source, entry_point=entry_point, attribute=attribute, group=GROUP
        )
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    yield install
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def plugin_source(*names: str, before: str = "") -> str:
    return (
        f"{before}\n"
        "from kites import KiteRegistration\n"
        "from ble_sim.plugins import hookimpl\n"
        "@hookimpl\n"
        "def ble_register_kites():\n"
        f"    return [KiteRegistration(name, dict) for name in {names!r}]\n"
    )


def kites(*builtins: str) -> Registry:
    return Registry(KiteRegistration, Plugins(KiteHooks, {name: (KiteRegistration,) for name in builtins}, GROUP))


def broken(registry: Registry) -> list[BrokenPlugin]:
    """Plugins that failed to load, or whose hook failed."""
    return [*registry.plugins.broken, *registry.broken]


def load_reporting(registry: Registry) -> list[str]:
    """Load the registry and return the messages of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registry.names()
    assert all(warning.category is PluginWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def test_builtins_register_through_the_hook():
    registry = kites("builtin_kites")
    assert registry.names() == ["delta", "sled"]
    assert registry.get("sled") == KiteRegistration("sled", dict)
    assert broken(registry) == []
    assert registry.duplicates == {}


def test_an_installed_entry_point_is_found_by_name_and_origin(install):
    install("kite-shop", "2.5", plugin_source("box"))
    registry = kites("builtin_kites")
    assert load_reporting(registry) == []
    assert registry.names() == ["box", "delta", "sled"]
    assert registry.get("box").name == "box"
    assert registry.origin("box") == "kite-shop 2.5"


def test_an_entry_point_may_name_an_object(install):
    source = plugin_source("box") + "class plugin: ble_register_kites = staticmethod(ble_register_kites)\n"
    install("kite-shop", "1", source, attribute=":plugin")
    assert "box" in kites("builtin_kites").names()


def test_the_origin_of_a_builtin_names_its_package(builtin):
    # pytest's distribution stands in for one of ours, which need not be installed to be tested.
    def ble_register_kites():
        return [KiteRegistration("foil", dict)]

    assert kites(builtin("pytest.foils", ble_register_kites)).origin("foil") == f"pytest {pytest.__version__}"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (plugin_source("box").replace("return", "raise RuntimeError('torn') #"), "RuntimeError: torn"),
        (
            "def ble_register_kites(): return []",
            "no function ble_register_kites decorated with ble_sim.plugins.hookimpl",
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
        (plugin_source("box").replace("return", "return 'box' #"), "returned 'b', which is not a KiteRegistration"),
        (plugin_source("box").replace("(name,", "(3,"), "whose name is not a non-empty string"),
        (plugin_source(""), "whose name is not a non-empty string"),
        (plugin_source("box").replace("():", "(sky):"), "hookimpl definition: ble_register_kites(sky)"),
    ],
)
def test_a_broken_plugin_is_reported_once_and_the_others_work(install, source, error):
    install("bad-kites", "0.1", source)
    install("kite-shop", "2.5", plugin_source("parafoil"))
    registry = kites("builtin_kites")
    (message,) = load_reporting(registry)
    assert "'bad_kites_kites = bad_kites' of bad-kites 0.1 is left out" in message
    assert error in message
    assert load_reporting(registry) == []
    assert registry.names() == ["delta", "parafoil", "sled"]
    (failure,) = broken(registry)
    assert (failure.plugin, str(failure.origin)) == ("bad_kites_kites = bad_kites", "bad-kites 0.1")
    assert failure.left_out
    assert error in failure.error
    assert failure.traceback.startswith("Traceback")
    assert error in failure.traceback


def test_a_misspelt_hook_beside_a_right_one_is_named_and_the_right_one_works(install):
    misspelt = "@hookimpl\ndef ble_register_kits():\n    return []\n"
    of_another_package = "@hookimpl\ndef ble_register_anchors():\n    return []\n"
    meant = "@hookimpl(optionalhook=True)\ndef ble_register_kitess():\n    return []\n"
    install("kite-shop", "2.5", plugin_source("box") + misspelt + of_another_package + meant)
    registry = kites("builtin_kites")
    assert load_reporting(registry) == [
        "The plugin 'kite_shop_kites = kite_shop' of kite-shop 2.5 has a mistake:"
        " no hook is called ble_register_kits, did you mean ble_register_kites?"
    ]
    assert registry.get("box").name == "box"
    assert [failure.left_out for failure in broken(registry)] == [False]


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
    registry = kites("builtin_kites")
    messages = load_reporting(registry)
    assert set(registry.names()) == {"delta", "sled"} | found
    assert len(messages) == bool(warned)
    assert all(part in message for message in messages for part in warned)
    assert load_reporting(Registry(AnchorRegistration, registry.plugins)) == []


def test_the_listing_describes_what_there_is_and_what_failed(install):
    install("kite-shop", "2.5", plugin_source("sled", "box"))
    install("bad-kites", "0.1", "1 / 0")
    install("torn-kites", "0.2", plugin_source("box").replace("return", "raise RuntimeError('torn') #"))
    registry = kites("builtin_kites")
    load_reporting(registry)
    listing = describe(registry)
    assert (listing["kind"], listing["hook"]) == ("kite", "ble_register_kites")
    assert [record["name"] for record in listing["extensions"]] == ["box", "delta"]
    assert listing["extensions"][0] == {"name": "box", "distribution": "kite-shop", "version": "2.5", "summary": ""}
    (duplicate,) = listing["duplicates"]
    assert duplicate["name"] == "sled"
    assert duplicate["claimed_by"][1] == "kite-shop 2.5"
    (failure,) = listing["failures"]
    assert failure["plugin"] == "torn_kites_kites = torn_kites"
    assert failure["error"] == "RuntimeError: torn"
    everything = describe_all([registry, registry])
    assert everything["kinds"] == [listing, listing]
    (failure,) = everything["failures"]
    assert failure["plugin"] == "bad_kites_kites = bad_kites"
    assert (failure["distribution"], failure["version"]) == ("bad-kites", "0.1")
    assert failure["error"] == "ZeroDivisionError: division by zero"
    assert failure["traceback"].startswith("Traceback")
    assert failure["left_out"]
    text = listing_text(everything)
    assert "kites (hook: ble_register_kites)\n  box     kite-shop 2.5" in text
    assert text.endswith("= bad_kites of bad-kites 0.1 is left out: ZeroDivisionError: division by zero")
    assert "Traceback" not in text
    assert listing_text(everything, tracebacks=True).count("Traceback") == 3


def test_a_record_of_another_kind_is_refused(install):
    install("kite-shop", "2.5", plugin_source("box").replace("KiteRegistration", "AnchorRegistration"))
    registry = kites("builtin_kites")
    (message,) = load_reporting(registry)
    assert "AnchorRegistration(name='box'" in message
    assert "which is not a KiteRegistration" in message
    assert registry.names() == ["delta", "sled"]


def test_the_registry_works_after_its_warning_was_raised_as_an_error(install):
    install("bad-kites", "0.1", "1 / 0")
    registry = kites("builtin_kites")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            registry.names()
        assert registry.names() == ["delta", "sled"]


def test_a_name_claimed_twice_is_an_error_naming_both(install):
    install("kite-shop", "2.5", plugin_source("sled", "box"))
    registry = kites("builtin_kites")
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
        kites("builtin_kites").get(name)
    message = str(error.value)
    assert message.startswith(f"Unknown kite {name!r}.")
    assert message.endswith("Known: delta, sled.")
    assert (f"Did you mean {nearest!r}?" in message) if nearest else ("Did you mean" not in message)
    assert isinstance(error.value, KeyError)
    assert isinstance(error.value, ValueError)


def test_an_empty_registry_says_so():
    with pytest.raises(UnknownNameError, match="none is installed"):
        kites("no_such_package.builtins").get("sled")


def test_plugins_load_at_the_first_question_and_once_for_all_threads(builtin):
    calls = []
    start = threading.Barrier(8)

    def ble_register_kites():
        calls.append(threading.get_ident())
        threading.Event().wait(0.05)
        return [KiteRegistration("sled", dict)]

    registry = kites(builtin("slow_kites", ble_register_kites))
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


def test_a_plugin_that_asks_its_registry_while_it_loads_is_the_broken_one(builtin):
    def ble_register_kites():
        return [KiteRegistration(name + "_2", dict) for name in registry.names()]

    registry = kites("builtin_kites", builtin("impatient_kites", ble_register_kites))
    (message,) = load_reporting(registry)
    assert "still loading" in message
    assert registry.names() == ["delta", "sled"]


def test_a_plugin_that_asks_a_registry_at_its_import_is_the_broken_one(install, monkeypatch):
    registry = kites("builtin_kites")
    monkeypatch.setattr("kites.registry", registry, raising=False)
    install("impatient-kites", "1", plugin_source("box", before="import kites; kites.registry.names()"))
    (message,) = load_reporting(registry)
    assert "still loading" in message
    assert registry.names() == ["delta", "sled"]


ANCHOR = "@hookimpl\ndef ble_register_anchors():\n    return [AnchorRegistration('fluke', len)]\n"


def test_a_plugin_of_several_kinds_is_loaded_once_and_each_kind_stands_by_itself(install):
    counting = "import kites; kites.loaded = getattr(kites, 'loaded', 0) + 1\nfrom kites import AnchorRegistration\n"
    install("harbour", "1", plugin_source("box", before=counting).replace("return", "raise OSError('calm') #") + ANCHOR)
    install("bad-kites", "0.1", "1 / 0")
    plugins = Plugins(KiteAndAnchorHooks, group=GROUP)
    anchors, registry = Registry(AnchorRegistration, plugins), Registry(KiteRegistration, plugins)
    (message,) = load_reporting(anchors)
    assert message.startswith("The plugin 'bad_kites_kites = bad_kites' of bad-kites 0.1 is left out")
    assert anchors.make("fluke", "chain") == 5
    (message,) = load_reporting(registry)
    assert message.startswith("The kite plugin 'harbour_kites = harbour' of harbour 1 is left out: OSError: calm")
    assert (registry.names(), anchors.names()) == ([], ["fluke"])
    assert sys.modules["kites"].__dict__.pop("loaded") == 1


def test_a_builtin_that_is_announced_too_is_loaded_once(install, tmp_path):
    install("our-kites", "1", plugin_source("box"))
    registry = kites("our_kites")
    assert load_reporting(registry) == []
    assert (registry.names(), registry.origin("box")) == (["box"], "our-kites 1")


def test_a_registry_imports_only_the_builtins_of_its_kind():
    builtins = {"builtin_kites": (KiteRegistration,), "json.no_such": (AnchorRegistration,)}
    plugins = Plugins(KiteAndAnchorHooks, builtins, GROUP)
    assert load_reporting(Registry(KiteRegistration, plugins)) == []
    (message,) = load_reporting(Registry(AnchorRegistration, plugins))
    assert "'json.no_such' of json (not installed) is left out: ModuleNotFoundError" in message


@dataclass(frozen=True)
class TailOptions:
    length: float = 1.0


def test_options_are_passed_on_only_to_an_extension_that_has_some():
    def received(*arguments, **keywords):
        return arguments, keywords

    plain, tailed = KiteRegistration("plain", received), KiteRegistration("tailed", received, TailOptions)
    assert plain.construct(1, seed=2) == plain.construct(1, options=NoOptions(), seed=2) == ((1,), {"seed": 2})
    assert tailed.construct(1) == ((1,), {"options": TailOptions()})
    assert tailed.construct(options=TailOptions(3.0), seed=2) == ((), {"options": TailOptions(3.0), "seed": 2})
    with pytest.raises(TypeError, match=r"options of kite 'tailed' are a .*TailOptions, not NoOptions\(\)"):
        tailed.construct(options=NoOptions())
    with pytest.raises(TypeError, match="options of kite 'plain' are a"):
        plain.construct(options=TailOptions())


def test_resolve_imports_only_what_is_named_by_a_string():
    assert resolve("pathlib:Path") is Path
    assert resolve(len) is len
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        resolve("no_such_module:Agent")


def test_importing_the_registries_imports_nothing_heavy():
    code = "import sys, ble_sim.plugins.registries; print(sys.modules.keys() & {'jax', 'numpy', 'gymnasium', 'tyro'})"
    assert run_python(code) == "set()"
