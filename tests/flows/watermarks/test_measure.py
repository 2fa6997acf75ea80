from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from actors.watermark import Watermark
from flows.exits import PreflightError
from flows.watermarks.measure import Measured, contact_sheet, lines, measured
from flows.watermarks.synthesise import TABLE, Example, write_table
from tests.flows.watermarks.pictures import scene, under_a_mark

FOUND = Measured(
    [
        Example("no_watermark/0.jpg", "a.jpg", "", None, "", 90),
        Example("no_watermark/1.jpg", "a.jpg", "", None, "sign wires", 90),
        Example("watermark/0.jpg", "a.jpg", "banner", 0.9, "", 90),
        Example("watermark/1.jpg", "a.jpg", "credit", 0.4, "sign wires", 90),
        Example("watermark/2.jpg", "b.jpg", "credit", 0.2, "", 90),
    ],
    np.array([0.1, 0.6, 0.95, 0.55, 0.2], np.float32),
)


def test_figures_are_of_the_right_pictures() -> None:
    assert FOUND.area() == pytest.approx(3 / 4)  # the faint one does not count
    assert FOUND.marked(0.3, kind="credit").tolist() == pytest.approx([0.55])
    assert FOUND.plain.tolist() == pytest.approx([0.1])
    printed = "\n".join(lines(FOUND, 0.5))
    assert "false alarms: 50.0% of 2 clean, 0.0% of 1 without distractors" in printed
    assert "| `credit` | 0.0% of 1 | 100.0% of 1 |" in printed
    assert "| `wires` | 100.0% of 1 |" in printed
    assert "| 0.6 | 50.0% | 0.0% |" in printed
    assert "| 0.05 | 0.0% | 100.0% |" in printed


def test_a_folder_is_judged_from_its_bytes_and_drawn(tmp_path: Path) -> None:
    for folder, image in (("no_watermark", scene(1)), ("watermark", under_a_mark(1).picture)):
        (tmp_path / folder).mkdir()
        image.save(tmp_path / folder / "0.jpg", quality=90)
    examples = [
        Example("no_watermark/0.jpg", "a", "", None, "", 90),
        Example("watermark/0.jpg", "a", "tiled", 0.9, "", 90),
    ]
    write_table(tmp_path / TABLE, examples)
    found = measured(tmp_path, Watermark(1, "cpu"))
    assert list(found.examples) == examples
    assert 0 <= found.scores.min() < found.scores.max() <= 1
    sheet = contact_sheet(tmp_path, found, 0.5)
    assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 50


def unasked(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    raise AssertionError("nothing is to be judged")


def test_what_cannot_be_measured_says_why(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="is no table"):
        measured(tmp_path, unasked)
    (tmp_path / TABLE).write_text("a,b\n1,2\n")
    with pytest.raises(PreflightError, match="is no table"):
        measured(tmp_path, unasked)
    for examples in (
        [],
        [Example("a.jpg", "a", "", None, "", 90), Example("b.jpg", "a", "tiled", 0.2, "", 90)],
    ):
        write_table(tmp_path / TABLE, examples)
        with pytest.raises(PreflightError, match="not both clean pictures and marks"):
            measured(tmp_path, unasked)
