"""A collector that only writes files."""

from pathlib import Path

from ble_train.collectors.collector import Collector


class FileCollector(Collector):
    """Writes files to `self._folder`.

    Raises:
        ValueError: there is no base_dir.
        OSError: the folder cannot be made.
    """

    def __init__(self, base_dir: str | None, num_actions: int, current_episode: int) -> None:
        super().__init__(base_dir, num_actions, current_episode)
        if self._base_dir is None:
            raise ValueError(f"{type(self).__name__} needs a base_dir: it only writes files.")
        self._folder = Path(self._base_dir)
