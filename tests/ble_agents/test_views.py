"""Information tracks: agents are handed views, by every way to fly, and what a track withholds cannot be used."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from training_fakes import FakeEnv
from view_agents import Cheating, Knowing, Looking, LookingAlone

from ble_agents import Agent, EpisodeWatcher, create_agent, fly_episode, fly_with_views
from ble_env import BalloonEnv, InformationError, InformationTrack, view_of
from ble_env.information import Withheld
from ble_eval import eval_agent
from ble_eval.suites import EvaluationSuite

SPACES = 3, (1099,)
STEPS = 12


def balloon_env(**arguments):
    return BalloonEnv(wind_field="simple", **arguments)


def test_agents_use_the_observation_unless_they_declare_more():
    assert Agent.information_track is InformationTrack.OBSERVATION
    assert create_agent("station_seeker").information_track == "observation"
    with pytest.raises(ValueError, match=r"track is one of 'observation', 'forecast', 'oracle', not 'wind'\."):
        InformationTrack("wind")


def test_a_view_withholds_the_noise_below_the_oracle():
    env = balloon_env()
    observation, _ = env.reset(seed=1)
    snapshot = env.get_snapshot()
    view = view_of(InformationTrack.FORECAST, *snapshot, observation)
    assert isinstance(view.scenario.noise, Withheld)
    assert view.state is snapshot.state and view.observation is observation
    message = (
        r"^An agent on the information track 'forecast' used the scenario's noise, the error of the forecast \(its"
        r" 'offsets'\), which only 'oracle' may use\. Remove the use, or declare"
    )
    with pytest.raises(InformationError, match=message):
        _ = view.scenario.noise.offsets
    for other in (copy.deepcopy(view.scenario.noise), pickle.loads(pickle.dumps(view.scenario.noise))):
        assert other == view.scenario.noise
    assert view_of(InformationTrack.ORACLE, *snapshot, observation).scenario is snapshot.scenario
    with pytest.raises(ValueError, match="no views on the track 'observation'"):
        view_of(InformationTrack.OBSERVATION, *snapshot, observation)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("agent_type", [Looking, Knowing])
def test_a_flight_is_the_same_side_by_side_alone_and_in_an_environment(agent_type, precision):
    agent, suite = agent_type(*SPACES), EvaluationSuite([3, 5, 8], STEPS)
    together = eval_agent(agent, balloon_env(precision=precision), suite)
    (alone,) = eval_agent(agent, balloon_env(precision=precision), EvaluationSuite([8], STEPS))
    assert alone == together[2]
    wrapped = gymnasium.wrappers.RecordEpisodeStatistics(balloon_env(precision=precision))
    for one, other in zip(eval_agent(agent, wrapped, suite), together, strict=True):
        assert one.time_within_radius == other.time_within_radius
        assert one.flight_path.effective_action.tolist() == other.flight_path.effective_action.tolist()
        assert one.flight_path.x == pytest.approx(other.flight_path.x, rel=1e-5, abs=1e-3)


def test_an_agent_without_a_policy_is_handed_views_one_by_one():
    suite = EvaluationSuite([3, 5], STEPS)
    one, other = (eval_agent(agent(*SPACES), balloon_env(), suite) for agent in (Looking, LookingAlone))
    for left, right in zip(one, other, strict=True):
        assert left.flight_path.effective_action.tolist() == right.flight_path.effective_action.tolist()


def test_a_step_after_the_end_of_an_episode_is_refused():
    agent, env = Looking(*SPACES), balloon_env()
    fly_episode(agent, env, seed=3, max_steps=2)
    observation, _ = env.reset(seed=3)
    view = view_of(InformationTrack.FORECAST, *env.get_snapshot(), observation)
    agent.begin_episode(view)
    assert agent.step(0.0, view) in (0, 1, 2)
    agent.end_episode(0.0)
    with pytest.raises(RuntimeError, match="call begin_episode first"):
        agent.step(0.0, view)


def test_what_is_known_of_the_wind_makes_a_difference():
    suite = EvaluationSuite([3, 5, 8, 9], 40)
    one, other = (eval_agent(agent(*SPACES), balloon_env(), suite) for agent in (Looking, Knowing))
    assert [r.flight_path.effective_action.tolist() for r in one] != [
        r.flight_path.effective_action.tolist() for r in other
    ]


@pytest.mark.parametrize(
    "fly",
    [
        lambda agent, env: eval_agent(agent, env, EvaluationSuite([1, 2, 3], 3)),
        lambda agent, env: fly_episode(agent, env, seed=1, max_steps=3),
    ],
)
def test_an_agent_that_uses_more_than_it_declares_fails(fly):
    with pytest.raises(InformationError, match=r"track 'forecast' used the scenario's noise, .* only 'oracle' may use"):
        fly(Cheating(*SPACES), balloon_env())


def test_an_environment_without_views_is_refused():
    with pytest.raises(
        InformationError, match=r"^Looking is on .* 'forecast', which only a ble_env.BalloonEnv can show, "
    ):
        fly_episode(Looking(*SPACES), FakeEnv())


def test_a_policy_has_one_tile_and_at_most_its_lanes():
    made = []

    class Kept(Looking):
        def view_policy(self, task, lanes):
            made.append(super().view_policy(task, lanes))
            return made[-1]

    eval_agent(Kept(*SPACES), balloon_env(device="cpu"), EvaluationSuite(range(5), 4))
    assert {policy.lanes for policy in made} == {2}
    assert {policy.steps for policy in made} == {4}
    made.clear()
    eval_agent(Kept(*SPACES), balloon_env(), EvaluationSuite([1], 4), tile_size=1)
    assert [policy.lanes for policy in made] == [1]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (lambda lanes: np.ones(lanes), r"^A policy returns integers of shape \(2,\)"),
        (lambda lanes: np.ones(lanes + 1, int), r"^A policy returns integers of shape \(2,\)"),
        (lambda lanes: np.full(lanes, 3), "An action is an integer from 0 to 2, not 3"),
    ],
)
def test_actions_are_checked(actions, message):
    class Wrong:
        def __init__(self, lanes):
            self.lanes = lanes

        def begin(self, view):
            return actions(self.lanes)

        step = begin

    env = balloon_env()
    flight = env.task, env.vehicle, env.precision, [1, 2, 3], 4
    with pytest.raises(ValueError, match=message):
        list(fly_with_views(Wrong, *flight, track=InformationTrack.FORECAST, tile_size=2))


def test_a_watcher_sees_the_flight():
    seen = []

    class Watcher(EpisodeWatcher):
        def step(self, seed, step, snapshot):
            seen.append((seed, step.step, float(snapshot().state.balloon.x)))

    (result,) = eval_agent(Looking(*SPACES), balloon_env(), EvaluationSuite([4], 3), watcher=Watcher())
    assert [(seed, number) for seed, number, _ in seen] == [(4, 0), (4, 1), (4, 2)]
    assert [x / 1000 for *_, x in seen] == pytest.approx(result.flight_path.x.tolist())
