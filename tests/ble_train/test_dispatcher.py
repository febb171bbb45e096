import functools

import pytest

from ble_train.collectors.collector import Collector
from ble_train.collectors.dispatcher import CollectorDispatcher, CollectorWarning
from ble_train.collectors.statistics_instance import StatisticsInstance
from ble_train.loops.records import IterationRecord

HOOKS = ("pre_training", "begin_episode", "step", "end_episode", "end_iteration", "end_training")
STATISTICS = StatisticsInstance(0, 1, 0.5, False)
ITERATION = IterationRecord(0, 1, 41, 1.0, 0.5, None)
ARGUMENTS = {"begin_episode": (40,), "step": (STATISTICS,), "end_episode": (STATISTICS,), "end_iteration": (ITERATION,)}


class Recorder(Collector):
    """Keeps the names of its hooks as they are called, and fails in one of them."""

    def __init__(self, base_dir, num_actions, current_episode, *, failing="", error=RuntimeError):
        super().__init__(base_dir, num_actions, current_episode)
        self.arguments = base_dir, num_actions, current_episode
        self.called = []
        self.steps = []
        self.failing = failing
        self.error = error

    def get_name(self):
        return "recorder"

    def _called(self, hook):
        self.called.append(hook)
        self.steps.append(self.env_steps)
        if hook == self.failing:
            raise self.error("as intended")

    def pre_training(self):
        self._called("pre_training")

    def begin_episode(self):
        self._called("begin_episode")

    def step(self, statistics):
        assert statistics is STATISTICS
        self._called("step")

    def end_episode(self, statistics):
        assert statistics is STATISTICS
        self._called("end_episode")

    def end_iteration(self, record):
        assert record is ITERATION
        self._called("end_iteration")

    def end_training(self):
        self._called("end_training")


class Silent(Collector):
    def get_name(self):
        return "silent"


def call(dispatcher, hook):
    getattr(dispatcher, hook)(*ARGUMENTS.get(hook, ()))


def kept(collectors, constructor):
    """The constructor, which also appends what it makes to `collectors`."""

    def construct(*arguments):
        collectors.append(constructor(*arguments))
        return collectors[-1]

    return construct


def test_every_hook_reaches_every_collector_in_order(tmp_path):
    made = []
    dispatcher = CollectorDispatcher(str(tmp_path), 3, [kept(made, Recorder), kept(made, Recorder), Silent], 100)
    for hook in HOOKS:
        call(dispatcher, hook)
    assert [collector.called for collector in made] == [list(HOOKS)] * 2
    assert made[0].steps == [0, 40, 41, 41, 41, 41]
    assert made[0].arguments == (str(tmp_path), 3, 100)
    assert {path.name for path in (tmp_path / "metrics").iterdir()} == {"recorder", "silent"}


@pytest.mark.parametrize("failing", HOOKS)
def test_a_collector_that_fails_is_named_and_left_out(failing):
    made = []
    broken = functools.partial(Recorder, failing=failing)
    dispatcher = CollectorDispatcher(None, 3, [kept(made, broken), kept(made, Recorder)], 0)
    for hook in HOOKS:
        if hook == failing:
            with pytest.warns(CollectorWarning, match=f"Recorder failed in {hook} .*: RuntimeError: as intended"):
                call(dispatcher, hook)
        else:
            call(dispatcher, hook)
    assert made[0].called == list(HOOKS[: HOOKS.index(failing) + 1])
    assert made[1].called == list(HOOKS)


def test_a_collector_that_cannot_be_made_is_named_and_left_out():
    def unlucky(base_dir, num_actions, current_episode):
        raise OSError("no space left")

    made = []
    with pytest.warns(CollectorWarning, match="collector unlucky cannot be made .*: OSError: no space left"):
        dispatcher = CollectorDispatcher(None, 3, [unlucky, kept(made, Recorder)], 0)
    dispatcher.begin_episode(0)
    assert made[0].called == ["begin_episode"]


def test_an_interruption_by_the_user_is_none_of_the_collectors_failures():
    interrupted = functools.partial(Recorder, failing="step", error=KeyboardInterrupt)
    dispatcher = CollectorDispatcher(None, 3, [interrupted], 0)
    with pytest.raises(KeyboardInterrupt):
        call(dispatcher, "step")


def test_the_first_writer_is_found():
    def with_writer(*arguments):
        collector = Silent(*arguments)
        collector.summary_writer = "writer"
        return collector

    assert CollectorDispatcher(None, 3, [Silent, with_writer], 0).get_summary_writer() == "writer"
    assert CollectorDispatcher(None, 3, [Silent], 0).get_summary_writer() is None
