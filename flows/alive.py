"""``goldpan alive OUT``: does the run that holds an output get on? For a watchdog, by its exit code."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from actors.lock import HEARTBEAT_SECONDS, Pulse, read_pulse
from actors.storage import Output, OutputError
from flows.exits import FAILED, explained, run_script
from flows.watching.events import State

_LOOK_SECONDS = 0.5


@explained
def alive(
    out: Annotated[str, typer.Argument(help="The output of a run: a folder or a URI.")],
    *,
    within: Annotated[
        float, typer.Option(min=1, help="Seconds that it may be silent, its heart and its work.")
    ] = 120.0,
) -> None:
    """Tell whether a run holds OUT and gets on.

    Exit codes: 0 it does, 1 it does not: no run, no heartbeat, or one that is stuck; 2 OUT cannot be read.
    """
    output = Output(out)
    pulse = pulse_of(output)
    deadline = time.monotonic() + HEARTBEAT_SECONDS + 2
    # The calendar may have been set since that beat: the next one tells, and whether there is one.
    while pulse is not None and abs(pulse.age) > within and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        pulse = pulse_of(output)
    told, is_alive = judged(pulse, within, output.shown)
    print(told)
    if not is_alive:
        raise typer.Exit(FAILED)


def pulse_of(output: Output) -> Pulse | None:
    """Read the lock; OutputError where the place does not answer, which says nothing of the run."""
    try:
        return read_pulse(output)
    except OSError as error:
        raise OutputError(
            f"--out {output.shown} cannot be read: {error}. Is the place there, and yours?"
        ) from error


def judged(pulse: Pulse | None, within: float, out: str) -> tuple[str, bool]:
    """Say how a run is, and whether that is well; what starts may take its time."""
    if pulse is None:
        return f"no run holds {out}", False
    owner, work = pulse.owner, pulse.work
    who = f"run {owner.run} (process {owner.pid} on {owner.host})"
    if abs(pulse.age) > within:
        return f"{who}: its last heartbeat is {pulse.age:.0f} s old", False
    state = work.get("state", State.STARTING.value)
    # What starts reads a ledger; what ends waits for its last compaction.
    if state not in (State.STARTING, State.ENDING) and pulse.silent > within:
        return f"{who} is stuck: it took no turn in {pulse.silent:.0f} s", False
    counts = ", ".join(f"{name} {work[name]}" for name in ("window", "seen", "accepted") if name in work)
    return f"{who} is {state}{f': {counts}' if counts else ''}", True


if __name__ == "__main__":
    run_script(alive)
