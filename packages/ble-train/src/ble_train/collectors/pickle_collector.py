"""All transitions of each episode."""

import pickle

from ble_sim.files.atomic import write_bytes
from ble_train.collectors.file_collector import FileCollector
from ble_train.collectors.statistics_instance import StatisticsInstance


class PickleCollector(FileCollector):
    """Writes a list of `StatisticsInstance` for each episode: metrics/pickle/pickle_EPISODE.pkl.

    As in the original, the list ends with the statistics of `end_episode`: it holds the last transition twice, the
    second time with the length of the episode as its step.
    """

    def get_name(self) -> str:
        return "pickle"

    def begin_episode(self) -> None:
        self._statistics: list[StatisticsInstance] = []

    def step(self, statistics: StatisticsInstance) -> None:
        self._statistics.append(statistics)

    def end_episode(self, statistics: StatisticsInstance) -> None:
        self._statistics.append(statistics)
        content = pickle.dumps(self._statistics, protocol=pickle.HIGHEST_PROTOCOL)
        write_bytes(self._folder / f"pickle_{self.current_episode}.pkl", content)
        self.current_episode += 1
