"""``goldpan mine SOURCE… --taste DIR --out URI``: the pipeline, from sources to files.

Runs alone (``python flows/mine.py …``), under ``ray submit cluster.yaml flows/mine.py -- …``, and as ``goldpan mine``.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import ray
import typer

from actors.crawler.budgets import HostBudgets, restarted_by_ray
from actors.crawler.crawler import Crawler
from actors.crawler.listing import Listing
from actors.crawler.settings import Over18
from actors.duplicates import DuplicateIndex
from actors.encoder import Encoder
from actors.gate import Gate
from actors.judge import AskGates, Encode, Inspect, Judge, KnownDuplicates, LookForMarks, Score, Study
from actors.lock import OutputLock
from actors.scorer import Scorer
from actors.sink import Judges, Sink
from actors.storage import Output
from actors.watermark import Watermark
from flows import dry_run, gates, placement, preflight
from flows.again import to_retry
from flows.compacting import Compacting
from flows.crawl_ahead import CrawlAhead
from flows.deferrals import Deferrals
from flows.demo import visit
from flows.exits import explained, run_script
from flows.hanging import Hanging
from flows.interrupts import Interrupts
from flows.judging import warm_up
from flows.known import hash_known
from flows.placement import Placement
from flows.readiness import await_actors, check_encoders
from flows.run_file import RunFile, new_run
from flows.settings import LogFormat, Settings, assign, load_settings
from flows.stream import Stream
from flows.watching.logs import speaking
from flows.watching.masking import Mask
from flows.watching.watch import Watch
from flows.windows import WindowAssembler
from models.classifier import GateRow
from models.precision import choose
from models.registry import encoder_row
from models.taste import Taste

AHEAD_WINDOWS = 4
# Every call can be repeated; one that kills its actor again and again is given up, and its input bisected.
RETRIES = 3
INDEX = "duplicate-index"
LISTING = "listing"
BUDGETS = "host-budgets"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The actors of a run, which outlive its windows, and the judge that calls them.

    ``watched`` are all but the listing, by what they are called: their calls end, where a dump is read for hours.
    """

    listing: Any
    crawlers: list[Any]
    encoders: list[Any]
    watched: dict[str, Any]
    judge: Judge
    sink: Any


def pipeline(settings: Settings, taste: Taste, where: Placement, known: str | None = None) -> Pipeline:
    """Wire the way of an image: listings → crawlers → judge (a list of steps) → sink.

    ``known`` names the table of images that the user has, in the output.
    """
    liking = f"state/taste-{taste.fingerprint[:16]}.npz"
    Output(settings.out).write(liking, taste.to_bytes())
    row, seconds = encoder_row(settings.encoder), settings.decode_seconds
    precision = choose(row, where.device, settings.precision)
    shape, content = settings.crawl.shape, settings.gates
    pixels = shape.max_pixels
    listing = on_this_node(Listing, name=LISTING).remote(
        settings.sources, settings.crawl, follow=settings.follow
    )
    # What only this node can reach is fetched from here: its folders, and servers that a host map names.
    local = settings.crawl.host_map or any(
        source.startswith("folder:") and "://" not in source for source in settings.sources
    )
    crawl = on_this_node if local else replica
    # A crawler that is alone has the hosts' budgets to itself.
    budgets = shared_budgets(settings) if where.crawlers > 1 else []
    crawlers = [
        crawl(Crawler, max_concurrency=64).remote(
            settings.crawl, BUDGETS if budgets else None, listing=LISTING
        )
        for _ in range(where.crawlers)
    ]
    encoders = [
        replica(Encoder, num_gpus=where.encoder_gpus).remote(
            settings.encoder, where.encoder_threads, where.device, precision=precision
        )
        for _ in range(where.encoders)
    ]
    scorers = [on_this_node(Scorer).remote(settings.out, liking, taste.encoder_fingerprint)]
    watermarks = [
        replica(Watermark, num_gpus=where.watermark_gpus).remote(
            where.encoder_threads, where.device, settings.watermark_detector
        )
        for _ in range(where.detectors)
    ]
    asked = [(gate, classifiers(settings, gate, where)) for gate in content.models]
    index = on_this_node(DuplicateIndex, name=INDEX).remote(settings.out, settings.near_bits, known)
    judge = Judge(
        [
            Inspect(shape, row, thumbs=settings.thumbs, seconds=seconds, gates=content),
            KnownDuplicates(index),
            Encode(encoders),
            Score(scorers),
            *([Study(content.quality, pixels, seconds=seconds)] if content.quality.study else []),
            *([AskGates(asked, pixels, seconds=seconds)] if asked else []),
            LookForMarks(watermarks, settings.watermark_threshold, pixels, seconds=seconds),
        ]
    )
    judges = Judges(f"{taste.encoder}@{taste.encoder_fingerprint[:16]}", taste.fingerprint, taste.threshold)
    sink = on_this_node(Sink).remote(settings.out, INDEX, judges)
    replicas = {"crawler": crawlers, "encoder": encoders, "scorer": scorers, "watermark detector": watermarks}
    replicas |= {f"gate {gate.name}": actors for gate, actors in asked}
    replicas |= {"duplicate index": [index], "sink": [sink], "host budgets": budgets}
    watched = {f"{kind} {n}": one for kind, actors in replicas.items() for n, one in enumerate(actors, 1)}
    return Pipeline(listing, crawlers, encoders, watched, judge, sink)


def shared_budgets(settings: Settings) -> list[Any]:
    """Make the actor that divides each host's budget among the crawlers."""
    return [on_this_node(HostBudgets, name=BUDGETS).remote(settings.crawl, restarted_by_ray)]


def classifiers(settings: Settings, gate: GateRow, where: Placement) -> list[Any]:
    """Make the actors of one gate of the user's."""
    kind = replica(Gate, num_gpus=where.watermark_gpus)
    return [
        kind.remote(settings.out, gate, where.encoder_threads, where.device) for _ in range(where.detectors)
    ]


def replica(kind: type, **options: Any) -> Any:
    """Make an actor class that restarts when it dies and repeats the calls it was at."""
    repeated = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": RETRIES} | options
    return ray.remote(kind).options(**repeated)


def on_this_node(kind: type, **options: Any) -> Any:
    """Make an actor class that stays on the driver's node, where its files or its credentials are."""
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    return replica(kind, scheduling_strategy=here, **options)


def run(
    name: str, settings: Settings, taste: Taste, output: Output, watch: Watch, known: str | None = None
) -> int:
    """Run the pipeline until its sources end or a signal stops it; gives the exit code."""
    interrupts = Interrupts()
    interrupts.install()
    where = placement.plan(settings.device, settings.crawlers, gates=len(settings.gates.models))
    precision = choose(encoder_row(settings.encoder), where.device, settings.precision)
    settings = settings.model_copy(update={"precision": precision.value})
    watch.say([*where.lines(), f"precision {precision} of the encoder"])
    if not settings.crawl.robots:
        watch.say(["X-Robots-Tag is not heeded (crawl.robots): hosts' opt-outs are passed over"])
    row, seconds = encoder_row(settings.encoder), settings.decode_seconds
    inspect = Inspect(settings.crawl.shape, row, thumbs=settings.thumbs, seconds=seconds)
    warming = threading.Thread(target=warm_up, args=(Judge([inspect]), where), daemon=True)
    warming.start()
    ledger = preflight.ledger(output)
    retried = to_retry(settings.retry, output, ledger, taste)
    parts = pipeline(settings, taste, where, known)
    assembler = WindowAssembler(ledger.cursors)
    crawl = CrawlAhead(
        parts.listing,
        parts.crawlers,
        ledger,
        assembler,
        Deferrals(settings.crawl.defer, ledger.deferred, ledger.written),
        limit=settings.limit,
        ahead=AHEAD_WINDOWS * settings.window.count,
        retried=retried,
    )
    await_actors([parts.listing, *parts.watched.values()], crawl)
    check_encoders(parts.encoders, taste)
    warming.join()
    with (
        RunFile(name, output, settings, taste) as file,
        Compacting(output, settings.window.compact, watch.told) as compacting,
    ):
        hanging = Hanging(parts.watched, settings.hang_seconds, watch.told)
        for watcher in (file, compacting, hanging):
            watch.add(watcher)
        stream = Stream(
            run=name,
            output=output,
            ledger=ledger,
            crawl=crawl,
            assembler=assembler,
            judge=parts.judge,
            sink=parts.sink,
            placement=where,
            windows=settings.windows,
            watcher=watch,
        )
        stream.flow(interrupts.stopping)
        file.finish(watch.totals.reasons, interrupted=interrupts.exit_code != 0)
    # What goes on until it is stopped was not interrupted when it is.
    code = (0 if settings.endless else interrupts.exit_code) or (1 if crawl.failures else 0)
    watch.ended("interrupted" if interrupts.exit_code else "done", code)
    return code


@explained
def mine(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE…",
            help="demo · reddit:r/NAME,sort=top,time=year · reddit:firehose · dump:FILE,subreddit=NAME · "
            "arctic:NAME,after=2024-01-01 · urls:FILE · folder:DIR",
        ),
    ] = None,
    *,
    out: Annotated[str, typer.Option(help="Where everything goes: a folder or a URI.")],
    taste: Annotated[
        str | None, typer.Option(help="A fitted taste (`goldpan fit`), or a folder of images you like.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of settings.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting, as name=value: crawl.patience=10.")
    ] = None,
    follow: Annotated[
        bool | None, typer.Option("--follow", help="Go on with what is new at Reddit, until Ctrl-C.")
    ] = None,
    retry: Annotated[
        str | None,
        typer.Option(
            metavar="failed[:REASON]|gained",
            help="Have again what failed in earlier runs, or what was unlike their taste and is not unlike --taste; "
            "SOURCE is not needed.",
        ),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="gist (built in), clip, … (goldpan models list), or a row file.")
    ] = None,
    keep: Annotated[
        float | None, typer.Option(help="Share of the liked images that the taste keeps.")
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR|OUT", help="Images you have, or another run's output: no copies of them."),
    ] = None,
    watermark_threshold: Annotated[
        float | None, typer.Option(help="A probability of a watermark above this is one; 1 lets all pass.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Stop after so many submissions.")] = None,
    min_pixels: Annotated[int | None, typer.Option(help="Smallest area, width times height.")] = None,
    max_wide: Annotated[float | None, typer.Option(help="Largest width / height.")] = None,
    max_tall: Annotated[float | None, typer.Option(help="Largest height / width.")] = None,
    over_18: Annotated[Over18 | None, typer.Option(help="What to do with NSFW submissions.")] = None,
    allow_private: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST[:PORT]", help="A private address that may be fetched from."),
    ] = None,
    window: Annotated[int | None, typer.Option(help="Candidates in a window.")] = None,
    thumbs: Annotated[bool | None, typer.Option(help="Keep a small picture of everything decoded.")] = None,
    photos: Annotated[
        Path | None, typer.Option(help="With demo: serve a folder's photographs, with its labels.csv.")
    ] = None,
    events: Annotated[
        str | None, typer.Option(metavar="FILE", help="What happens, a line of JSON each; - for stdout.")
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="json: each line on stderr is an object.")
    ] = None,
    log_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="A log beside stderr, begun anew when it is large.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Serve figures for Prometheus there; 0: a free port.")
    ] = None,
    metrics_host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where they are served; 127.0.0.1 if not given.")
    ] = None,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="List and resolve only; say what would be fetched.")
    ] = False,
) -> None:
    """Crawl SOURCEs, and keep the images that fit a taste.

    \b
    goldpan mine demo --out out/demo                         a small Reddit on this machine
    goldpan mine reddit:r/EarthPorn --taste liked --out out  a subreddit, by a folder of images you like
    goldpan mine reddit:r/all --follow --taste taste --out out     what is new, as it comes
    goldpan mine dump:RS_2024-01.zst,subreddit=EarthPorn --taste taste --out out
    goldpan mine urls:links.txt --taste taste --out out      a list of URLs, by a fitted taste
    goldpan mine --retry failed:timeout --taste taste --out out
    goldpan mine --retry gained --taste wider --out out      what another taste, or threshold, lets through

    Run the same command again to go on where it stopped: nothing is fetched or judged twice.
    Exit codes: 0 done (or --follow stopped cleanly), 2 it could not start, 130 or 143 stopped by a signal after a
    clean commit, 1 anything else.
    """
    flags: dict[str, Any] = {
        "out": out,
        "taste": taste,
        "follow": follow,
        "retry": retry,
        "encoder": encoder,
        "keep": keep,
        "known": known,
        "watermark_threshold": watermark_threshold,
        "limit": limit,
        "thumbs": thumbs,
        "window": {"count": window},
        "crawl": {
            "over_18": over_18,
            "allow_private": allow_private,
            "shape": {"min_pixels": min_pixels, "max_wide": max_wide, "max_tall": max_tall},
        },
        "watch": {
            "events": events,
            "log_format": log_format,
            "log_file": log_file,
            "metrics_port": metrics_port,
            "metrics_host": metrics_host,
        },
    }
    flags = preflight.given(flags)
    for assignment in set_ or []:
        assign(flags, assignment)
    sources = preflight.sources_or_retry(sources, retry)
    with ExitStack() as stack:
        # The demo's own settings are known when it has started; how to speak is known before.
        first = load_settings({**flags, "sources": sources}, config)
        mask = Mask(first)
        console = stack.enter_context(speaking(first, mask))
        demo = visit.enter(stack, sources, photos, console, liked=taste is None)
        flags["sources"] = sources
        if demo is not None:
            flags = demo.lend(flags)
        settings = preflight.with_credentials(preflight.absolute(load_settings(flags, config)))
        mask.learn(settings)
        output = preflight.output(settings)
        preflight.endless(settings, dry=dry)
        preflight.sources(settings)
        if dry:
            dry_run.estimate(settings, console)
            return
        preflight.detector(settings)
        name = new_run()
        lock = stack.enter_context(OutputLock(output, name))
        watch = stack.enter_context(Watch(name, settings, output, lock, console))
        output.remove_leftovers()
        settings = gates.prepare(settings, output, console)
        liked = preflight.taste(settings, console)
        have = hash_known(settings, output, console)
        placement.connect()
        code = run(name, settings, liked, output, watch, have)
        console.print(watch.totals.summary(output.shown))
        if demo is not None:
            console.print(demo.verdict(output), highlight=False)
    raise typer.Exit(code)


if __name__ == "__main__":
    run_script(mine)
