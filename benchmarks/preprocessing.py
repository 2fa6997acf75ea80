"""What decoding a JPEG at a part of its size changes: pixels of the input, and the cosine of the embeddings.

    python -m benchmarks.preprocessing shared/data/photos --every 3

Prints Markdown. The cosine of another photograph says what a cosine of this encoder means.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from actors.encoder import Encoder
from models.decode import open_rgb
from models.preprocess import resize, shortest_side
from models.registry import ModelRow, encoder_row

_FULL = 1 << 20  # keeps every pixel
# A row of each rule, and the encoder that embeds its squares.
PAIRS = (
    ("gist", "gist"),
    ("clip", "vit-b32-random"),
    ("clip", "gist"),
    ("clip-vit-b32", "vit-b32-random"),
    ("siglip-b16", None),
)
Pixels = npt.NDArray[np.uint8]


def squares(photos: list[bytes], row: ModelRow) -> tuple[Pixels, Pixels]:
    """Give the squares of the photographs that a draft decodes smaller: by the draft, and by the full picture."""
    pairs = []
    for data in photos:
        drafted = open_rgb(data, shortest=shortest_side(row))
        full = open_rgb(data, shortest=_FULL)
        if drafted.size != full.size:
            pairs.append((resize(drafted, row), resize(full, row)))
    drafts, wholes = zip(*pairs, strict=True)
    return np.stack(drafts), np.stack(wholes)


def fitting(pixels: Pixels, side: int) -> Pixels:
    """Give squares the side that an encoder of another row takes."""
    if pixels.shape[1] == side:
        return pixels
    bicubic = Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), bicubic)) for one in pixels])


def cosines(one: npt.NDArray[np.float16], other: npt.NDArray[np.float16]) -> npt.NDArray[np.float64]:
    """Give the cosine of each row of one with that of the other."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    found: npt.NDArray[np.float64] = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return found


def line(photos: list[bytes], name: str, encoder: str | None) -> str:
    """Compare one row's two ways."""
    row = encoder_row(name)
    drafts, wholes = squares(photos, row)
    apart = np.abs(drafts.astype(int) - wholes)
    cells = [f"`{row.resize}` to {row.size}² (`{name}`)", f"{len(drafts)} of {len(photos)}"]
    cells += [f"{apart.mean():.2f}", f"{np.quantile(apart, 0.99):.0f}", f"{apart.max()}"]
    if encoder is not None:
        runner = Encoder(encoder, 1, "cpu")
        by_draft, by_whole = (runner(fitting(pixels, runner.row.size)) for pixels in (drafts, wholes))
        same, others = cosines(by_draft, by_whole), cosines(by_draft, np.roll(by_whole, 1, axis=0))
        cells += [
            f"`{encoder}`",
            f"{same.min():.5f}",
            f"{np.median(same):.5f}",
            f"{np.median(others):.3f}",
        ]
    return "| " + " | ".join(cells) + " |" + " | | | |" * (encoder is None)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every nth photograph")
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(arguments.photos.glob("*.jpg"))[:: arguments.every]]
    print(
        "| rule | drafted | mean | 99 % | largest | encoder | least cosine | median | of another photograph |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, encoder in PAIRS:
        print(line(photos, name, encoder), flush=True)


if __name__ == "__main__":
    main()
