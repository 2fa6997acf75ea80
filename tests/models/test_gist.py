from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

from models.gist import write_weights
from models.preprocess import to_input
from models.registry import encoder_row, resolve_weights
from models.session import Session

SIZE = 128
Grey = npt.NDArray[np.float64]


def _prefilter(grey: Grey) -> Grey:
    """LMgist's prefilt.m with straight FFTs, fc_prefilt = 4."""
    padded = np.pad(np.log(grey + 1), 5, mode="symmetric")
    side = len(padded)
    fx, fy = np.meshgrid(*[np.arange(-(side // 2), side // 2)] * 2)
    low = np.fft.fftshift(np.exp(-(fx**2 + fy**2) / (4 / np.sqrt(np.log(2))) ** 2))
    detail = padded - np.fft.ifft2(np.fft.fft2(padded) * low).real
    deviation = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(detail**2) * low)))
    return np.asarray((detail / (0.2 + deviation))[5:-5, 5:-5])


def _reference(pixels: npt.NDArray[np.uint8]) -> Grey:
    """LMgist's gistGabor.m with straight FFTs at every pixel: 512 values, each as its square root."""
    grey = pixels.mean(axis=2)
    grey = grey - grey.min()
    padded = np.pad(_prefilter(grey * 255 / max(grey.max(), 1e-3)), 32, mode="symmetric")
    side = len(padded)
    fx, fy = np.meshgrid(*[np.arange(-(side // 2), side // 2)] * 2)
    radius, angle = np.fft.fftshift(np.hypot(fx, fy)), np.fft.fftshift(np.arctan2(fy, fx))
    spectrum = np.fft.fft2(padded)
    values = []
    for scale in range(4):
        for turn in range(8):
            turned = angle + np.pi / 8 * turn
            turned = turned - 2 * np.pi * (turned > np.pi)
            gabor = np.exp(-3.5 * (radius / side / (0.3 / 1.85**scale) - 1) ** 2 - 2 * np.pi * turned**2)
            energy = np.abs(np.fft.ifft2(spectrum * gabor))[32:-32, 32:-32]
            values.append(energy.reshape(4, SIZE // 4, 4, SIZE // 4).mean(axis=(1, 3)).ravel())
    return np.asarray(np.sqrt(np.concatenate(values)))


def _pictures() -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    waves = [
        0.5 + 0.5 * np.sin(2 * np.pi * f * (x * np.cos(a) + y * np.sin(a)))
        for f, a in [(3, 0), (12, 1), (40, 2)]
    ]
    spots = rng.random((SIZE // 8, SIZE // 8)).repeat(8, 0).repeat(8, 1)
    natural = np.abs(
        np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIZE, SIZE))) / (1 + 50 * np.hypot(x - 0.5, y - 0.5)))
    )
    planes = [*waves, spots, rng.random((SIZE, SIZE)), natural / natural.max()]
    tinted = [np.stack([plane, plane**2, 1 - plane], axis=-1) for plane in planes]
    return np.asarray(np.stack(tinted) * 255, np.uint8)


@pytest.fixture(scope="module", params=["gist", "gist-grey"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    row = encoder_row(request.param)
    return Session(resolve_weights(row, tmp_path_factory.mktemp("cache")), row, threads=1)


def test_the_graph_equals_the_published_method(session: Session) -> None:
    pictures = _pictures()
    ours = session.run(to_input(pictures, session.row))[:, :512] ** 2
    reference = np.stack([_reference(picture) for picture in pictures])
    # The graph takes magnitudes on a coarser grid and leaves out the filters' far tails. Compared as square roots:
    # of a pure wave those tails are all that most filters have, and a fourth root makes much of them.
    for mine, theirs in zip(ours, reference, strict=True):
        assert np.corrcoef(mine, theirs)[0, 1] > 0.9995
        assert np.linalg.norm(mine - theirs) < 0.015 * np.linalg.norm(theirs)


def test_a_turned_wave_answers_in_another_orientation(session: Session) -> None:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    waves = [127 + 120 * np.sin(2 * np.pi * 0.15 * axis) for axis in (x, y)]
    pixels = np.stack([np.repeat(wave[..., None], 3, axis=2) for wave in waves]).astype(np.uint8)
    energies = session.run(to_input(pixels, session.row))[:, :512].reshape(2, 4, 8, 16).mean(axis=3)
    # A frequency of 0.15 cycles a pixel is the second scale's; along y it is a quarter turn on.
    assert [np.unravel_index(energy.argmax(), energy.shape) for energy in energies] == [(1, 0), (1, 4)]


def test_a_flat_picture_has_no_energy_and_is_finite(session: Session) -> None:
    flat = np.full((1, SIZE, SIZE, 3), 90, np.uint8)
    values = session.run(to_input(flat, session.row))
    assert np.isfinite(values).all()
    assert np.abs(values[:, :512]).max() < 0.01


def test_colour_is_laid_out_on_the_grid(tmp_path: Path) -> None:
    row = encoder_row("gist")
    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    pixels[0, :32, :32] = (255, 0, 0)
    pixels[0, -32:, -32:] = (0, 0, 255)
    values = Session(resolve_weights(row, tmp_path), row, threads=1).run(to_input(pixels, row))
    light, red_green, yellow_blue = values[0, 512:].reshape(3, 16)
    np.testing.assert_allclose(light[[0, 15, 5]], [1 / 3, 1 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(red_green[[0, 15, 5]], [1 / 2, 0, 0], atol=1e-6)
    np.testing.assert_allclose(yellow_blue[[0, 15, 5]], [1 / 4, -1 / 2, 0], atol=1e-6)


@pytest.mark.parametrize("name", ["gist", "gist-grey"])
def test_the_committed_graph_is_the_one_the_module_builds(name: str, tmp_path: Path) -> None:
    write_weights(tmp_path)
    built = onnx.load(tmp_path / f"{name}.onnx")
    committed = onnx.load(resolve_weights(encoder_row(name)))
    assert [node.op_type for node in built.graph.node] == [node.op_type for node in committed.graph.node]
    for ours, theirs in zip(built.graph.initializer, committed.graph.initializer, strict=True):
        values = numpy_helper.to_array(theirs)
        largest = np.abs(values).max(initial=0)
        np.testing.assert_allclose(numpy_helper.to_array(ours), values, rtol=0, atol=1e-5 * largest)
