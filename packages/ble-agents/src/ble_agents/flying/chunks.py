"""Chunks of seeds in threads, on all devices and cores."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ble_agents.flying.episodes import FlownEpisode
from ble_env.host.devices import Device, find_device, local_devices, num_cores

Report = Callable[[int, int], None]
"""Called with the steps that a worker has made since the last call, and those of them within the radius."""
Worker = Callable[[slice], list[FlownEpisode]]
"""Flies the episodes of a chunk."""


class _StopError(Exception):
    """The caller needs no more episodes."""


def devices_that_fly(device: Device | None) -> Sequence[Device]:
    """The devices that fly: the given one, or all."""
    device = find_device(device)
    return local_devices() if device is None else [device]


def fly_in_chunks(
    make_worker: Callable[[Device, Report], Worker],
    devices: Sequence[Device],
    num_seeds: int,
    chunk_size: int,
    on_steps: Callable[[int, int], None],
) -> Iterator[FlownEpisode]:
    """Fly chunks of seeds in threads: one for each device, and on the CPU one for each core.

    Args:
        make_worker: called in a thread with its device, and with what the worker calls with the steps that it has made.
            The worker flies the episodes of a chunk.
        devices: all of one platform.
        num_seeds: how many there are.
        chunk_size: seeds in a chunk.
        on_steps: see `fly_side_by_side`.
    """
    workers = max(len(devices), num_cores() if devices[0].platform == "cpu" else 1)
    chunks: queue.SimpleQueue[slice] = queue.SimpleQueue()
    starts = range(0, num_seeds, chunk_size)
    for start in starts:
        chunks.put(slice(start, start + chunk_size))
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()

    def report(steps: int, inside: int) -> None:
        if stop.is_set():
            raise _StopError
        events.put((steps, inside))

    def work(device: Device) -> None:
        try:
            worker = None
            while True:
                try:
                    chunk = chunks.get_nowait()
                except queue.Empty:
                    return
                worker = worker or make_worker(device, report)
                events.put(worker(chunk))
        except _StopError:
            return
        except BaseException as error:
            events.put(error)

    pool, is_waited_for = ThreadPoolExecutor(workers), True
    try:
        for worker in range(min(workers, len(starts))):
            pool.submit(work, devices[worker % len(devices)])
        unfinished = num_seeds
        while unfinished:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, tuple):
                on_steps(*event)
            else:
                unfinished -= len(event)
                yield from event
    except (KeyboardInterrupt, GeneratorExit):
        is_waited_for = False  # They may be compiling; otherwise they end at their next report.
        raise
    finally:
        stop.set()
        pool.shutdown(wait=is_waited_for, cancel_futures=True)
