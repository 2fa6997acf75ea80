"""How many posts are missed: PRAW's stream, goldpan's followed listing and its firehose on the same simulated Reddit.

``python -m benchmarks.live``, about a minute on 2 cores; ``--seconds 1800`` for half an hour of Reddit. Posts come at
17 a second with bursts, deleted anchors, late and absent ones, and two storms of errors, on a clock that the readers
move (tests/actors/sources/simulation.py). Every reader is real, and speaks HTTP to the simulation.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from tests.actors.sources.readers import Read, follow, stream
from tests.actors.sources.simulation import Burst, Script, SimulatedReddit, Storm, running

# The firehose asks for the last time after 75 minutes; what is late is late by 25 s at most.
DRAIN = 660.0
FIRST_SCENE, SCENE = 60.0, 540.0
Reader = Callable[[str, SimulatedReddit], Read]


@dataclass(frozen=True)
class Arm:
    """A reader, and the part of Reddit it reads."""

    name: str
    subreddit: str
    read: Reader


def script_of(seconds: float) -> Script:
    """The same scenes, nine minutes each, as often as they fit."""
    starts = [FIRST_SCENE + SCENE * scene for scene in range(max(1, int((seconds - FIRST_SCENE) // SCENE)))]
    bursts = [
        burst
        for start in starts
        for burst in (
            Burst(start, 250),
            Burst(start + 100, 160, deleted_before=5),
            Burst(start + 200, 1250),
            Burst(start + 300, 1250, skipped_ids=15_000),
        )
    ]
    storms = [
        storm
        for start in starts
        for storm in (
            Storm(start + 400, start + 410, 503),
            Storm(start + 450, start + 455, 429, (("retry-after", "5"),)),
        )
    ]
    return Script(seconds=seconds, bursts=tuple(bursts), storms=tuple(storms))


def arms(until: float) -> list[Arm]:
    """Every reader, on all of Reddit and on one subreddit with the bursts."""

    def streamed(subreddit: str, url: str, reddit: SimulatedReddit) -> Read:
        return stream(url, subreddit, reddit, until)

    def followed(source: str, url: str, reddit: SimulatedReddit) -> Read:
        return follow(url, source, reddit, until)

    return [
        Arm("PRAW stream, r/all", "all", partial(streamed, "all")),
        Arm("goldpan r/all --follow", "all", partial(followed, "reddit:r/all")),
        Arm("goldpan reddit:firehose", "all", partial(followed, "reddit:firehose")),
        Arm("PRAW stream, r/pics", "pics", partial(streamed, "pics")),
        Arm("goldpan r/pics --follow", "pics", partial(followed, "reddit:r/pics")),
    ]


def live(seconds: Annotated[float, typer.Option(help="Simulated seconds of Reddit.")] = 600.0) -> None:
    """Print for each reader what there was, what it missed, what of that a listing showed, and what it asked."""
    os.environ["no_proxy"] = "127.0.0.1"
    script = script_of(seconds)
    print(f"{'':26}{'posts':>8}{'missed':>8}{'of listed':>10}{'twice':>7}{'requests/min':>14}  notes")
    for arm in arms(seconds + DRAIN):
        with running(script) as (reddit, url):
            read = arm.read(url, reddit)
            names = set(read.names)
            posts, listed = reddit.truth(arm.subreddit), reddit.listed(arm.subreddit)
            print(
                f"{arm.name:26}{len(posts):8}{len(posts - names):8}{len(listed - names):10}"
                f"{len(read.names) - len(names):7}{reddit.asked / (seconds + DRAIN) * 60:14.1f}  {len(read.notes)}"
            )


if __name__ == "__main__":
    typer.run(live)
