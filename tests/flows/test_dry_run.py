"""What a run would fetch is counted as the run would take it."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from flows import dry_run
from flows.settings import load_settings


def test_a_url_that_several_lists_name_counts_once(tmp_path: Path) -> None:
    lists = [tmp_path / "a.txt", tmp_path / "b.csv"]
    lists[0].write_text("https://a.example/1.jpg\nhttps://a.example/2.jpg\nhttps://a.example/1.jpg\n")
    lists[1].write_text("url,over_18\nhttps://a.example/2.jpg,true\nhttps://b.example/3.jpg,true\n")
    shown = io.StringIO()
    settings = load_settings({"sources": [f"urls:{path}" for path in lists], "out": str(tmp_path / "out")})
    dry_run.estimate(settings, Console(file=shown, width=200))
    assert "3 submissions: 2 images to fetch" in shown.getvalue() and "1 to skip" in shown.getvalue()
    assert "b.example" not in shown.getvalue() and "over_18" in shown.getvalue()
