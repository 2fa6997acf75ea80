"""``goldpan fit`` on ever more images: wall and CPU seconds, and the most memory that the command had.

    python -m benchmarks.many_liked                       10,000, 30,000 and 300,000 images
    python -m benchmarks.many_liked --images 20000 --components 6

Made pictures of 64 pixels in six kinds, each file of a content of its own. The encoder is a matrix of random numbers,
so that what is measured is all the rest; a real one adds its own time an image, and no memory with their number.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

COUNTS = (10_000, 30_000, 300_000)
SIDE, NUMBERS, KINDS, DRAWN = 16, 512, 6, 3000
_A_FOLDER = 1000


def encoder(folder: Path) -> Path:
    """Write an encoder of random weights and its row; returns the row's path."""
    weights = np.random.default_rng(0).normal(size=(3 * SIDE * SIDE, NUMBERS)).astype(np.float32) / SIDE
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["turned"]),
        helper.make_node("Tanh", ["turned"], ["output"]),
    ]
    wide = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    narrow = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", NUMBERS])
    graph = helper.make_graph(
        nodes, "random", [wide], [narrow], [numpy_helper.from_array(weights, "weights")]
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        folder / "random.onnx",
    )
    row = {"name": "random", "model": "random.onnx", "size": SIDE, "dimension": NUMBERS}
    (folder / "random.yaml").write_text(yaml.safe_dump(row))
    return folder / "random.yaml"


def pictures() -> list[bytes]:
    """Draw what the files hold, in turn: each of a kind, and noise."""
    random = np.random.default_rng(1)
    kinds = random.integers(0, 256, (KINDS, 4, 4, 3))
    drawn = []
    for number in range(DRAWN):
        coarse = np.clip(kinds[number % KINDS] + random.normal(0, 30, (4, 4, 3)), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        drawn.append(buffer.getvalue())
    return drawn


def fill(folder: Path, drawn: list[bytes], images: int) -> None:
    """Write so many files, a thousand a folder; a number behind a picture's end makes each file another content."""
    for number in range(images):
        path = folder / f"{number // _A_FOLDER:03}" / f"{number:06}.jpg"
        if number % _A_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(drawn[number % len(drawn)] + number.to_bytes(8))


def fitted(folder: Path, row: Path, flags: list[str]) -> str:
    """Run the command; gives cells of Markdown."""
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "fit",
        str(folder),
        "--out",
        str(row.parent / "taste"),
        *flags,
    ]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--encoder", str(row)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(told)
    wall, cpu = time.perf_counter() - started, used.ru_utime + used.ru_stime
    return f"{wall:.0f} s | {cpu:.0f} s | {used.ru_maxrss / 1024:.0f} MB"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--components", help="as many Gaussians, instead of the choice among 1 to 32")
    asked = parser.parse_args()
    flags = ["--components", asked.components] if asked.components else []
    print("| liked images | wall | of CPU | most memory |\n|---|---|---|---|")
    drawn = pictures()
    for images in asked.images:
        with tempfile.TemporaryDirectory() as folder:
            row = encoder(Path(folder))
            fill(Path(folder) / "liked", drawn, images)
            print(f"| {images:,} | {fitted(Path(folder) / 'liked', row, flags)} |", flush=True)


if __name__ == "__main__":
    main()
