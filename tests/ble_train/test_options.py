"""Options of the agents that learn: the published configuration, and values that are refused."""

import pytest

from ble_train.algorithms.options import DqnOptions, MlpOptions, PpoOptions, QuantileOptions


def test_the_published_configuration():
    options = QuantileOptions()
    assert (options.gamma, options.n_step, options.batch_size, options.num_quantiles) == (0.993, 5, 32, 51)
    assert (options.learning_rate, options.adam_eps) == (2e-6, 2e-5)
    assert (options.update_period, options.target_update_period, options.min_replay_history) == (4, 100, 500)
    assert (options.replay_capacity, options.prioritized, options.epsilon) == (2_000_000, True, 0.0)
    assert (options.exploration, options.exploratory_episode_probability) == ("marco_polo", 0.8)
    dqn = DqnOptions()
    assert (dqn.prioritized, dqn.epsilon, dqn.exploration) == (False, 0.01, "none")


@pytest.mark.parametrize(
    "options",
    [
        {"n_step": 0},
        {"gamma": 1.1},
        {"epsilon": -0.1},
        {"learning_rate": 0.0},
        {"replay_capacity": 500},
        {"replay_dtype": "float64"},
        {"exploration": "curiosity"},
        {"num_quantiles": 0},
        {"hidden_sizes": (0,)},
    ],
)
def test_senseless_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        QuantileOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"update_period": 0},
        {"target_update_period": 0},
        {"min_replay_history": -1},
        {"learning_rate_decay_steps": -1},
        {"epsilon_decay_steps": -1},
        {"final_learning_rate": 0.0},
        {"adam_eps": float("nan")},
        {"exploratory_episode_probability": 1.5},
        {"agent_phase_hours": 0.0},
        {"walk_phase_hours": float("inf")},
        {"hidden_sizes": (8, -1)},
    ],
)
def test_every_range_of_replay_options_is_checked(options):
    for kind in (QuantileOptions, DqnOptions):
        with pytest.raises(ValueError, match=next(iter(options))):
            kind(**options)


@pytest.mark.parametrize("options", [{"learning_rate": 0.0}, {"gamma": 1.5}, {"hidden_sizes": (8, 0)}])
def test_every_range_of_mlp_options_is_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        MlpOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"gamma": 1.5},
        {"gae_lambda": -0.1},
        {"rollout_steps": 0},
        {"epochs": 0},
        {"minibatch_size": 0},
        {"decay_steps": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"final_learning_rate": -1e-4},
        {"clip_range": 0.0},
        {"entropy_bonus": -0.1},
        {"final_entropy_bonus": -0.1},
        {"value_weight": -1.0},
        {"max_gradient_norm": 0.0},
        {"network_options": "[1]"},
        {"network_options": "level_sizes"},
    ],
)
def test_every_range_of_ppo_options_is_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        PpoOptions(**options)
