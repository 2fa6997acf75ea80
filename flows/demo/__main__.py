"""``python -m flows.demo serve``: the demo world in a process of its own, which ends when its stdin closes."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.demo.server import DemoServer


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    options = _parser().parse_args(arguments)
    return _serve(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows.demo", description=__doc__)
    serve = parser.add_subparsers(required=True, metavar="serve").add_parser(
        "serve", help="serve a demo world"
    )
    serve.add_argument("--seed", type=int, default=1, help="which world")
    serve.add_argument("--scale", type=float, default=1.0, help="share of a full world")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one")
    serve.add_argument("--photos", type=Path, help="folder with a labels.csv to serve instead of paintings")
    serve.add_argument("--cache", type=Path, help="where paintings are kept")
    serve.add_argument("--truth", type=Path, help="write the world's truth to this file, as JSON")
    serve.add_argument("--liked", type=int, default=80, help="liked pictures to paint first; 0 for none")
    serve.add_argument("--workers", type=int, help="painting processes")
    return parser


def _serve(options: argparse.Namespace) -> int:
    # Ctrl-C and a closed terminal reach the whole process group: the run that mines this world decides when it
    # has finished what is in flight, and closes our stdin then.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # Imported here: the painters' processes import this module too, and need none of it.
    from flows.demo.photos import PhotosError
    from flows.demo.server import DemoServer
    from flows.demo.studio import Studio
    from flows.demo.world import World

    try:
        world = World.build(options.seed, options.photos, options.scale)
    except PhotosError as error:
        print(error, file=sys.stderr)
        return 2
    server = DemoServer(world, port=options.port, studio=Studio(options.cache, options.workers))
    if options.truth:
        world.truth.save(options.truth)
    _announced(server, options.liked)
    sys.stdin.buffer.read()
    server.close()
    return 0


def _announced(server: DemoServer, liked: int) -> None:
    """Paint the liked pictures, begin to serve, and say so in one line of JSON."""
    from flows.demo.server import SOURCE
    from flows.demo.studio import order_liked, wait_all

    ready: dict[str, object] = {"source": SOURCE, "liked": None}
    futures: list[Future[Path]] = []
    if liked:
        folder, futures = order_liked(server.studio, server.world.seed, liked)
        ready["liked"] = str(folder)
    server.start()
    wait_all(futures)
    ready |= {"port": server.port, "pid": os.getpid(), "settings": server.settings()}
    print(json.dumps(ready), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
