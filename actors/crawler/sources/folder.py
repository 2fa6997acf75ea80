"""A folder of the user's: a submission for every regular file in it, image or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from actors.crawler.remote import PlaceError, is_remote, place_of
from actors.crawler.sources.source import PAGE, Cursor, Page
from actors.crawler.sources.spec import SourceError, SourceSpec
from actors.crawler.sources.trees import LocalTree, Names, RemoteTree, Tree
from models.keys import folder_item
from models.records import Submission

_PATIENCE = 1.0  # seconds without a page, while a folder is listed


@dataclass(frozen=True, slots=True)
class Found:
    """A file; or what cannot be listed, or has no name by which to ask for it."""

    names: Names
    readable: bool


class FolderSource:
    """``folder:DIR``, depth first in the order of the names' bytes, which is the same on every run.

    What cannot be listed is a submission too, which ends as ``unreadable``.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._text = spec.text
        try:
            self._tree: Tree = (
                RemoteTree(place_of(spec.name), spec.text)
                if is_remote(spec.name)
                else LocalTree(spec.name, spec.text)
            )
        except PlaceError as error:
            raise SourceError(f"folder: {error}") from None

    def check(self) -> None:
        """Look at the folder."""
        self._tree.check()

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the files in pages of 100; the cursor is the last path, percent-encoded."""
        reached = cursor or {}
        after = tuple(unquote_to_bytes(reached.get("after", "")).split(b"/"))
        held: list[Found] = []
        with ThreadPoolExecutor(1, "listing") as lister:
            for found in self._walk(lister, (), after if after != (b"",) else ()):
                if len(held) == PAGE or (found is None and held):
                    reached = {"after": quote(b"/".join(held[-1].names))}
                    yield self._page(held, reached)
                    held = []
                if found is not None:
                    held.append(found)
                else:
                    yield Page((), reached)
        yield self._page(held, {})

    def _page(self, held: list[Found], cursor: Cursor) -> Page:
        return Page(tuple(map(self._submission, held)), cursor)

    def _submission(self, found: Found) -> Submission:
        path = os.fsdecode(b"/".join(found.names))
        post = {"uri": self._tree.uri(found.names)} if found.readable else {}
        return Submission(folder_item(path or "."), self._text, post)

    def _walk(self, lister: Executor, folder: Names, after: Names) -> Iterator[Found | None]:
        """Yield what is behind ``after``, and None each second in which there is nothing yet."""
        listing = lister.submit(self._tree.entries, folder)
        while not wait([listing], _PATIENCE).done:
            yield None
        entries = listing.result()
        if entries is None:
            if folder > after:
                yield Found(folder, False)
            return
        for name, is_folder in sorted(entries):
            names = (*folder, name)
            if names < after[: len(names)]:
                continue
            if is_folder:
                yield from self._walk(lister, names, after)
            elif names > after:
                yield Found(names, bool(name))
