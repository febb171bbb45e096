"""The episode loop of training, validation and evaluation: one episode at a time, or many side by side.

one_by_one        `fly_episode`: any agent in any Gymnasium environment
side_by_side      `fly_side_by_side`: an agent's `Policy`, in compiled steps
with_views        `fly_with_views`: a `ViewPolicy`, which sees more than the observation
in_batches        `fly_in_batches`: a `BatchPolicy`, which any framework can make
episodes          what observers receive: steps, finished episodes, and the watcher
tiles             the episodes of a tile, from the reset to the end of the last
watched_tile      shows a watcher the lanes of a tile
chunks            chunks of seeds in threads, on all devices and cores

Side by side, an episode depends on its seeds alone, not on the other episodes, their order or the number of devices:
tiles have one size, and every episode has random streams of its own.
"""
