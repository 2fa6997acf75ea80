"""Asking a demo server as a crawler does: at its port, under the name of the host that is meant."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from flows.demo.desk import Answer
from flows.demo.exhibits import Serving
from flows.demo.server import DemoServer
from flows.demo.world import World


def ask(server: DemoServer, url: str, headers: dict[str, str] | None = None) -> requests.Response:
    parts = urlsplit(url)
    target = f"{server.url}{parts.path}{'?' + parts.query if parts.query else ''}"
    named = {"Host": parts.netloc, "Accept": "image/*,*/*;q=0.8"} | (headers or {})
    return requests.get(target, headers=named, allow_redirects=False, timeout=30)


def answers(world: World, serving: Serving) -> dict[str, Answer]:
    return {f"https://{at}": answer for at, answer in world.answers.items() if answer.serving is serving}
