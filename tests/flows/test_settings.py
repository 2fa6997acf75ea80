"""A setting that cannot be used is one clear message; none is ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.duplicates import NEAR_BITS
from flows.settings import Settings, SettingsError, assign, load_settings


def load(config: Path | None = None, **flags: Any) -> Settings:
    return load_settings({"sources": ("urls:x",), "out": "o", **flags}, config)


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        (b"keep: [0.9", "is not YAML; correct line 1: "),
        (b"keep: \x07", "cannot be read; correct it: .*not allowed"),
        (b"keep: 2026-13-01", "correct it: month must be"),
        (b"- keep\n- 0.9\n", "holds no settings: write each as name: value"),
        (b"0.9", "holds no settings"),
        (b"1: 2", "holds no settings"),
        ("taste: Gemälde".encode("latin-1"), "is not UTF-8; save it as UTF-8"),
        (b"window: {cuont: 3}", "window.cuont: no such setting; did you mean window.count"),
    ],
)
def test_a_file_that_holds_no_settings(tmp_path: Path, text: bytes, way_out: str) -> None:
    (tmp_path / "goldpan.yaml").write_bytes(text)
    with pytest.raises(SettingsError, match=way_out):
        load(tmp_path / "goldpan.yaml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load(tmp_path / "goldpan.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path)


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / "goldpan.yaml").write_text("# keep: 0.9\n")
    assert load(tmp_path / "goldpan.yaml").near_bits == NEAR_BITS


@pytest.mark.parametrize(
    ("variable", "value", "way_out"),
    [
        ("GOLDPAN_CRAWL__ALLOW_PRIVATE", "localhost", "^GOLDPAN_CRAWL__ALLOW_PRIVATE in .*JSON"),
        ("GOLDPAN_WINDOW", "512", "^window: Input should be"),
        ("GOLDPAN_LIMITT", "3", "GOLDPAN_LIMITT in .*did you mean GOLDPAN_LIMIT"),
        ("GOLDPAN_CRAWL_PATIENCE", "3", "did you mean GOLDPAN_CRAWL__PATIENCE"),
        ("GOLDPAN_CRAWL__PATINCE", "3", "crawl.patince: no such setting; did you mean crawl.patience"),
    ],
)
def test_a_variable_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, way_out: str
) -> None:
    monkeypatch.setenv("GOLDPAN_CRAWL__PATIENCE", "7")
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=way_out):
        load()


def test_variables_of_other_parts_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", "somewhere")
    monkeypatch.setenv("GOLDPAN_SHARED_DATA", "elsewhere")
    monkeypatch.setenv("GOLDPAN_LIMIT", "3")
    assert load().limit == 3


@pytest.mark.parametrize(
    ("assignment", "way_out"),
    [
        ("out.x=1", "--set out.x: out is one value"),
        ("keep", "name=value"),
        ("keep=[1", "its value cannot be read"),
        ("taste=2026-13-01", "its value cannot be read, put it in quotes"),
        ("crawl.reddit.password=hush", "GOLDPAN_CRAWL__REDDIT__PASSWORD in the environment"),
        ("crawl.reddit={password: hush}", "holds secrets such as crawl.reddit.client_id"),
        ("crawl={reddit: {password: hush}}", "holds secrets"),
        ("crawl.flickr_api_key.x=hush", "a secret"),
    ],
)
def test_an_assignment_that_cannot_be_used(assignment: str, way_out: str) -> None:
    flags: dict[str, Any] = {"out": "o"}
    with pytest.raises(SettingsError, match=way_out) as refused:
        assign(flags, assignment)
    assert "hush" not in str(refused.value)
    assert flags == {"out": "o"}


def test_what_is_no_secret_can_be_assigned_beside_one() -> None:
    flags: dict[str, Any] = {}
    assign(flags, "crawl.reddit.username=ann")
    assign(flags, "window={count: 3}")
    assert load(**flags).crawl.reddit.username == "ann"
    assert load(**flags).window.count == 3


@pytest.mark.parametrize(
    ("crawl", "way_out"),
    [
        ({"allow_private": ["http://localhost:80"]}, "crawl.allow_private: .*HOST or HOST:PORT"),
        ({"allow_private": ["localhost:99999"]}, "localhost:8080"),
        ({"host_map": {"i.redd.it": "ftp://u:hush@mirror"}}, "i.redd.it leads to .*write it as http://"),
        ({"host_map": {"i.redd.it": "http://mirror:port"}}, "no URL"),
        ({"host_map": {"https://i.redd.it/": "http://mirror"}}, "write it as i.redd.it"),
    ],
)
def test_hosts_that_are_none(crawl: dict[str, Any], way_out: str) -> None:
    with pytest.raises(SettingsError, match=way_out) as refused:
        load(crawl=crawl)
    assert "hush" not in str(refused.value)


def test_a_window_has_to_fit_twice_into_what_is_fetched_ahead() -> None:
    with pytest.raises(
        SettingsError,
        match=r"^window.bytes .*window.bytes=50MiB or less, or crawl.ahead_bytes=256MiB or more",
    ):
        load(crawl={"ahead_bytes": "100MiB"})
    assert load(crawl={"ahead_bytes": "100MiB"}, window={"bytes": "50MiB"}).window.bytes == 50 << 20
    with pytest.raises(SettingsError, match=r"window\.bytes=500 or less"):
        load(crawl={"ahead_bytes": 1001}, window={"bytes": "501"})


@pytest.mark.parametrize("name", ["http://i.redd.it", "*", "i.*.it", "*.*.it", "", "a b"])
def test_a_budget_is_for_a_host_or_all_below_a_suffix(name: str) -> None:
    with pytest.raises(SettingsError, match=r"is no host; write it as i\.redd\.it"):
        load_settings({"sources": ("-",), "out": "-", "crawl": {"host_budgets": {name: {"connections": 1}}}})
