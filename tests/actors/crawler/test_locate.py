from __future__ import annotations

import pytest
from yarl import URL

from actors.crawler.locate import BadUrlError, HostMap, clean, join, shown


@pytest.mark.parametrize(
    "text",
    ["", "ftp://h/x", "file:///etc/passwd", "//i.redd.it/x.jpg", "/r/x/comments/y", "http://", "http://h:99999/",
     "javascript:alert(1)", "data:image/png;base64,AA==", "http://[::1/", "http://\ud800/x", "https:///x",
     "http://a b/", "http://h%00/x", "http://[fe80::1%25eth0]/x"],
)  # fmt: skip
def test_what_cannot_be_fetched_is_a_bad_url(text: str) -> None:
    with pytest.raises(BadUrlError):
        clean(text)


def test_userinfo_and_fragment_are_dropped() -> None:
    assert (
        str(clean(" https://me:secret@h.example:444/a%20b?x=1&y=%2F#frag "))
        == "https://h.example:444/a%20b?x=1&y=/"
    )
    assert "secret" not in shown("https://me:secret@[bad/x")
    assert "secret" not in str(join(URL("https://a.example/"), "//u:secret@b.example/x"))


def test_shown_text_is_valid_utf8_and_bounded() -> None:
    assert shown("http://h/\ud800") == "http://h/\\ud800"
    assert len(shown("x" * 10_000)) == 2000


def test_the_map_keeps_path_query_and_host() -> None:
    hosts = HostMap({"I.redd.it": "http://127.0.0.1:8080", "h.example": "http://[::1]:9/base/"})
    place, headers = hosts.place(clean("https://i.redd.it/a%2Fb.jpg?s=1%262"))
    assert str(place) == "http://127.0.0.1:8080/a%2Fb.jpg?s=1%262"
    assert headers == {"Host": "i.redd.it"}
    assert str(hosts.place(clean("http://h.example:81/x"))[0]) == "http://[::1]:9/base/x"
    assert hosts.place(clean("http://h.example:81/x"))[1] == {"Host": "h.example:81"}
    assert hosts.place(clean("http://other.example/x")) == (URL("http://other.example/x"), {})


def test_a_map_to_what_is_no_url_is_an_error() -> None:
    with pytest.raises(BadUrlError):
        HostMap({"i.redd.it": "127.0.0.1:8080"})
