"""The judge's gates on real pictures, actors and tables: what passes, what ends, and what the rows say."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import ray
from PIL import Image, PngImagePlugin

from actors.gate import Gate, held_at
from actors.judge import AskGates, Inspect, Study
from actors.judge.look import Look, empty_row, judged
from actors.storage import Output
from models.classifier import GateRow
from models.gates import ContentGates, ShapeGates, Synthetic
from models.quality import QualityGates
from models.reasons import Reason, Stage
from models.registry import encoder_row, file_sha256
from models.schema import JUDGED, MEASURES, VERDICTS
from tests.models.graphs import mean_colour, square_root

SHAPE = ShapeGates(min_pixels=0)


def look(colour: str | None = None, **texts: str) -> Look:
    image = Image.new("RGB", (64, 48), colour or "white")
    if colour is None:
        image.paste(Image.effect_mandelbrot((60, 44), (-2, -1, 1, 1), 50).convert("RGB"), (2, 2))
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info)
    row = dict.fromkeys(JUDGED.names) | empty_row("t3_a/0") | {"sha256": "ab" * 32}
    return Look(row, memoryview(buffer.getvalue()))


def inspected(one: Look, gates: ContentGates | None = None) -> Look:
    Inspect(SHAPE, encoder_row("gist"), thumbs=False, seconds=60, gates=gates)([one])
    return one


def gate(tmp_path: Path, model: Path, **limits: object) -> tuple[GateRow, list[object]]:
    outputs = 3 if "red" in model.name else 1
    fields = {"name": model.stem, "model": str(model), "size": 8, "outputs": outputs} | limits
    row = GateRow(**fields, sha256=file_sha256(model))
    Output(str(tmp_path)).write(held_at(row), model.read_bytes())
    return row, [ray.remote(Gate).options(num_cpus=0).remote(str(tmp_path), row, 1, "cpu")]


def test_what_says_that_a_model_made_it_ends_before_it_is_decoded() -> None:
    made = inspected(look(Software="NovelAI"))
    assert (made.reason, made.stage) == (Reason.SYNTHETIC_METADATA, Stage.INSPECT)
    assert made.detail == made.row["synthetic"] == "generator_software" and made.row["phash"] is None
    kept = inspected(look(Software="NovelAI"), ContentGates(synthetic=Synthetic.KEEP))
    assert kept.reason is None and kept.row["synthetic"] == "generator_software"


def test_one_colour_is_flat_and_a_picture_is_measured() -> None:
    flat, fine = inspected(look("red")), inspected(look())
    assert (flat.reason, flat.detail) == (Reason.FLAT, "contrast 0") and flat.row["contrast"] == 0
    Study(QualityGates(max_noise=None), SHAPE.max_pixels, seconds=60)([fine])
    assert fine.reason is None and all(fine.row[name] is not None for name in MEASURES)
    strict = inspected(look())
    Study(QualityGates(min_sharpness=99), SHAPE.max_pixels, seconds=60)([strict])
    assert (strict.reason, strict.stage) == (Reason.BLURRED, Stage.QUALITY)


def test_a_gate_keeps_what_is_within_its_limits_and_never_what_is_no_number(
    ray_here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDPAN_CACHE", str(tmp_path / "cache"))
    red = gate(tmp_path, mean_colour(tmp_path / "red.onnx"), keep_above=0.5)
    root = gate(tmp_path, square_root(tmp_path / "root.onnx"))
    looks = [look("red"), look("blue"), look("white")]
    AskGates([red, root], SHAPE.max_pixels, seconds=60)(looks)
    dark, blue, white = looks
    assert (blue.reason, blue.stage, blue.detail) == (Reason.GATE, Stage.GATES, "red 0")
    # A third of white is darker than grey.
    assert (dark.reason, dark.detail) == (Reason.BAD_MODEL_OUTPUT, "root: the score is not a number")
    assert white.reason is None
    white.end(Reason.FITS, Stage.WATERMARK)
    rows = judged(looks).to_pylist()
    assert [dict(row["gates"]) for row in rows][:2] == [{"red": 1.0}, {"red": 0.0}]
    table = pa.Table.from_pylist(
        [{"gates": row["gates"]} for row in rows], schema=pa.schema([VERDICTS.field("gates")])
    )
    assert dict(table["gates"][2].as_py()) == {"red": 1.0, "root": pytest.approx(np.sqrt(0.5))}
