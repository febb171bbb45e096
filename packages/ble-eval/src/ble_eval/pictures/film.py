"""The file of a picture or a film: checks before it is drawn, and writers of frames."""

import contextlib
import importlib.util
import itertools
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from ble_eval.command_line.progress import ProgressDisplay
from ble_eval.errors import UserError
from ble_sim.files.atomic import remove_leftovers, replacing

PICTURE, GIF, MP4 = ".png", ".gif", ".mp4"
SUFFIXES = (PICTURE, GIF, MP4)
LAST_FRAME_SECONDS = 2.0
"""How long a GIF shows its last frame before it begins again."""

_NEEDED_MODULES = {"matplotlib": "matplotlib", "imageio_ffmpeg": "imageio-ffmpeg"}


@dataclass(frozen=True)
class OutputFile:
    """A file to draw: its suffix says whether it is a picture or a film.

    Attributes:
        path: of the file.

    Raises:
        UserError: the file cannot be written, or a library for it is missing.
    """

    path: Path

    def __post_init__(self) -> None:
        folder = self.path.parent
        if self.kind not in SUFFIXES:
            raise UserError(
                f"--output is {self.path}: give a file whose name ends in .png for a picture, or in .gif or .mp4 for a"
                " film."
            )
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder} for {self.path.name}. Make it, or name another --output.")
        if self.path.is_dir():
            raise UserError(f"--output is {self.path}, a folder. Name a file.")
        if not os.access(self.path if self.path.exists() else folder, os.W_OK):
            raise UserError(f"{self.path} may not be written: permission denied. Name another --output.")
        for module in ("matplotlib", *(["imageio_ffmpeg"] if self.kind == MP4 else [])):
            check_installed(module, f"--output {self.path}")

    @property
    def kind(self) -> str:
        """The suffix: one of `SUFFIXES`."""
        return self.path.suffix.lower()

    @property
    def is_film(self) -> bool:
        """Whether it has more than one frame."""
        return self.kind != PICTURE

    def write_picture(self, save: Callable[[Path], None]) -> str:
        """Write a picture with `save`, and say what it is.

        Raises:
            OSError: it cannot be written.
        """
        remove_leftovers(self.path.parent)
        save(self.path)
        return f"picture: {self.path} ({_size(self.path)})"

    def write_film(self, frames: Iterator[np.ndarray], number: int, fps: int, console: Console) -> str:
        """Write a film, and say what it is.

        Args:
            frames: uint8[height, width, 3], all of one size.
            number: of frames.
            fps: frames a second.
            console: where its progress is shown.

        Raises:
            OSError: it cannot be written.
            UserError: ffmpeg fails.
        """
        remove_leftovers(self.path.parent)
        with ProgressDisplay(console, "writing", number, beginning="drawing") as progress:

            def shown() -> Iterator[np.ndarray]:
                for done, frame in enumerate(frames):
                    progress.show(done, f"{self.path}", f"{done}/{number} frames")
                    yield frame
                progress.show(number, f"{self.path}", f"{number}/{number} frames")

            _WRITERS[self.kind](self.path, shown(), number, fps)
        return f"film: {self.path} ({number} frames, {number / fps:.0f} s, {_size(self.path)})"


def check_installed(module: str, what: str) -> None:
    """Raises a UserError if a library for drawing is not installed; `what` is the flag that needs it."""
    if importlib.util.find_spec(module) is None:
        raise UserError(f'{what} needs {_NEEDED_MODULES[module]}: pip install "ble-eval[video]"')


def _write_gif(path: Path, frames: Iterator[np.ndarray], number: int, fps: int) -> None:
    from PIL import Image

    def images() -> Iterator[Image.Image]:
        for frame in frames:
            image = Image.fromarray(frame)
            yield image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)

    durations = [round(1000 / fps)] * (number - 1) + [round(1000 * LAST_FRAME_SECONDS)]
    rest = images()
    first = next(rest)
    with replacing(path) as temporary:
        first.save(temporary, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0)


def _write_mp4(path: Path, frames: Iterator[np.ndarray], number: int, fps: int) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    first = next(frames)
    height, width = (length // 2 * 2 for length in first.shape[:2])  # Players need even sizes.
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps}", "-i", "-"]
    wanted = ["-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4"]
    with replacing(path) as temporary, tempfile.TemporaryFile() as messages:
        command = [get_ffmpeg_exe(), "-y", "-loglevel", "error", *given, *wanted, str(temporary)]
        # In a session of its own: Ctrl-C is for this process. imageio-ffmpeg's writer would fork, which JAX warns of.
        ffmpeg = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=messages, start_new_session=True)
        assert ffmpeg.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError), ffmpeg.stdin:  # It has ended, and says why.
                for frame in itertools.chain([first], frames):
                    ffmpeg.stdin.write(np.ascontiguousarray(frame[:height, :width]))
            status = ffmpeg.wait()
        except BaseException:
            ffmpeg.kill()
            ffmpeg.wait()
            raise
        if status:
            messages.seek(0)
            said = " ".join(messages.read().decode(errors="replace").split())
            raise UserError(f"ffmpeg could not write {path}: {said or f'it ended with the status {status}'}")


_WRITERS: dict[str, Callable[[Path, Iterator[np.ndarray], int, int], None]] = {GIF: _write_gif, MP4: _write_mp4}


def _size(path: Path) -> str:
    kilobytes = path.stat().st_size / 1000.0
    return f"{kilobytes:.0f} kB" if kilobytes < 1000.0 else f"{kilobytes / 1000.0:.1f} MB"
