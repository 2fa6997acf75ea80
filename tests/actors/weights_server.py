"""A publisher of files: it knows ranges and validators, and can break off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Publisher:
    """What is served by path, what was asked for, and after how many bytes of a body it breaks off."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)
    breaks_after: int | None = None
    tagged: bool = True
    url: str = ""


@contextmanager
def publishing() -> Iterator[Publisher]:
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_GET(self) -> None:
            publisher.ranges.append(self.headers["Range"])
            content = publisher.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            tag = f'"{sha256(content).hexdigest()[:16]}"'
            begin = 0
            if self.headers["Range"] and self.headers["If-Range"] == tag:
                begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if begin >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if begin else 200)
            if publisher.tagged:
                self.send_header("ETag", tag)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            page = content.startswith(b"<html>")
            self.send_header("Content-Type", "text/html" if page else "application/octet-stream")
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            end = len(content) if publisher.breaks_after is None else begin + publisher.breaks_after
            self.wfile.write(content[begin:end])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
