"""The engine of a Ray cluster: chunks of seeds, flown by worker processes on all of its machines.

A worker is a Ray actor that has cores of its own, compiles once, and flies one chunk after another. It sends each
episode as soon as it is finished. When a worker ends (killed, out of memory, its machine lost), Ray starts another one
where there is room, and what was unfinished of its chunk is flown again. Results are equal to those of the local
engine, since an episode depends on its seeds alone.

Neither jax nor ray is imported with this module: workers set what JAX reads at its import.
"""

import importlib.util
import logging
import math
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ble_eval.command_line.errors import PluginError, explanation, plugin_failure
from ble_eval.content import content_differences, run_identity
from ble_eval.engines.engine import Job
from ble_eval.engines.local import LocalEngine
from ble_eval.engines.options import RayOptions
from ble_eval.errors import UserError
from ble_eval.results.records import EvaluationResult
from ble_eval.settings import EvaluationSettings, differences, listing
from ble_sim.files.compilation_cache import use_compilation_cache

CORES_OF_A_WORKER = 4
"""At most, unless the number of workers is given."""

MAX_LOSSES = 3
"""Workers that may end one after another in a chunk without a finished episode, or before they have started."""

LOCAL_STARTS = 3
"""Attempts to start a cluster on this machine: on a busy one Ray's processes can be late for each other."""

SECONDS_TO_ANSWER = 10.0
"""For the address of a cluster."""
SECONDS_TO_CONNECT = 15.0
"""After that. Ray itself tries for two minutes."""
SECONDS_TO_WAIT = 30.0
"""Without a worker, before it is said."""

LOCAL, RUNNING = "local", "auto"
"""Addresses that stand for a cluster to be started, and for the one that runs on this machine."""

ENVIRONMENT = {
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # Under `uv run` Ray would install the project anew for each worker.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # No page of text about a lost worker: the engine says it in a line.
}
"""Variables that Ray reads at its import. Those that the user has set keep their values."""

QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
"""Arguments of `ray.init`: what goes wrong is raised."""


@dataclass
class _Chunk:
    """Seeds of a job that a worker flies together.

    Attributes:
        job: index of the job.
        seeds: what is left to fly.
        losses: workers that have ended in it since the last finished episode.
        steps, inside: reported steps of the unfinished episodes, and those that ended within the radius.
    """

    job: int
    seeds: tuple[int, ...]
    losses: int = 0
    steps: int = 0
    inside: int = 0


@dataclass(frozen=True)
class _Member:
    """A worker that has started.

    Attributes:
        worker: the handle of its actor.
        place: its process and machine, for messages.
    """

    worker: Any
    place: str


class RayEngine:
    """An `Engine` that flies on a Ray cluster.

    Args:
        options: the cluster, and how its cores are divided.
        say: prints a line for the user.

    Raises:
        UserError: Ray is not installed, or nothing answers at the cluster's address.
    """

    def __init__(
        self, options: RayOptions, say: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
    ) -> None:
        self._options = options
        self._say = say
        self._address = options.ray_address or os.environ.get("RAY_ADDRESS") or LOCAL
        if importlib.util.find_spec("ray") is None:
            raise UserError("--engine ray needs Ray, which is not installed: pip install 'ble-eval[ray]'")
        if self._address not in (LOCAL, RUNNING):
            _check_answers(self._address)

    def fly(
        self,
        jobs: Sequence[Job],
        on_episode: Callable[[int, EvaluationResult], None],
        on_steps: Callable[[int, int, int], None],
    ) -> None:
        """Fly the jobs side by side, see `Engine`. Steps of episodes that are lost are taken back by negative numbers.

        Raises:
            UserError: there is no such cluster, a worker has other software or files than this process, or workers
                end again and again.
            PluginError: a plugin failed in a worker.
        """
        identities = _identities(jobs)
        with cluster(self._address) as ray:
            _Flight(ray, self._options, self._say, jobs, identities, on_episode, on_steps).fly()


class _Flight:
    """One call of `RayEngine.fly`, with the module `ray` and the `identities` of the jobs."""

    def __init__(
        self,
        ray: Any,
        options: RayOptions,
        say: Callable[[str], None],
        jobs: Sequence[Job],
        identities: Sequence[Mapping[str, Any]],
        on_episode: Callable[[int, EvaluationResult], None],
        on_steps: Callable[[int, int, int], None],
    ) -> None:
        from ble_agents.flying.tiles import TILE_SIZE  # Here, since it imports jax.

        self._ray, self._say = ray, say
        self._jobs, self._identities = jobs, identities
        self._on_episode, self._on_steps = on_episode, on_steps
        machines = machine_cores(ray.nodes())
        self._crew = divided(machines, options.ray_workers)
        workers, cores = self._crew.workers, sum(machines)
        if workers > cores:
            say(f"{workers} workers on {cores} cores are slower than {cores}: they take turns, and each compiles.")
        size = options.ray_chunk or TILE_SIZE * self._crew.cores
        self._waiting = deque(
            _Chunk(index, job.seeds[start : start + size])
            for index, job in enumerate(jobs)
            for start in range(0, len(job.seeds), size)
        )
        self._starting: dict[Any, Any] = {}
        """Workers that have not started yet, by the reference to their answer."""
        self._flying: dict[Any, tuple[_Member, _Chunk]] = {}
        """By the stream of the worker's events. The one that was read last is at the end, so that all are read."""
        self._failed_starts = 0

    def fly(self) -> None:
        """Fly everything."""
        for _ in range(min(self._crew.workers, len(self._waiting))):
            self._start_worker()
        is_waiting_said = False
        while self._waiting or self._flying:
            streams = [*self._flying, *self._starting]
            ready, _ = self._ray.wait(streams, num_returns=1, timeout=SECONDS_TO_WAIT)
            for one in ready:
                if one in self._flying:
                    self._read(one)
                else:
                    self._welcome(one)
            if not ready and not self._flying and not is_waiting_said:
                is_waiting_said = True
                self._say(
                    f"No worker has started yet: the cluster is slow, or has no {self._crew.share:g} cores free."
                    " `ray status` shows what uses them."
                )

    def _start_worker(self) -> None:
        actor = self._ray.remote(_Worker).options(num_cpus=self._crew.share, max_restarts=0, max_task_retries=0)
        worker = actor.remote(self._crew.cores, os.getcwd(), sys.path)
        self._starting[worker.place.remote()] = worker

    def _welcome(self, answer: Any) -> None:
        worker = self._starting.pop(answer)
        try:
            place = self._get(answer)
        except self._ray.exceptions.RayError as error:
            self._failed_starts += 1
            if self._failed_starts == MAX_LOSSES:
                raise UserError(f"Ray's workers do not start: {_reason(error)}.") from error
            self._start_worker()
            return
        self._give_chunk(_Member(worker, place))

    def _give_chunk(self, member: _Member) -> None:
        """Let a worker fly the next chunk; without one it is not needed any more."""
        if not self._waiting:
            self._ray.kill(member.worker)
            return
        chunk = self._waiting.popleft()
        fly = member.worker.fly.options(num_returns="streaming")
        stream = fly.remote(self._jobs[chunk.job].settings, chunk.seeds, self._identities[chunk.job])
        self._flying[stream] = member, chunk

    def _read(self, stream: Any) -> None:
        """Handle what has come from a worker."""
        member, chunk = self._flying.pop(stream)
        events, end = self._received(stream)
        for event in events:
            self._handle(chunk, event)
        if end is None:
            self._flying[stream] = member, chunk
        elif isinstance(end, StopIteration):
            self._give_chunk(member)
        elif isinstance(end, self._ray.exceptions.RayError):
            self._lose(member, chunk)
        else:
            raise end

    def _received(self, stream: Any) -> tuple[list[Any], Exception | None]:
        """The events that have come, at least one, and what ended the stream if it has ended.

        All of them are read before any is handled: Ray drops those that are not read when a worker ends.
        """
        events: list[Any] = []
        try:
            while not events or self._ray.wait([stream], timeout=0)[0]:
                events.append(self._get(next(stream)))
        except Exception as error:
            return events, error
        return events, None

    def _handle(self, chunk: _Chunk, event: Any) -> None:
        if isinstance(event, EvaluationResult):
            chunk.seeds = tuple(seed for seed in chunk.seeds if seed != event.seed)
            chunk.losses = 0
            chunk.steps -= event.final_timestep
            chunk.inside -= round(event.time_within_radius * event.final_timestep)
            self._on_episode(chunk.job, event)
        else:
            steps, inside = event
            chunk.steps, chunk.inside = chunk.steps + steps, chunk.inside + inside
            self._on_steps(chunk.job, steps, inside)

    def _lose(self, member: _Member, chunk: _Chunk) -> None:
        """Let another worker fly what is left of a chunk whose worker has ended."""
        self._ray.kill(member.worker)  # Its machine may only have lost the connection.
        if chunk.seeds:
            self._on_steps(chunk.job, -chunk.steps, -chunk.inside)
            left = f"{len(chunk.seeds)} of its episodes"
            chunk.steps = chunk.inside = 0
            chunk.losses += 1
            if chunk.losses == MAX_LOSSES:
                raise UserError(
                    f"{MAX_LOSSES} workers have ended one after another with {left} unfinished, the last one"
                    f" {member.place}. Ray's logs there may say why. If memory is short, fewer --ray-workers need less."
                )
            self._waiting.appendleft(chunk)
            self._say(f"The worker {member.place} has ended; {left} are flown again.")
        if self._waiting:
            self._start_worker()

    def _get(self, reference: Any) -> Any:
        """A value of a worker; an error that it raised is raised here."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error


class _Worker:
    """The actor: an engine of its own on some cores of its machine.

    Args:
        cores: how many.
        folder: the working folder of the command, where relative paths begin.
        search_path: where the command finds its modules.
    """

    def __init__(self, cores: int, folder: str, search_path: Sequence[str]) -> None:
        os.environ |= {"NPROC": str(cores), "JAX_PLATFORMS": "cpu"}
        if os.path.isdir(folder):
            os.chdir(folder)
        sys.path += [path for path in search_path if path not in sys.path]
        use_compilation_cache(programs=True)
        self._engine = LocalEngine()
        self._checked: list[Mapping[str, Any]] = []

    def place(self) -> str:
        """Its process and machine in words."""
        return f"process {os.getpid()} on {socket.gethostname()}"

    def fly(
        self, settings: EvaluationSettings, seeds: tuple[int, ...], identity: Mapping[str, Any]
    ) -> Iterator[EvaluationResult | tuple[int, int]]:
        """Fly seeds of a job, and yield each result when it is finished, and steps as `Engine.fly` reports them.

        Raises:
            UserError: this process has other software or files than the command, or a mistake of the user shows here.
            PluginError: a plugin failed.
        """
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def work() -> None:
            try:
                if identity not in self._checked:
                    check_same(identity, run_identity(settings, self._engine.parts(settings)["wind_field"]))
                    self._checked.append(identity)
                self._engine.fly(
                    [Job(settings, seeds)],
                    lambda _, result: events.put(result),
                    lambda _, steps, inside: events.put((steps, inside)),
                )
                events.put(None)
            except BaseException as error:
                events.put(_worker_error(error))

        threading.Thread(target=work, daemon=True).start()
        while (event := events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event


@dataclass(frozen=True)
class Crew:
    """How the cores of a cluster are divided.

    Attributes:
        workers: their number.
        cores: of each worker.
        share: cores that Ray reserves for a worker: fewer than it uses, if there are more workers than cores.
    """

    workers: int
    cores: int
    share: float


def machine_cores(nodes: Sequence[Mapping[str, Any]]) -> list[int]:
    """The whole cores of each machine that has any, of what `ray.nodes` returns."""
    cores = [int(node["Resources"].get("CPU", 0)) for node in nodes if node["Alive"]]
    return [number for number in cores if number]


def divided(machines: Sequence[int], workers: int | None) -> Crew:
    """Divide the cores of a cluster among workers, each of which is on one machine.

    Args:
        machines: the cores of each machine.
        workers: their number; they get as many cores as leave room for all of them. None for as many workers of
            `CORES_OF_A_WORKER` cores, or of fewer if a machine has fewer, as the machines have room for.

    Raises:
        UserError: there is no core.
    """
    if not machines:
        raise UserError("The Ray cluster has no core. Give its machines some with `ray start --num-cpus`.")
    if workers is None:
        cores = min(CORES_OF_A_WORKER, *machines)
        return Crew(sum(number // cores for number in machines), cores, cores)
    total = sum(machines)
    if workers > total:
        share = min(number / math.ceil(workers * number / total) for number in machines)
        return Crew(workers, 1, math.floor(share * 10_000) / 10_000)  # Ray counts ten thousandths.
    cores = max(cores for cores in range(1, max(machines) + 1) if sum(n // cores for n in machines) >= workers)
    return Crew(workers, cores, cores)


def _identities(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """What identifies the runs of jobs in this process.

    Raises:
        UserError: JAX computes on another platform than the CPU.
    """
    engine = LocalEngine()
    identities = [run_identity(job.settings, engine.parts(job.settings)["wind_field"]) for job in jobs]
    if platforms := {one["software"]["jax backend"] for one in identities} - {"cpu"}:
        raise UserError(
            f"--engine ray flies on CPU cores, and JAX computes on {platforms.pop()} here. Set JAX_PLATFORMS=cpu, or"
            " leave out --engine: the local one flies on all devices of a machine."
        )
    return identities


def check_same(there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Compare what identifies a run in the command and in a worker.

    Raises:
        UserError: the software or the content differs.
    """
    found = differences(there["software"], here["software"]) + content_differences(there["content"], here["content"])
    if found:
        raise UserError(
            f"The Ray worker on {socket.gethostname()} (here) would fly something else than the command"
            f" (there){listing(found)} Install the same packages on all machines, and give paths that all of them have."
        )


def _worker_error(error: BaseException) -> BaseException:
    """An error of a worker for the command, which does not get the traceback that says whose fault it is."""
    raised = error
    if (failure := plugin_failure(error)) is not None:
        raised = PluginError(failure)
    if (mistake := explanation(error)) is not None:
        raised = UserError(mistake)
    raised.__cause__ = None if raised is error else error
    return raised


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """Connects to a cluster while the context lasts, and gives the module `ray`.

    A program that is connected already stays so.

    Args:
        address: HOST:PORT, or one of `LOCAL` and `RUNNING`.

    Raises:
        UserError: there is no such cluster.
    """
    if address == LOCAL and "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
        # A token of its own keeps other users of the machine out, as Ray's own does, and needs no home folder.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for variable, value in ENVIRONMENT.items():
        os.environ.setdefault(variable, value)

    import ray

    if ray.is_initialized():
        yield ray
        return
    try:
        if address == LOCAL:
            _start(ray)
        else:
            _connect(ray, address)
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises a UserError if nothing listens at an address."""
    if "://" in address:
        raise UserError(
            f"--ray-address is {address}: Ray's client is not supported. Give the command on a machine of the cluster,"
            " with HOST:PORT of its head."
        )
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise UserError(f"--ray-address is {address}: give HOST:PORT of the cluster's head, auto or local.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise UserError(_no_cluster(address, _reason(error))) from None


def _start(ray: Any) -> None:
    """Start a cluster on this machine. It ends with this process, however that ends.

    Raises:
        UserError: it does not start.
    """
    from ble_env.host.devices import num_cores

    handler = signal.getsignal(signal.SIGTERM)
    try:
        for attempts_left in reversed(range(LOCAL_STARTS)):
            try:
                with warnings.catch_warnings():
                    # JAX warns of forks. The forked processes run other programs at once.
                    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
                    ray.init(LOCAL, num_cpus=num_cores(), include_dashboard=False, **QUIET)
                return
            except Exception as error:
                if not attempts_left:
                    raise UserError(f"Ray does not start on this machine: {_reason(error)}.") from error
                ray.shutdown()
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray has replaced it.


def _connect(ray: Any, address: str) -> None:
    """Connect to a cluster that runs. A thread does it, since Ray tries for two minutes.

    Raises:
        UserError: there is no such cluster.
    """
    outcomes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def connect() -> None:
        try:
            ray.init(address, **QUIET)
            outcomes.put(None)
        except BaseException as error:
            outcomes.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        error = outcomes.get(timeout=SECONDS_TO_CONNECT)
    except queue.Empty:
        raise UserError(_no_cluster(address, f"Ray has no answer in {SECONDS_TO_CONNECT:.0f} s")) from None
    if error is not None:
        raise UserError(_no_cluster(address, _reason(error))) from error


def _no_cluster(address: str, reason: str) -> str:
    place = "runs on this machine" if address == RUNNING else f"answers at {address}"
    return (
        f"No Ray cluster {place}: {reason}. `ray start --head` starts one; without --ray-address (and"
        " RAY_ADDRESS) the command starts its own."
    )


def _reason(error: BaseException) -> str:
    """The first sentence of an error of Ray's, without its end; the rest is advice."""
    return " ".join(str(error).split()).partition(". ")[0].rstrip(".") or type(error).__name__
