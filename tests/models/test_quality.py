"""Quality: what was made worse is measured as worse, and only a limit that is set ends anything."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from models.decode import DecodeError, DecodeFault, open_luma
from models.quality import QualityGates, glance, study
from models.reasons import Reason
from models.schema import MEASURES


def scene(side: int = 512) -> Image.Image:
    """Draw sharp discs of many sizes on a slope of grey: edges in all directions, and calm places."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:side, :side]
    pixels = 60 + 60 * columns / side
    for _ in range(400):
        row, column, radius = *rng.integers(0, side, 2), rng.integers(2, 30)
        pixels[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = rng.integers(20, 235)
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")


SCENE = scene()


def jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def studied(image: Image.Image) -> dict[str, float]:
    return study(open_luma(jpeg(image, 92)))


def test_a_glance_sees_colour_light_and_bars() -> None:
    assert glance(Image.new("RGB", (300, 400), "red")) == {
        "contrast": 0.0, "dark": 0.0, "bright": 0.0, "border": 1.0,
    }  # fmt: skip
    seen = glance(SCENE)
    assert seen["contrast"] > 20 and seen["dark"] == seen["bright"] == seen["border"] == 0
    assert glance(SCENE.point(lambda value: value * 4))["bright"] > 0.5
    assert glance(SCENE.point(lambda value: value // 60))["dark"] > 0.9
    boxed = ImageOps.expand(SCENE, (0, 64), "black")
    assert glance(boxed)["border"] == pytest.approx(0.2, abs=0.01)


def test_a_clear_sky_is_no_bar() -> None:
    sky = np.linspace(90, 130, 400).repeat(400).reshape(400, 400).astype(np.uint8)
    assert glance(Image.fromarray(sky).convert("RGB"))["border"] == 0
    plain = Image.new("RGB", (400, 400), "skyblue")
    plain.paste("black", (150, 320, 210, 400))  # a chimney
    assert glance(plain)["border"] == 0


def test_each_degradation_shows_in_its_own_measure() -> None:
    whole = studied(SCENE)
    assert set(whole) | set(glance(SCENE)) == set(MEASURES)
    assert studied(SCENE.filter(ImageFilter.GaussianBlur(2)))["sharpness"] < 0.6 * whole["sharpness"]
    small = SCENE.resize((170, 170), Image.Resampling.LANCZOS).resize((512, 512), Image.Resampling.BICUBIC)
    assert studied(small)["resolution"] < 0.6 * whole["resolution"]
    assert study(open_luma(jpeg(SCENE, 8)))["blockiness"] > 1 > 0.2 > whole["blockiness"]


def test_noise_is_measured_in_grey_levels() -> None:
    grey = np.full((512, 512), 128.0) + np.random.default_rng(0).normal(0, 10, (512, 512))
    assert study(Image.fromarray(grey.astype(np.uint8)))["noise"] == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize("size", [(1, 1), (31, 900), (32, 32), (40, 3000), (257, 300)])
def test_any_size_is_measured_or_left_out(size: tuple[int, int]) -> None:
    image = SCENE.resize(size)
    measures = glance(image) | study(image.convert("L"))
    assert np.isfinite(list(measures.values())).all()
    assert ("noise" in measures) == (min(size) >= 32)


def test_only_a_limit_that_is_set_ends_an_image_and_nan_passes_none() -> None:
    awful = {"contrast": 3.0, "dark": 1.0, "border": 0.9, "sharpness": 0.0, "noise": 90.0, "resolution": 0.1}
    assert QualityGates().reason(awful) is None
    assert QualityGates().reason({"contrast": 0.4}) == (Reason.FLAT, "contrast 0.4")
    assert QualityGates(min_contrast=None).reason({"contrast": 0.4}) is None
    assert QualityGates(max_noise=5).reason(awful) == (Reason.NOISY, "noise 90")
    assert QualityGates(min_resolution=0.2).reason(awful) == (Reason.UPSCALED, "resolution 0.1")
    assert QualityGates(max_dark=0.5).reason({"dark": float("nan")}) == (Reason.UNDEREXPOSED, "dark nan")


def test_the_luma_is_that_of_every_format_and_has_a_cap() -> None:
    for kind in ("PNG", "WEBP", "JPEG"):
        buffer = io.BytesIO()
        SCENE.save(buffer, kind, quality=95)
        luma = open_luma(buffer.getvalue())
        assert luma.mode == "L" and luma.size == SCENE.size
        assert np.abs(np.asarray(luma, int) - np.asarray(SCENE.convert("L"), int)).mean() < 3
    with pytest.raises(DecodeError) as refused:
        open_luma(jpeg(SCENE, 90), max_pixels=1000)
    assert refused.value.fault is DecodeFault.TOO_MANY_PIXELS
