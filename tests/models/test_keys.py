"""Keys and file names: safe everywhere, and the same for the same candidate."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keys import folder_item, image_path, item_of, key_hash, key_hashes, safe_name, url_item
from models.records import Candidate, Submission

SHA = "ab12cd34" + "0" * 56


def path(item: str, media: str, subreddit: str | None = "EarthPorn", image_format: str = "JPEG") -> str:
    return image_path(Submission(item, "s", {}, subreddit), media, SHA, image_format)


def test_a_reddit_image_is_named_after_its_submission() -> None:
    assert path("t3_abc", "0") == "images/EarthPorn/t3_abc_0_ab12cd34.jpg"
    assert path("t3_abc", "m3d1a", image_format="PNG") == "images/EarthPorn/t3_abc_m3d1a_ab12cd34.png"


def test_urls_and_folders_have_no_subreddit() -> None:
    assert path(url_item("https://a.test/x.jpg"), "0", None).startswith("images/_/")
    assert path(folder_item("a b/ü.jpg"), "0", None).startswith("images/_/")


@pytest.mark.parametrize(
    "name", ["con", "NUL", "aux.txt", "..", ".", "a/b", "a\\b", "a:b", "trailing.", "", "ü" * 300]
)
def test_names_are_safe(name: str) -> None:
    safe = safe_name(name)
    assert safe and safe == safe.strip(".") and len(safe) < 120
    assert not set(safe) & set('<>:"/\\|?*\0 ')
    assert safe.lower().split(".")[0] not in {"con", "nul", "aux", "prn", "com1", "lpt1"}


@given(st.text(max_size=40), st.text(max_size=40))
def test_different_names_stay_different(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(st.text(min_size=1), st.from_regex(r"[A-Za-z0-9-]+", fullmatch=True))
def test_the_item_of_a_key_survives_slashes(item: str, media: str) -> None:
    assert item_of(Candidate(item, media).key) == item


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300)))
def test_a_column_of_keys_hashes_like_each_of_them(keys: list[str]) -> None:
    column = pa.array(["left out", *keys], pa.string())
    assert key_hashes(column.slice(1)).tolist() == [key_hash(key) for key in keys]


def test_neighbouring_ids_have_hashes_of_their_own() -> None:
    keys = pa.array(f"t3_{number:x}" for number in range(300_000))
    hashes = key_hashes(pa.chunked_array([keys, keys.slice(0, 0)]))
    assert len(np.unique(hashes)) == len(keys)
