"""A learner that needs no compiler: what it does follows from all that it has received."""

import numpy as np

from ble_agents.agent import AgentMode
from ble_agents.exported_policy import ExportedPolicy
from ble_train.learner import LaneStep, Learner


class DigestAgent(Learner):
    """Keeps a number for each lane that every observation and reward changes, and acts by it.

    `learned` adds up all rewards: two runs that learned the same had the same episodes.
    """

    def __init__(self, num_actions=3, observation_shape=(1,), *, seed=0, options=None):
        super().__init__(num_actions, observation_shape)
        self.learned = np.float64(seed or 0)
        self.received = []

    def start_lanes(self, num_lanes):
        self.num_lanes = num_lanes
        self.digest = np.zeros(num_lanes, np.float64)

    def step_lanes(self, lanes: LaneStep):
        if self.mode is AgentMode.EVAL:
            return np.ones(self.num_lanes, np.int32)
        self.received.append(lanes)
        self.learned = self.learned + np.float64(lanes.reward[~lanes.begins].sum())
        self.digest = (self.digest * 1.7 + lanes.observation.reshape(self.num_lanes, -1).sum(axis=1)) % 1000.0
        return (self.digest * 10).astype(np.int32) % 3

    def learned_state(self):
        return {"learned": np.asarray(self.learned)}

    def set_learned_state(self, state):
        self.learned = np.float64(state["learned"])

    def working_state(self):
        return {"digest": self.digest}

    def set_working_state(self, state):
        self.digest = np.array(state["digest"])

    def take_metrics(self):
        return {"Learned": float(self.learned)}

    def exported_policy(self) -> ExportedPolicy:
        raise NotImplementedError

    def policy(self):
        return None
