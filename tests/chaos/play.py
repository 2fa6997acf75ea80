"""Plays a schedule: runs the real command, does to it what the schedule says, and runs it again until it is done."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil

from actors.storage import Output
from flows.demo.server import SOURCE
from flows.demo.studio import liked_folder
from flows.demo.world import World
from tests.chaos import processes
from tests.chaos.laws import broken_laws, rows_of
from tests.chaos.schedule import Fault, Kind, Schedule, Unit
from tests.chaos.server import LyingServer
from tests.flows.outputs import command

# The world of the other tests: its pictures are painted once for all.
WORLD_SEED, SCALE = 1, 0.15
# Without a commit. A loaded machine starts a Ray in half a minute, and a worker in ten: a poison image takes some.
LONGEST_SECONDS = 240.0
MOST_RUNS = 8
SETTINGS = {
    "decode_seconds": 3,
    "hang_seconds": 15,
    "window.count": 8,
    "window.compact": 4,
    # The server's own are for painters that take their time; here all is painted.
    "crawl.idle_timeout": 10,
}
_LOOK_SECONDS = 0.02
_LEFT_SECONDS = 20.0
_PLANTED = Path(__file__).parent / "planted"


@dataclass(slots=True)
class Outcome:
    """What a schedule came to: ``problems`` is empty where every law held.

    ``recoveries``: seconds from a fault to the next commit, over restarts. ``unreached``: faults whose moment did
    not come before all was done. ``restarted``: how often a run said that it started an actor again that hung.
    """

    schedule: Schedule
    injected: Counter[Kind] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    unreached: list[Fault] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    runs: int = 0
    restarted: int = 0
    rows: int = 0
    files: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """Say it in one line."""
        faults = ", ".join(f"{kind.value}{f' ×{n}' if n > 1 else ''}" for kind, n in self.injected.items())
        recovery = f"{max(self.recoveries):.1f} s" if self.recoveries else "-"
        return (
            f"{'FAIL' if self.problems else 'ok  '} seed {self.schedule.seed:>3}  {self.rows} rows  "
            f"{self.files} files  {self.runs} runs  recovery {recovery}  {self.seconds:.0f} s in all  {faults}"
        )


def play(schedule: Schedule, folder: Path) -> Outcome:
    """Play it in an empty folder. Raises NoSmallDiskError where it needs one, and none may be mounted."""
    began = time.monotonic()
    # A shell that puts us into the background has it ignored, and a run heeds that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    world = World.build(WORLD_SEED, None, SCALE)
    with ExitStack() as stack:
        disk = folder
        if schedule.needs_small_disk:
            disk = stack.enter_context(processes.small_disk(folder / "disk"))
        server = stack.enter_context(LyingServer(world, schedule))
        output = Output(str(disk / "out"))
        outcome = Play(schedule, server, disk / "out", folder).to_its_end()
        if not outcome.problems:
            outcome.problems += broken_laws(output, world.truth, schedule, server.poisoned)
        outcome.rows, outcome.files = len(rows_of(output)), len(output.names("images"))
    outcome.seconds = time.monotonic() - began
    return outcome


class Play:
    """One schedule on its way."""

    def __init__(self, schedule: Schedule, server: LyingServer, out: Path, folder: Path) -> None:
        self._server, self._out, self._folder = server, out, folder
        self._pending = deque(schedule.faults)
        self._mark = dict.fromkeys(Unit, 0)
        # When faults were done that no commit has followed, and how many there were before.
        self._hurt: list[float] = []
        self._hurt_at = 0
        self._stopped: dict[int, float] = {}
        self._ours: set[psutil.Process] = set()
        self._filler: Path | None = None
        self._outcome = Outcome(schedule)
        self._outcome.injected += Counter({Kind.CORRUPT: schedule.corrupt, Kind.POISON: len(schedule.poison)})

    def to_its_end(self) -> Outcome:
        """Run the command until it says that it is done."""
        arguments, environment = self._command()
        done = False
        while not done and not self._outcome.problems:
            if self._outcome.runs == MOST_RUNS:
                self._outcome.problems.append(f"not done after {MOST_RUNS} runs")
                break
            done = self._run(arguments, environment)
        self._check_that_all_ended()
        self._outcome.unreached += self._pending
        return self._outcome

    def _command(self) -> tuple[list[str], dict[str, str]]:
        config = self._folder / "settings.yaml"
        config.write_bytes(orjson.dumps({"crawl": self._server.settings()}))
        arguments = ["mine", SOURCE, "--out", str(self._out), "--config", str(config)]
        arguments += ["--taste", str(liked_folder(WORLD_SEED))]
        for name, value in SETTINGS.items():
            arguments += ["--set", f"{name}={value}"]
        environment = dict(os.environ)
        if self._outcome.schedule.poison:
            inherited = os.environ.get("PYTHONPATH")
            environment["PYTHONPATH"] = os.pathsep.join([str(_PLANTED), *([inherited] if inherited else [])])
        return command(*arguments), environment

    def _run(self, arguments: list[str], environment: dict[str, str]) -> bool:
        """Run it once, and tell whether it said that it was done."""
        self._outcome.runs += 1
        name = f"run {self._outcome.runs}"
        log = self._folder / f"{name}.log"
        self._set_mark()
        with (
            log.open("wb") as file,
            subprocess.Popen(
                arguments, stdout=file, stderr=file, env=environment, start_new_session=True
            ) as process,
        ):
            expected = self._watch(process, name)
        self._clear_up()
        said = log.read_text(errors="replace")
        self._outcome.restarted += said.count("gave no answer")
        if process.returncode not in expected or "Traceback" in said:
            self._outcome.problems.append(f"{name} ended with {process.returncode}: {said[-3000:]}")
        return process.returncode == 0

    def _watch(self, process: subprocess.Popen[bytes], name: str) -> set[int]:
        """Follow a run to its end, and disturb it; gives the exit codes that it may end with."""
        # A source that does not answer is given up, and the run ends with 1 or does not start: once more.
        expected = {0, 1, 2} if self._outcome.schedule.lies else {0}
        moved, commits = time.monotonic(), 0
        while process.poll() is None:
            self._let_go()
            self._note_recovery()
            if self._commits() != commits:
                moved, commits = time.monotonic(), self._commits()
            if self._pending and self._is_time_for(self._pending[0]):
                self._ours.update(processes.children(process.pid))
                expected |= self._disturb(process)
            if time.monotonic() - moved > LONGEST_SECONDS and not self._outcome.problems:
                self._outcome.problems.append(f"{name} committed nothing in {LONGEST_SECONDS:.0f} s")
                process.kill()
            time.sleep(_LOOK_SECONDS)
        self._note_recovery()
        return expected

    def _check_that_all_ended(self) -> None:
        """Wait for what the runs started, but for Ray's own agents, which look for a dead raylet now and then."""
        ours = [one for one in self._ours if not processes.title(one).endswith("Agent")]
        psutil.wait_procs(ours, _LEFT_SECONDS)
        left = {processes.title(one) for one in ours if one.is_running()} - {""}
        if left:
            self._outcome.problems.append(f"still running at the end: {', '.join(sorted(left))}")

    def _disturb(self, process: subprocess.Popen[bytes]) -> set[int]:
        """Do the next fault, if what it is meant for is there; gives the exit codes that it may lead to."""
        fault = self._pending[0]
        if not self._is_done(fault, process):
            return set()
        self._pending.popleft()
        self._outcome.injected[fault.kind] += 1
        self._hurt.append(time.monotonic())
        self._hurt_at = self._commits()
        self._set_mark()
        ends = {
            Kind.KILL_DRIVER: {-signal.SIGKILL},
            Kind.KILL_RAYLET: {1},
            Kind.INTERRUPT: {130},
            Kind.FULL_DISK: {1},
        }
        return {int(code) for code in ends.get(fault.kind, set())}

    def _is_done(self, fault: Fault, process: subprocess.Popen[bytes]) -> bool:
        match fault.kind:
            case Kind.KILL_DRIVER:
                process.kill()
            case Kind.INTERRUPT:
                process.send_signal(signal.SIGINT)
            case Kind.CUT:
                self._server.cut(fault.seconds)
            case Kind.FULL_DISK:
                self._filler = processes.fill(self._out.parent)
            case Kind.STOP_ACTOR:
                return self._is_stopped(fault, process)
            case _:
                found = processes.titled(process.pid, fault.title)
                killed = [one for one in found if processes.was_signalled(one, signal.SIGKILL)]
                return bool(killed)
        return True

    def _is_stopped(self, fault: Fault, process: subprocess.Popen[bytes]) -> bool:
        until = time.monotonic() + fault.seconds
        found = processes.titled(process.pid, fault.title)
        stopped = [one.pid for one in found if processes.was_signalled(one, signal.SIGSTOP)]
        self._stopped |= dict.fromkeys(stopped, until)
        return bool(stopped)

    def _let_go(self) -> None:
        """Let those go on that were stopped for long enough."""
        for pid, until in list(self._stopped.items()):
            if time.monotonic() >= until:
                self._go_on(pid)

    def _go_on(self, pid: int) -> None:
        del self._stopped[pid]
        if psutil.pid_exists(pid):
            processes.was_signalled(psutil.Process(pid), signal.SIGCONT)

    def _clear_up(self) -> None:
        for pid in list(self._stopped):
            self._go_on(pid)
        if self._filler is not None:
            self._filler.unlink()
            self._filler = None

    def _is_time_for(self, fault: Fault) -> bool:
        return self._count(fault.unit) - self._mark[fault.unit] >= fault.count

    def _set_mark(self) -> None:
        self._mark = {unit: self._count(unit) for unit in Unit}

    def _count(self, unit: Unit) -> int:
        return self._server.requests if unit is Unit.REQUESTS else self._commits()

    def _commits(self) -> int:
        """Give the number of the last window that was committed, alone in its shard or with others."""
        stems = (path.stem for path in self._out.glob("verdicts/*/*.parquet") if path.stem[0].isdigit())
        return max((int(stem.rpartition("-")[2]) for stem in stems), default=0)

    def _note_recovery(self) -> None:
        if self._hurt and self._commits() > self._hurt_at:
            self._outcome.recoveries += [time.monotonic() - since for since in self._hurt]
            self._hurt.clear()
