"""Pictures and films of flights that are over."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from ble_env.options import MatplotlibOptions
from ble_env.rendering.track import Track
from ble_eval.pictures.film import OutputFile


@dataclass(frozen=True)
class Output(OutputFile):
    """A file to write.

    Attributes:
        path: of the file; its suffix says what it is.
        every: agent steps between two frames of a film.
        fps: frames a second.
        options: of the picture.

    Raises:
        UserError: the file cannot be written, or a library for it is missing.
    """

    every: int
    fps: int
    options: MatplotlibOptions

    def write(self, tracks: Sequence[Track], console: Console) -> str:
        """Write the file, and say what it is.

        Args:
            tracks: of the flights; those that have not begun are left out.
            console: where a film shows its progress.

        Raises:
            OSError: it cannot be written.
            UserError: ffmpeg fails.
        """
        from ble_env.rendering.flight_picture import OffScreen

        tracks = [track for track in tracks if not track.is_empty]
        drawing = OffScreen([track.name for track in tracks], tracks[0].station_keeping_radius_km, self.options)
        if not self.is_film:
            return self.write_picture(lambda path: drawing.save(path, tracks))
        numbers = frame_steps(max(track.num_steps for track in tracks), self.every)
        frames = (drawing.draw(tracks, number) for number in numbers)
        return self.write_film(frames, len(numbers), self.fps, console)


def frame_steps(num_steps: int, every: int) -> list[int]:
    """The number of steps that each frame of a film shows: from the start to the end, which is always there."""
    steps = list(range(0, num_steps + 1, every))
    return steps if steps[-1] == num_steps else [*steps, num_steps]
