from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import imagehash
import pytest
import requests
from PIL import Image

from flows.demo.exhibits import Serving
from flows.demo.links import FLICKR_REMOVED, IMGUR_REMOVED
from flows.demo.pictures import Picture, Treatment
from flows.demo.server import FLICKR_API_KEY, IMGUR_CLIENT_ID, DemoServer
from flows.demo.studio import Studio
from flows.demo.world import World
from models.gates import ShapeGates
from models.reasons import Reason
from tests.flows.demo_world.asking import answers, ask

NEAR = 8


def decoded(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def test_pictures_are_as_declared(world: World, server: DemoServer) -> None:
    for url, answer in list(answers(world, Serving.FINE).items())[:12]:
        response = ask(server, url)
        image = decoded(response.content)
        assert answer.picture is not None
        assert answer.picture.size in (None, image.size)
        assert response.headers["Content-Type"] == f"image/{(image.format or '').lower()}"


@pytest.mark.parametrize(
    ("serving", "status"), [(Serving.MISSING, 404), (Serving.FORBIDDEN, 403), (Serving.REMOVED, 302)]
)
def test_plain_troubles(world: World, server: DemoServer, serving: Serving, status: int) -> None:
    assert {ask(server, url).status_code for url in answers(world, serving)} == {status}


def test_broken_hosts_stay_broken(world: World, server: DemoServer) -> None:
    for url in answers(world, Serving.BROKEN):
        assert [ask(server, url).status_code >= 500 for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(("serving", "status"), [(Serving.RECOVERS, 503), (Serving.BUSY, 429)])
def test_passing_troubles_pass(world: World, cache: Path, serving: Serving, status: int) -> None:
    url = next(iter(answers(world, serving)))
    with DemoServer(world, cache=cache) as fresh:
        first, second = ask(fresh, url), ask(fresh, url)
    assert (first.status_code, first.headers["Retry-After"]) == (status, "1")
    assert second.status_code == 200
    assert decoded(second.content).size


def test_removed_pictures_lead_to_their_hosts_placeholders(world: World, server: DemoServer) -> None:
    places = {ask(server, url).headers["Location"] for url in answers(world, Serving.REMOVED)}
    assert places == {IMGUR_REMOVED, FLICKR_REMOVED}
    assert decoded(ask(server, IMGUR_REMOVED).content).size == (161, 81)


def test_truncated_files_are_cut(world: World, server: DemoServer) -> None:
    for url in answers(world, Serving.TRUNCATED):
        response = ask(server, url)
        assert len(response.content) == int(response.headers["Content-Length"])
        with pytest.raises(OSError, match="truncated"):
            decoded(response.content)


def test_pages_that_claim_to_be_images(world: World, server: DemoServer) -> None:
    for url in answers(world, Serving.HTML):
        response = ask(server, url)
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.text.startswith("<!doctype html>")


def test_empty_bodies(world: World, server: DemoServer) -> None:
    assert {(r.status_code, r.content) for r in (ask(server, u) for u in answers(world, Serving.EMPTY))} == {
        (200, b"")
    }


def test_opted_out_hosts_say_so(world: World, server: DemoServer) -> None:
    for url in answers(world, Serving.OPTED_OUT):
        response = ask(server, url)
        assert response.status_code == 200
        assert response.headers["X-Robots-Tag"].lower().startswith(("noai", "noimageindex", "noindex"))


def test_huge_files_are_announced_and_never_sent(world: World, server: DemoServer) -> None:
    url = next(iter(answers(world, Serving.HUGE)))
    host, _, path = url.removeprefix("https://").partition("/")
    with requests.get(f"{server.url}/{path}", headers={"Host": host}, stream=True, timeout=30) as response:
        assert int(response.headers["Content-Length"]) > 64 << 20
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            assert response.content


def test_dead_hosts_refuse(world: World, server: DemoServer) -> None:
    host = next(iter(answers(world, Serving.DEAD))).split("/")[2]
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.settings()["host_map"][host], timeout=30)


def test_exact_copies_are_equal_and_near_ones_alike(world: World, server: DemoServer) -> None:
    shown: dict[str, dict[Treatment, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for url, answer in answers(world, Serving.FINE).items():
        if isinstance(answer.picture, Picture):
            name = f"{answer.picture.kind} {answer.picture.seed}"
            shown[name][answer.picture.treatment].append(ask(server, url).content)
    exact = [copies[Treatment.PLAIN] for copies in shown.values() if len(copies[Treatment.PLAIN]) > 1]
    assert exact and all(len(set(bodies)) == 1 for bodies in exact)
    near = [copies for copies in shown.values() if copies[Treatment.NEAR]]
    assert near
    for copies in near:
        original, copy = (decoded(copies[t][0]) for t in (Treatment.PLAIN, Treatment.NEAR))
        assert imagehash.phash(original) - imagehash.phash(copy) <= NEAR
        assert copy.width * copy.height < original.width * original.height


def test_treated_pictures_meet_the_gate_they_are_made_for(world: World, server: DemoServer) -> None:
    reasons = {
        Treatment.SMALL: Reason.TOO_SMALL, Treatment.WIDE: Reason.TOO_WIDE, Treatment.TALL: Reason.TOO_TALL,
        Treatment.PLAIN: None, Treatment.NEAR: None, Treatment.MARKED: None,
    }  # fmt: skip
    met = set()
    for url, answer in answers(world, Serving.FINE).items():
        assert isinstance(answer.picture, Picture)
        size = decoded(ask(server, url).content).size
        assert ShapeGates().reason(*size) is reasons[answer.picture.treatment]
        met.add(answer.picture.treatment)
    assert met == set(Treatment)


def test_a_browser_gets_a_page_from_reddit(world: World, server: DemoServer) -> None:
    url = next(url for url in answers(world, Serving.FINE) if "//i.redd.it/" in url)
    response = ask(server, url, {"Accept": "text/html,image/*"})
    assert response.headers["Content-Type"].startswith("text/html")


def test_imgur_wants_its_key_and_knows_its_images(world: World, server: DemoServer) -> None:
    path = next(path for path in world.imgur if path.startswith("album/") and world.imgur[path]["images"])
    url = f"https://api.imgur.com/3/{path}"
    assert ask(server, url).status_code == 403
    key = {"Authorization": f"Client-ID {IMGUR_CLIENT_ID}"}
    album = ask(server, url, key).json()
    assert album["success"] and album["data"] == world.imgur[path]
    unknown = ask(server, "https://api.imgur.com/3/image/zzzzzzz", key)
    assert (unknown.status_code, unknown.json()["success"]) == (404, False)


def test_imgur_serves_under_any_extension(world: World, server: DemoServer) -> None:
    record = next(r for p, r in world.imgur.items() if p.startswith("image/") and not r["animated"])
    asked = ask(server, record["link"].rpartition(".")[0] + ".jpeg")
    assert asked.content == ask(server, record["link"]).content


def test_flickr_wants_its_key_and_knows_its_photos(world: World, server: DemoServer) -> None:
    photo = next(iter(world.flickr))
    url = "https://api.flickr.com/services/rest/?method=flickr.photos.getSizes&format=json&nojsoncallback=1"
    assert ask(server, f"{url}&photo_id={photo}").json()["code"] == 100
    sizes = ask(server, f"{url}&photo_id={photo}&api_key={FLICKR_API_KEY}").json()
    assert sizes == world.flickr[photo]
    largest = max(sizes["sizes"]["size"], key=lambda size: int(size["width"]) * int(size["height"]))
    assert largest["label"] == "Original"
    assert ask(server, f"{url}&photo_id=1&api_key={FLICKR_API_KEY}").json()["code"] == 1


def test_the_server_logs_what_it_served(world: World, cache: Path) -> None:
    url = next(iter(answers(world, Serving.MISSING)))
    with DemoServer(world, cache=cache) as fresh:
        ask(fresh, url)
        ask(fresh, url)
        log = requests.get(f"{fresh.url}/demo/log", timeout=30).json()
    assert log["served"] == {url.removeprefix("https://"): 2}


def test_the_second_server_paints_nothing(world: World, server: DemoServer, cache: Path) -> None:
    for url in answers(world, Serving.FINE):
        ask(server, url)
    painted = {path: path.stat().st_mtime_ns for path in cache.rglob("*.jpg")}
    studio = Studio(cache)
    assert all(future.done() for future in studio.order(world.paint_order) if future)
    studio.close()
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.jpg")} == painted


def test_every_host_that_a_post_names_is_mapped(world: World, server: DemoServer) -> None:
    named = {urlsplit(post["url"]).netloc for post in world.posts}
    assert not named - set(server.settings()["host_map"])
