"""The studio: paints a world's pictures in worker processes, in the order in which they will be asked for."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path

from flows.demo.paint import LANDSCAPES
from flows.demo.pictures import Picture, cache_folder, ensure, world_folder

MOST_WORKERS = 8
LIKED = 80
# Far above every world's seeds (``exhibits.HIGHEST_SEED``), with room for each world's own liked pictures.
FIRST_LIKED_SEED = 20_000_000
LIKED_SEEDS_A_WORLD = 1000
DIFFERENT_LIKED = 1_000_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to be painted into a folder, and who waits for it."""

    folder: Path
    picture: Picture
    done: Future[Path] = field(default_factory=Future)


class Studio:
    """Paints pictures once, into ``<cache>/<painter's version>``, and says when a picture is there.

    What somebody waits for comes first, then what was ordered, in its order. Thread-safe. ``on_progress`` gets
    (painted, ordered) after each picture, on a thread of the pool. Workers are started when the first picture is
    missing, and end with their parent, however it ends.
    """

    def __init__(
        self, cache: Path | None = None, workers: int | None = None, on_progress: Progress | None = None
    ) -> None:
        self.folder = world_folder(cache or cache_folder())
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ordered = 0
        self.painted = 0
        self._workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
        self._on_progress = on_progress
        self._pool: ProcessPoolExecutor | None = None
        self._orders: dict[Path, Order] = {}
        self._waiting: OrderedDict[Path, Order] = OrderedDict()
        self._urgent: deque[Path] = deque()
        self._at_work = 0
        self._closed = False
        self._lock = threading.RLock()

    def order(self, pictures: Iterable[Picture], folder: Path | None = None) -> list[Future[Path]]:
        """Have these painted, in this order, after what was ordered before; what is there is not painted."""
        ordered = [self._ordered(folder or self.folder, picture) for picture in pictures]
        self._hand_out()
        return ordered

    async def path(self, picture: Picture) -> Path:
        """Give a picture's file, once it is painted. Raises what its painting raised."""
        done = self._ordered(self.folder, picture)
        with self._lock:
            self._urgent.append(self.folder / picture.name)
        self._hand_out()
        return await asyncio.shield(asyncio.wrap_future(done))

    def close(self) -> None:
        """End the workers; what was ordered and not begun is dropped."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
            dropped = list(self._waiting.values())
            self._waiting.clear()
        for order in dropped:
            order.done.cancel()
        if pool:
            pool.shutdown(wait=True, cancel_futures=True)

    def _ordered(self, folder: Path, picture: Picture) -> Future[Path]:
        path = folder / picture.name
        with self._lock:
            if path not in self._orders:
                self._orders[path] = order = Order(folder, picture)
                self.ordered += 1
                if path.exists():
                    self._deliver(order, path)
                else:
                    self._waiting[path] = order
            return self._orders[path].done

    def _hand_out(self) -> None:
        """Keep every worker busy with what is wanted most."""
        with self._lock:
            # One more than there are workers waits in the pool, so that none of them is ever idle.
            while self._waiting and self._at_work <= self._workers and not self._closed:
                order = self._next()
                self._at_work += 1
                self._pool = self._pool or _pool(self._workers)
                painting = self._pool.submit(ensure, order.folder, order.picture)
                painting.add_done_callback(partial(self._finished, order))

    def _next(self) -> Order:
        while self._urgent:
            path = self._urgent.popleft()
            if path in self._waiting:
                return self._waiting.pop(path)
        return self._waiting.popitem(last=False)[1]

    def _finished(self, order: Order, painting: Future[Path]) -> None:
        with self._lock:
            self._at_work -= 1
        if painting.cancelled():
            order.done.cancel()
        elif error := painting.exception():
            order.done.set_exception(error)
        else:
            self._deliver(order, painting.result())
        self._hand_out()

    def _deliver(self, order: Order, path: Path) -> None:
        order.done.set_result(path)
        self.painted += 1
        if self._on_progress:
            self._on_progress(self.painted, self.ordered)


def liked_pictures(seed: int, count: int = LIKED) -> list[Picture]:
    """The liked pictures of a world: landscapes of every kind, none of them in any world."""
    first = FIRST_LIKED_SEED + seed % DIFFERENT_LIKED * LIKED_SEEDS_A_WORLD
    return [Picture(LANDSCAPES[number % len(LANDSCAPES)], first + number) for number in range(count)]


def order_liked(studio: Studio, seed: int, count: int = LIKED) -> tuple[Path, list[Future[Path]]]:
    """Have the liked pictures painted: their folder, and what to wait for before it is complete."""
    folder = studio.folder / f"liked-{seed}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder, studio.order(liked_pictures(seed, count), folder)


def liked_folder(
    seed: int, count: int = LIKED, cache: Path | None = None, workers: int | None = None
) -> Path:
    """Give the folder of a world's liked pictures, all painted."""
    studio = Studio(cache, workers)
    try:
        folder, futures = order_liked(studio, seed, count)
        wait_all(futures)
    finally:
        studio.close()
    return folder


def wait_all(futures: Iterable[Future[Path]]) -> None:
    """Wait until all is painted. Raises what a painting raised."""
    for future in wait(list(futures)).done:
        future.result()


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not forked: the studio's process has threads and an event loop.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_at_work)


def _at_work() -> None:
    """Leave Ctrl-C to the run that shows the world, and end when the studio's process does."""
    for number in (signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    # A pool's workers hold each other's pipes open: without this they outlive a killed parent.
    wait_for_any([sentinel])
    os._exit(0)
