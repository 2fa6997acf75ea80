"""A threshold chosen against what was never filtered, and a finished run judged again."""

from __future__ import annotations

import csv
import json
import tracemalloc
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from actors.encoder import Encoder
from actors.storage import Output
from actors.upkeep.compaction import compact
from flows.cli import app
from flows.comparing import compared
from flows.liked import distinct, fit_images, image_files
from flows.score import changes, gained
from flows.taste_card import save
from models.fitting import fit_taste
from models.reasons import Reason, Verdict
from models.registry import encoder_row, file_sha256, resolve_weights
from models.schema import VERDICTS
from models.taste import Taste
from tests.models.graphs import mean_colour

WIDTH = 8
SPARSE = pa.schema([field.with_nullable(True) for field in VERDICTS])
ROWS = {  # key: (attempt, reason, how far from what is liked)
    "a/0": (1, "fits", 0.0),
    "b/0": (1, "fits", 9.0),
    "c/0": (1, "unlike_taste", 0.0),
    "d/0": (1, "unlike_taste", 9.0),
    "e/0": (1, "watermark", 0.0),
}


def _vectors(n: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    return np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    taste = fit_taste(_vectors(200, 0), encoder="gist", encoder_fingerprint="ab" * 32)
    taste.save(tmp_path / "taste")
    return tmp_path / "taste"


def _window(output: Output, number: int, rows: dict[str, tuple[int, str, float]], encoder: str) -> None:
    verdict = {key: Reason(reason).verdict for key, (_, reason, _) in rows.items()}
    scored = [key for key in rows if verdict[key] is not Verdict.FAILED]
    verdicts = [
        {
            "key": key,
            "attempt": attempt,
            "reason": reason,
            "verdict": verdict[key].value,
            "encoder": encoder if key in scored else None,
        }
        for key, (attempt, reason, _) in rows.items()
    ]
    far = np.array([rows[key][2] for key in scored], np.float16)[:, None]
    flat = pa.array((np.zeros((len(scored), WIDTH), np.float16) + far).ravel())
    vectors = pa.table({"key": scored, "embedding": pa.FixedSizeListArray.from_arrays(flat, WIDTH)})
    output.write_table(f"embeddings/date=2026-01-01/{number:08}.parquet", vectors)
    # A row that was never scored has no embedding.
    verdicts.append({"key": f"none-{number}/-", "attempt": 1, "reason": "video", "verdict": "skipped"})
    output.write_table(
        f"verdicts/date=2026-01-01/{number:08}.parquet", pa.Table.from_pylist(verdicts, schema=SPARSE)
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    output = Output(str(tmp_path / "out"))
    first = dict.fromkeys(("f/0", "g/0"), (1, "unlike_taste", 0.0))
    _window(output, 1, ROWS | first, "gist@abababababababab")
    # Of what was had again and failed, the vector of the first attempt is no news.
    _window(output, 2, {"f/0": (2, "fits", 0.0), "g/0": (2, "not_found", 0.0)}, "gist@abababababababab")
    return tmp_path / "out"


def _goldpan(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_a_run_is_judged_again_without_being_changed(out: Path, folder: Path) -> None:
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = _goldpan("score", out, "--taste", folder)
    counts = [
        cells[1].strip() for line in done.stdout.splitlines() if len(cells := line.strip("│").split("│")) == 2
    ]
    assert counts == ["2", "1", "1", "1", "1"]
    assert f"goldpan mine --retry gained --taste {folder} --encoder gist --out {out}" in done.stdout
    found = _goldpan("score", out, "--taste", folder, "--format", "json").stdout
    changed = {row["key"]: row for row in json.loads(found)}
    assert set(changed) == {"b/0", "c/0"}
    assert changed["b/0"]["change"] == "accepted, would be unlike_taste"
    assert changed["c/0"]["new_log_likelihood"] > changed["b/0"]["new_log_likelihood"]
    as_csv = csv.DictReader(StringIO(_goldpan("score", out, "--taste", folder, "--format", "csv").stdout))
    assert {row["key"] for row in as_csv} == {"b/0", "c/0"}
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_was_scored_is_not_held_in_memory(tmp_path: Path, folder: Path) -> None:
    output, peaks = Output(str(tmp_path / "long")), []
    for number in range(1, 25):
        rows = {f"{number}-{item}/0": (1, "unlike_taste", 9.0) for item in range(200)}
        _window(output, number, rows, "gist@abababababababab")
        if number in {2, 24}:
            _goldpan("score", tmp_path / "long", "--taste", folder)  # what is kept once is kept now
            tracemalloc.start()
            done = _goldpan("score", tmp_path / "long", "--taste", folder)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert str(200 * number) in done.stdout
    assert peaks[1] < peaks[0] + 22 * 200 * 100


def test_what_is_compacted_is_judged_the_same(out: Path, folder: Path) -> None:
    output, taste = Output(str(out)), Taste.load(folder)
    before = list(changes(output, taste))
    assert {row["key"] for row in before} == {*ROWS, "f/0"}
    assert [key for key in (*ROWS, "f/0", "g/0") if key in gained(output, taste)] == ["c/0"]
    embeddings = [out / path for path in output.names("embeddings")]
    kept = [path.read_bytes() for path in embeddings]
    assert list(compact(output))
    assert list(changes(output, taste)) == before
    # As where it died between the tables: only the ledger is compacted.
    for name in output.names("embeddings"):
        (out / name).unlink()
    for path, data in zip(embeddings, kept, strict=True):
        path.write_bytes(data)
    assert list(changes(output, taste)) == before


def test_a_threshold_by_a_runs_embeddings(out: Path, folder: Path) -> None:
    old = Taste.load(folder)
    done = _goldpan("threshold", folder, "--against", out)
    best = Taste.load(folder)
    assert done.exit_code == 0, done.stderr
    assert (best.calibration.unfiltered_count, best.calibration.source) == (6, str(out))
    assert "best F1" in done.stdout
    np.testing.assert_array_equal(best.density.projection, old.density.projection)
    assert _goldpan("threshold", folder, "--per-1000", 500).exit_code == 0  # the sample stays with the taste
    assert Taste.load(folder).calibration.kept_unfiltered(Taste.load(folder).threshold) == pytest.approx(
        4 / 6
    )
    assert _goldpan("threshold", folder, "--at", -12.5).exit_code == 0
    card = json.loads((folder / "taste.json").read_text())
    assert (card["threshold"], card["rule"]) == (-12.5, "given by hand")
    assert sum(card["histogram"]["unfiltered"]) == 6
    before = (folder / "taste.json").read_bytes()
    assert "lets through" in _goldpan("threshold", folder).stdout
    assert (folder / "taste.json").read_bytes() == before


def test_a_threshold_by_a_folder_of_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, count in (("liked", 31), ("others", 8)):
        (tmp_path / name).mkdir()
        for index in range(count):
            shade = np.linspace(200, 60, 48)[:, None, None] if name == "liked" else 128
            pixels = np.clip(shade + rng.normal(size=(48, 64, 3)) * 20, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    (tmp_path / "others" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    taste = tmp_path / "taste"
    done = _goldpan("fit", tmp_path / "liked", "--out", taste, "--against", tmp_path / "others", "--beta", 2)
    assert done.exit_code == 0, done.stderr
    assert "best F2" in done.stdout
    assert "1 could not be used: cut.png" in done.stdout
    fitted = Taste.load(taste)
    assert fitted.encoder_fingerprint == file_sha256(resolve_weights(encoder_row("gist")))
    assert fitted.calibration.kept_unfiltered(fitted.threshold) == 0
    with Image.open(taste / "histogram.png") as both:
        assert both.height > 500  # two panels


def test_a_folder_is_embedded_by_the_row_file_that_the_taste_was_fitted_with(tmp_path: Path) -> None:
    mean_colour(tmp_path / "tiny.onnx")
    row = tmp_path / "mynet.yaml"
    row.write_text("{name: mynet, model: tiny.onnx, size: 8, dimension: 3, normalise: false}")
    images = tmp_path / "images"
    images.mkdir()
    for index in range(36):
        colour = np.random.default_rng(index).integers(0, 256, 3, np.uint8)
        Image.fromarray(np.broadcast_to(colour, (20, 30, 3)).copy()).save(images / f"{index}.png")
    assert _goldpan("fit", images, "--out", tmp_path / "taste", "--encoder", row).exit_code == 0
    asked = ("threshold", tmp_path / "taste", "--against", images)
    assert "no encoder is called 'mynet'" in _goldpan(*asked).stderr
    assert "choose that encoder" in _goldpan(*asked, "--encoder", "gist").stderr
    assert _goldpan(*asked, "--encoder", row).exit_code == 0
    assert Taste.load(tmp_path / "taste").calibration.unfiltered_count == 36


def test_a_comparison_stays_with_the_taste(tmp_path: Path) -> None:
    for index in range(31):
        pixels = np.random.default_rng(index).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    runner, images = Encoder("gist", 1, "cpu"), [tmp_path]
    taste = fit_images(distinct(image_files(images)), runner, keep=0.9, threads=1)[0]
    found = compared(taste, images, str(tmp_path), [], runner, 1)
    (row,) = found.fitted["compared"]
    assert row["by"] == "this taste" and 0 < row["auc"] < 1
    save(found, tmp_path / "compared")
    assert (Taste.load(tmp_path / "compared").fitted, found.fingerprint) == (found.fitted, taste.fingerprint)
    assert f"{row['auc']:.3f}" in _goldpan("threshold", tmp_path / "compared").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "{other}", "--taste", "{taste}"], "fit one with --encoder clip"),
        (["score", "{empty}", "--taste", "{taste}"], "nothing was scored there"),
        (["score", "{out}", "--taste", "{empty}"], "holds no taste"),
        (["threshold", "{taste}", "--against", "{other}"], "fit one with --encoder clip"),
        (["threshold", "{taste}", "--against", "{empty}"], "no images in"),
        (["threshold", "{taste}", "--beta", "1"], "--against"),
        (["threshold", "{taste}", "--keep", "0.9", "--at", "3"], "give one of them"),
        (["threshold", "{empty}", "--keep", "0.9"], "holds no taste"),
        (["threshold", "{taste}", "--keep", "0.9", "--encoder", "gist"], "name one with --against"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    out: Path, folder: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    _window(Output(str(tmp_path / "other")), 1, ROWS, "clip@0123456789abcdef")
    places = {"out": out, "taste": folder, "empty": tmp_path / "empty", "other": tmp_path / "other"}
    done = _goldpan(*(argument.format(**places) for argument in arguments))
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
