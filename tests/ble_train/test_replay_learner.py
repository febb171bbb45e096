"""The agents that learn from a replay memory: when they learn what, and that they go on where they stopped."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from ble_train.algorithms import replay_learner
from ble_train.algorithms.dqn import DqnAgent
from ble_train.algorithms.options import DqnOptions, QuantileOptions, ReplayOptions
from ble_train.algorithms.qr_dqn import FinetunePerciatelliAgent, QuantileAgent
from ble_train.algorithms.replay_learner import ReplayLearner, values_of
from ble_train.builtins import ble_register_agents
from ble_train.learner import LaneStep

SHAPE = (3,)
SMALL: dict[str, Any] = {
    "hidden_sizes": (8,),
    "replay_capacity": 400,
    "min_replay_history": 10,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "exploration": "none",
}
QUANTILE = QuantileOptions(**SMALL, num_quantiles=5)
DQN = DqnOptions(**SMALL)


def make(kind: str = "quantile", seed: int = 0, **options: Any) -> ReplayLearner:
    if kind == "dqn":
        return DqnAgent(2, SHAPE, seed=seed, options=dataclasses.replace(DQN, **options))
    return QuantileAgent(2, SHAPE, seed=seed, options=dataclasses.replace(QUANTILE, **options))


def lane_steps(lanes: int, number: int, seed: int = 0, mean_length: int = 12) -> list[LaneStep]:
    """Episodes of random length that end in both ways."""
    rng = np.random.default_rng(seed)
    steps, begins = [], np.ones(lanes, bool)
    for _ in range(number):
        ends = (rng.random(lanes) < 1 / mean_length) & ~begins
        terminated = ends & (rng.random(lanes) < 0.5)
        steps.append(
            LaneStep(
                rng.random((lanes, *SHAPE), np.float32),
                rng.random(lanes, np.float32),
                terminated,
                ends & ~terminated,
                begins,
            )
        )
        begins = ends
    return steps


def memory_of(agent: ReplayLearner) -> dict[str, Any]:
    return agent.working_state()["memory"]


def steps_of(agent: ReplayLearner) -> int:
    return int(agent.learned_state()["training_steps"])


def updates_of(agent: ReplayLearner) -> int:
    return int(agent.learned_state()["optimiser"][0].count)


def fly_one_by_one(agent: ReplayLearner, episodes: list[tuple[int, bool]], seed: int = 0) -> list[tuple[Any, ...]]:
    """What the original stores of episodes (steps, ends in a terminal state): tuples in the order of its calls."""
    rng = np.random.default_rng(seed)
    stored = []
    for length, terminal in episodes:
        observation = rng.random(SHAPE, np.float32)
        action = agent.begin_episode(observation)
        reward = 0.0
        for step in range(length):
            reward = float(rng.random(dtype=np.float32))
            if terminal and step == length - 1:
                break
            stored.append((observation, action, reward, False, False))
            observation = rng.random(SHAPE, np.float32)
            action = agent.step(reward, observation)
        stored.append((observation, action, reward, terminal, True))
        agent.end_episode(reward, terminal)
    return stored


EPISODES = [(6, True), (4, False), (9, True), (7, False), (1, True), (5, False)]


def test_one_lane_stores_what_the_original_does():
    agent = make(replay_dtype="float32", epsilon=0.5)
    stored = fly_one_by_one(agent, EPISODES)
    agent.begin_episode(
        np.zeros(SHAPE, np.float32)
    )  # The slot at a time limit is written when the next episode begins.
    memory = memory_of(agent)
    assert memory["num_stored"] == memory["num_filled"] == memory["cursor"] == len(stored)
    for slot, expected in enumerate(stored):
        names = ("observation", "action", "reward", "terminal", "episode_end")
        for name, value in zip(names, expected, strict=True):
            np.testing.assert_array_equal(memory["slots"][name][slot, 0], value)
        assert memory["slots"]["valid"][slot, 0]


def test_one_lane_counts_training_steps_as_the_original_does():
    agent = make()
    fly_one_by_one(agent, EPISODES)
    # begin_episode and step count, and step is not called at a terminal state.
    assert steps_of(agent) == sum(length if terminal else length + 1 for length, terminal in EPISODES)


def original_updates(calls: list[int], stored: list[int], options: ReplayOptions) -> int:
    """How many updates calls bring that count so many training steps, with so many transitions stored."""
    counter = updates = 0
    for steps, number in zip(calls, stored, strict=True):
        for _ in range(steps):
            updates += number > options.min_replay_history and counter % options.update_period == 0
            counter += 1
    return updates


@pytest.mark.parametrize("lanes", [1, 4, 7])
@pytest.mark.parametrize("kind", ["quantile", "dqn"])
def test_the_schedule_of_updates(kind, lanes):
    agent = make(kind, n_step=1)
    agent.start_lanes(lanes)
    calls, stored = [], []
    for step in lane_steps(lanes, 200 // lanes):
        agent.step_lanes(step)
        calls.append(lanes - int(step.terminated.sum()))
        stored.append(int(memory_of(agent)["num_stored"]))
        assert updates_of(agent) == original_updates(calls, stored, agent.options)
    assert updates_of(agent) > 30
    assert steps_of(agent) == sum(calls)


@pytest.mark.parametrize(("update_period", "target_update_period"), [(4, 20), (4, 10), (3, 7), (5, 2)])
def test_the_target_network_is_copied_on_time(update_period, target_update_period):
    agent = make(update_period=update_period, target_update_period=target_update_period)
    agent.start_lanes(1)
    online = target = None
    copied_at = 0
    for step in lane_steps(1, 120, mean_length=10**6):
        counter = steps_of(agent)
        agent.step_lanes(step)
        state = agent.learned_state()
        online_now, target_now = (np.array(jax.tree.leaves(state[name])[1]) for name in ("params", "target_params"))
        is_copy = not np.array_equal(target_now, online if target is None else target)
        if is_copy:
            copied_at = counter
            np.testing.assert_array_equal(target_now, online_now)
        online, target = online_now, target_now
        # With what the next update sees, a copy between two updates is the same as one right after the first.
        last_update = counter // update_period * update_period
        due = [k for k in range(12, last_update + update_period) if k % target_update_period == 0]
        if due and copied_at:
            assert copied_at == max(due) // update_period * update_period
    assert copied_at > 50


@pytest.mark.parametrize(("lanes", "target_update_period"), [(24, 12), (23, 20), (24, 3), (24, 10**6)])
def test_updates_in_groups_are_those_made_one_by_one(lanes, target_update_period, monkeypatch):
    """Drawn uniformly, the samples of a group do not depend on the updates before them."""
    states = []
    for samples in (replay_learner.GROUP_SAMPLES, 1):
        monkeypatch.setattr(replay_learner, "GROUP_SAMPLES", samples)
        replay_learner.learn.clear_cache()
        agent = make("dqn", target_update_period=target_update_period, epsilon=0.3)
        agent.start_lanes(lanes)
        for step in lane_steps(lanes, 30):
            agent.step_lanes(step)
        states.append(agent.learned_state())
    grouped, single = states
    assert updates_of(agent) > 100
    np.testing.assert_array_equal(grouped["key"], single["key"])
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6), grouped, single)
    replay_learner.learn.clear_cache()


@pytest.mark.parametrize("lanes", [1, 4])
def test_as_many_transitions_bring_as_many_updates_in_any_number_of_lanes(lanes):
    agent = make(n_step=1)
    agent.start_lanes(lanes)
    for step in lane_steps(lanes, 240 // lanes, mean_length=10**6):
        agent.step_lanes(step)
    assert steps_of(agent) == 240
    assert memory_of(agent)["num_stored"] == 240 - lanes
    assert abs(updates_of(agent) - (240 - 12) // 4) <= 1


def test_lanes_store_their_own_streams():
    agent = make(replay_dtype="float32", epsilon=1.0)
    agent.start_lanes(3)
    steps = lane_steps(3, 60)
    actions = [agent.step_lanes(step) for step in steps]
    slots = memory_of(agent)["slots"]
    for lane in range(3):
        for now in range(1, 60):
            before, step = steps[now - 1], steps[now]
            valid = not before.terminated[lane]
            row = {name: column[now - 1, lane] for name, column in slots.items()}
            assert row["valid"] == valid
            if not valid:
                continue
            np.testing.assert_array_equal(row["observation"], before.observation[lane])
            assert row["action"] == actions[now - 1][lane]
            assert row["terminal"] == step.terminated[lane]
            assert row["episode_end"] == (step.terminated[lane] or step.begins[lane])
            if not step.begins[lane]:
                assert row["reward"] == step.reward[lane]


@pytest.mark.parametrize("interrupt", [lambda agent: agent.start_lanes(1), lambda agent: evaluate(agent)])
def test_samples_do_not_run_on_across_an_interruption(interrupt):
    agent = make(min_replay_history=300)
    agent.start_lanes(1)
    steps = lane_steps(1, 20, mean_length=10**6)
    for step in steps:
        agent.step_lanes(step)
    interrupt(agent)
    for step in steps:
        agent.step_lanes(step)
    nodes = memory_of(agent)["tree"]["nodes"]
    leaves = np.flatnonzero(nodes[len(nodes) // 2 :])
    # 19 slots of each episode, an empty one between them, and samples of 5 slots and a next state.
    assert leaves.tolist() == [*range(14), *range(20, 34)]


def evaluate(agent: ReplayLearner) -> None:
    agent.set_mode("eval")
    fly_one_by_one(agent, [(5, True)])
    agent.set_mode("train")


def test_evaluation_is_greedy_and_changes_nothing():
    agent = make(epsilon=1.0)
    agent.start_lanes(2)
    for step in lane_steps(2, 40):
        agent.step_lanes(step)
    before = agent.learned_state(), memory_of(agent)
    agent.set_mode("eval")
    policy = agent.policy()
    for step in lane_steps(2, 10, seed=1):
        _, expected = jax.vmap(policy.init, in_axes=(None, None, 0))(
            policy.params, jax.random.PRNGKey(0), step.observation
        )
        assert agent.step_lanes(step).tolist() == np.asarray(expected).tolist()
    after = agent.learned_state(), memory_of(agent)
    after[1]["is_torn"] = before[1]["is_torn"]  # The episodes were interrupted.
    jax.tree.map(np.testing.assert_array_equal, before, after)


@pytest.mark.parametrize("kind", ["quantile", "dqn"])
def test_agents_of_one_seed_are_one_and_of_two_are_two(kind):
    runs = []
    for seed in (1, 1, 2):
        agent = make(kind, seed, epsilon=0.3)
        agent.start_lanes(4)
        runs.append([agent.step_lanes(step).tolist() for step in lane_steps(4, 60)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_the_callers_precision_makes_no_difference():
    runs = []
    for x64 in (False, True):
        with jax.enable_x64(x64):
            agent = make(epsilon=0.3)
            agent.start_lanes(2)
            runs.append([agent.step_lanes(step).tolist() for step in lane_steps(2, 40)])
            agent.set_learned_state(agent.learned_state())
            state = agent.learned_state()
        assert {leaf.dtype for leaf in jax.tree.leaves(state["params"])} == {np.dtype(np.float32)}
    assert runs[0] == runs[1]


@pytest.mark.parametrize("kind", ["quantile", "dqn"])
def test_a_restored_agent_goes_on_as_if_it_had_not_been_stopped(kind):
    steps = lane_steps(3, 120)
    agent, other = make(kind, epsilon=0.3), make(kind, seed=9, epsilon=0.3)
    agent.start_lanes(3)
    for step in steps[:60]:
        agent.step_lanes(step)
    learned, working = agent.learned_state(), agent.working_state()
    other.start_lanes(3)
    like = other.learned_state(), other.working_state()
    jax.tree.map(
        lambda found, expected: (found.shape, found.dtype) == (expected.shape, expected.dtype), like, (learned, working)
    )
    other.set_learned_state(learned)
    other.set_working_state(working)
    for step in steps[60:]:
        assert agent.step_lanes(step).tolist() == other.step_lanes(step).tolist()
    for state in ("learned_state", "working_state"):
        jax.tree.map(np.testing.assert_array_equal, getattr(agent, state)(), getattr(other, state)())


def test_states_stay_as_they_are_when_the_agent_goes_on():
    agent = make()
    agent.start_lanes(1)
    steps = lane_steps(1, 80)
    for step in steps[:40]:
        agent.step_lanes(step)
    states = agent.learned_state(), agent.working_state()
    copies = jax.tree.map(np.array, states)
    for step in steps[40:]:
        agent.step_lanes(step)
    jax.tree.map(np.testing.assert_array_equal, states, copies)


def test_checkpoints_hold_all_of_it(tmp_path):
    agent, other = make(epsilon=0.3), make(seed=5, epsilon=0.3)
    fly_one_by_one(agent, EPISODES)
    agent.save_checkpoint(str(tmp_path), 7)
    assert other.reload_latest_checkpoint(str(tmp_path)) == 7
    fly_one_by_one(agent, EPISODES, seed=1)
    fly_one_by_one(other, EPISODES, seed=1)
    for state in ("learned_state", "working_state"):
        jax.tree.map(np.testing.assert_array_equal, getattr(agent, state)(), getattr(other, state)())


def test_without_save_replay_a_resumed_run_fills_its_memory_anew():
    agent, other = make(save_replay=False), make(save_replay=False)
    for each in (agent, other):
        each.start_lanes(1)
    for step in lane_steps(1, 40):
        agent.step_lanes(step)
    assert "memory" not in agent.working_state()
    other.set_learned_state(agent.learned_state())
    other.set_working_state(agent.working_state())
    updates = updates_of(other)
    for step in lane_steps(1, 10, seed=1, mean_length=10**6):
        other.step_lanes(step)
    assert updates_of(other) == updates


def test_metrics_are_means_since_they_were_last_taken():
    agent = make("dqn")
    agent.start_lanes(4)
    assert agent.take_metrics() == {}
    for step in lane_steps(4, 30):
        agent.step_lanes(step)
    metrics = agent.take_metrics()
    assert metrics.keys() == {"HuberLoss", "LearningRate"}
    assert metrics["LearningRate"] == DQN.learning_rate
    assert 0.0 < metrics["HuberLoss"] < 10.0
    assert agent.take_metrics() == {}


class Writer:
    def __init__(self) -> None:
        self.scalars: list[tuple[str, float, int]] = []

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars.append((tag, value, step))


def test_losses_are_logged_by_training_step():
    agent = make()
    agent.set_summary_writer(writer := Writer())
    agent.start_lanes(1)
    for step in lane_steps(1, 60, mean_length=10**6):
        agent.step_lanes(step)
    losses = [scalar for scalar in writer.scalars if scalar[0] == "Train/QuantileLoss"]
    assert [step for _, _, step in losses] == list(range(12, 60, 4))
    assert {tag for tag, _, _ in writer.scalars} == {"Train/QuantileLoss", "Train/LearningRate"}
    assert agent.take_metrics()["QuantileLoss"] == pytest.approx(np.mean([loss for _, loss, _ in losses]))


def test_the_logged_learning_rate_follows_its_schedule():
    agent = make(learning_rate=1e-3, final_learning_rate=1e-4, learning_rate_decay_steps=40)
    agent.set_summary_writer(writer := Writer())
    agent.start_lanes(1)
    for step in lane_steps(1, 70, mean_length=10**6):
        agent.step_lanes(step)
    rates = [value for tag, value, _ in writer.scalars if tag == "Train/LearningRate"]
    assert rates[:10] == pytest.approx(np.linspace(1e-3, 1e-4, 11)[1:])
    assert rates[10:] == pytest.approx([1e-4] * len(rates[10:]))
    assert len(rates) > 11


def test_an_update_is_adam_on_the_mean_loss_with_new_priorities():
    """One update of a linear DQN with one-step samples, written out."""
    options = DqnOptions(
        **{**SMALL, "hidden_sizes": (), "min_replay_history": 20}, n_step=1, prioritized=True, replay_dtype="float32"
    )
    agent = DqnAgent(2, SHAPE, seed=0, options=options)
    agent.start_lanes(1)
    steps = lane_steps(1, 25, mean_length=10**6)
    for step in steps[:24]:
        agent.step_lanes(step)
    before = agent.learned_state(), memory_of(agent)
    agent.step_lanes(steps[24])
    after = agent.learned_state(), memory_of(agent)
    assert updates_of(agent) == 1
    slots = {name: column[:, 0] for name, column in after[1]["slots"].items()}
    old, new = (state["params"]["params"]["Dense_0"] for state in (before[0], after[0]))
    kernel, bias = old["kernel"].astype(float), old["bias"].astype(float)
    values = slots["observation"] @ kernel + bias
    targets = slots["reward"][:-1] + options.gamma * values[1:].max(axis=1)
    errors = values[np.arange(len(targets)), slots["action"][:-1]] - targets
    nodes = after[1]["tree"]["nodes"]
    priorities = nodes[len(nodes) // 2 :]
    drawn = np.flatnonzero((priorities > 0) & (priorities != 1.0))
    assert len(drawn) == options.batch_size  # All different, from strata of 23 equal priorities.
    np.testing.assert_allclose(priorities[drawn], np.sqrt(errors[drawn] ** 2 + 1e-10), rtol=1e-4)
    gradient = np.zeros_like(kernel)
    for slot in drawn:
        gradient[:, slots["action"][slot]] += 2 * errors[slot] * slots["observation"][slot] / len(drawn)
    # Adam's first step, whose corrections undo the decays.
    step = options.learning_rate * gradient / (np.abs(gradient) + options.adam_eps)
    np.testing.assert_allclose(new["kernel"], kernel - step, rtol=1e-4, atol=1e-7)


def test_epsilon_falls_linearly_after_the_warm_up():
    agent = make(epsilon=0.1, epsilon_decay_steps=100)
    seen = []
    agent.start_lanes(1)
    for step in lane_steps(1, 200, mean_length=10**6):
        agent.step_lanes(step)
        seen.append(float(agent._epsilon()))
    assert seen[8] == 1.0
    assert seen[59] == pytest.approx(0.55)
    assert seen[150] == pytest.approx(0.1)


def test_the_learning_rate_falls_to_its_end_and_stays_there():
    agents = make(), make(final_learning_rate=1e-12, learning_rate_decay_steps=100)
    moved = []
    for agent in agents:
        agent.start_lanes(1)
        kernels = []
        for step in lane_steps(1, 200, mean_length=10**6):
            agent.step_lanes(step)
            kernels.append(agent.learned_state()["params"]["params"]["mlp"]["Dense_0"]["kernel"].copy())
        moved.append([np.abs(kernels[end] - kernels[start]).max() for start, end in ((8, 13), (60, 80), (130, 199))])
    constant, falling = moved
    assert falling[0] == constant[0] > 0.0  # the first update
    assert 0.0 < falling[1] < 0.8 * constant[1]
    assert falling[2] == 0.0 < constant[2]


def test_wrong_lanes_and_spaces_are_refused():
    agent = make()
    agent.start_lanes(2)
    with pytest.raises(ValueError, match=r"expects observations \[2, 3\], got \(3, 3\)"):
        agent.step_lanes(lane_steps(3, 1)[0])
    with pytest.raises(ValueError, match="flatten"):
        QuantileAgent(2, (3, 3), options=QUANTILE)
    with pytest.raises(ValueError, match="exploration='none'"):
        QuantileAgent(2, SHAPE)
    with pytest.raises(ValueError, match="finetune_perciatelli"):
        FinetunePerciatelliAgent(2, SHAPE)


def test_a_memory_for_another_number_of_lanes_starts_empty():
    agent = make()
    agent.start_lanes(2)
    for step in lane_steps(2, 30):
        agent.step_lanes(step)
    updates = updates_of(agent)
    agent.start_lanes(3)
    for step in lane_steps(3, 3, mean_length=10**6):
        agent.step_lanes(step)
    assert memory_of(agent)["num_stored"] == 6
    assert updates_of(agent) == updates


def test_a_memory_without_samples_teaches_nothing():
    agent = make(n_step=5)
    fly_one_by_one(agent, [(2, False)] * 20)
    jax.tree.map(
        np.testing.assert_array_equal, agent.learned_state()["params"], make(n_step=5).learned_state()["params"]
    )


@pytest.mark.parametrize("kind", ["quantile", "dqn"])
def test_they_find_the_rewarding_way(kind):
    """A chain of four places with the reward at its right end, from which going left leads back to the start."""
    options = {
        "gamma": 0.9,
        "n_step": 3,
        "batch_size": 32,
        "learning_rate": 3e-3,
        "epsilon": 0.3,
        "hidden_sizes": (32,),
    }
    options = dataclasses.replace(QUANTILE if kind == "quantile" else DQN, **options, replay_capacity=4000)
    agent = (QuantileAgent if kind == "quantile" else DqnAgent)(2, (4,), seed=0, options=options)
    lanes, places = 8, np.zeros(8, int)
    agent.start_lanes(lanes)
    no, reward, terminated = np.zeros(lanes, bool), np.zeros(lanes, np.float32), np.zeros(lanes, bool)
    begins = np.ones(lanes, bool)
    for _ in range(400):
        actions = agent.step_lanes(LaneStep(np.eye(4, dtype=np.float32)[places], reward, terminated, no, begins))
        begins = terminated
        moved = np.where(actions == 1, places + 1, np.maximum(places - 1, 0))
        terminated = ~begins & (moved == 4)
        reward = terminated.astype(np.float32)
        places = np.where(begins | terminated, 0, moved)
    agent.set_mode("eval")
    observation = np.eye(4, dtype=np.float32)
    agent.start_lanes(4)
    lanes = LaneStep(observation, *(np.zeros(4, np.float32), *[np.zeros(4, bool)] * 2), np.ones(4, bool))
    assert agent.step_lanes(lanes).tolist() == [1, 1, 1, 1]
    params = agent.learned_state()["params"]
    values = np.asarray(agent.exported_policy().architecture.preferences(params, observation))
    np.testing.assert_allclose(values[:, 1], [0.9**3, 0.9**2, 0.9, 1.0], atol=0.15)


def test_values_of_actions():
    values = np.arange(12).reshape(2, 3, 2)
    assert np.asarray(values_of(np.array([2, 0]), values)).tolist() == [[4, 5], [6, 7]]


def test_they_are_registered_under_the_names_of_the_original():
    assert {one.name for one in ble_register_agents()} >= {"quantile", "dqn", "mlp", "finetune_perciatelli"}
