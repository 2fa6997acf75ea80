from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.mixture import GaussianMixture as Estimator

from models.calibration import At, Keep
from models.fitting import Recipe, fit_taste
from models.mixture import Covariance
from models.registry import ModelError
from models.taste import EncoderMismatchError, Taste, TasteError

Floats = npt.NDArray[np.float32]


def liked(n: int, seed: int = 0, d: int = 24) -> Floats:
    # Variances fall off like those of real embeddings, along axes that are not the coordinates.
    axes = np.linalg.qr(np.random.default_rng(99).normal(size=(d, d)))[0]
    return np.asarray(
        np.random.default_rng(seed).normal(size=(n, d)) / np.arange(1, d + 1) @ axes, np.float32
    )


def two_kinds(n: int, seed: int) -> Floats:
    kind = np.random.default_rng(seed).integers(2, size=n)
    return np.asarray(liked(n, seed) + 12 * kind[:, None] * np.eye(24)[0], np.float32)


@pytest.fixture(scope="module")
def taste() -> Taste:
    return fit_taste(liked(80), encoder="gist", encoder_fingerprint="a" * 64)


def test_the_threshold_keeps_about_its_share_of_unseen_likes(taste: Taste) -> None:
    others = liked(2000, seed=1)
    assert 0.9 < taste.accepts(taste.score(others)).mean() < 0.99
    strict = fit_taste(liked(300), encoder="gist", encoder_fingerprint="a" * 64, keep=0.7)
    assert 0.62 < strict.accepts(strict.score(others)).mean() < 0.78


def test_what_the_likes_never_do_is_rejected(taste: Taste) -> None:
    noise = np.random.default_rng(5).normal(size=(500, 24)).astype(np.float32) * liked(80).std()
    assert taste.accepts(taste.score(noise)).mean() == 0


def test_two_kinds_of_likes_get_two_components_and_what_lies_between_is_neither() -> None:
    taste = fit_taste(two_kinds(400, seed=0), encoder="gist", encoder_fingerprint="a" * 64)
    assert taste.density.mixture.components >= 2
    assert taste.accepts(taste.score(two_kinds(1000, seed=1))).mean() > 0.9
    between = liked(200, seed=2) + np.float32(6) * np.eye(24, dtype=np.float32)[0]
    assert taste.accepts(taste.score(between)).mean() < 0.02


def test_components_and_few_images_work_together() -> None:
    taste = fit_taste(liked(30), encoder="gist", encoder_fingerprint="a" * 64, recipe=Recipe(components=3))
    assert 1 <= taste.density.mixture.components <= 3
    assert taste.liked == 30


def test_the_same_likes_give_the_same_taste_and_another_seed_another() -> None:
    first = fit_taste(liked(60), encoder="gist", encoder_fingerprint="a" * 64)
    again = fit_taste(liked(60), encoder="gist", encoder_fingerprint="a" * 64)
    other = fit_taste(liked(60), encoder="gist", encoder_fingerprint="a" * 64, recipe=Recipe(seed=1))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_the_rounded_vector_is_what_is_fitted_and_scored(taste: Taste) -> None:
    x = liked(20, seed=3)
    np.testing.assert_array_equal(taste.score(x), taste.score(x.astype(np.float16)))
    rounded = fit_taste(liked(80).astype(np.float16), encoder="gist", encoder_fingerprint="a" * 64)
    assert rounded.fingerprint == taste.fingerprint


def test_scores_are_log_densities_of_embeddings() -> None:
    # One Gaussian in two dimensions, integrated on a grid.
    taste = fit_taste(liked(200, d=2), encoder="gist", encoder_fingerprint="a" * 64, recipe=Recipe(1))
    side = np.linspace(-40, 40, 641)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype(np.float32)
    total = np.exp(taste.score(grid)).sum() * (side[1] - side[0]) ** 2
    assert total == pytest.approx(1, abs=0.02)


def test_an_embedding_that_is_not_finite_scores_nan_and_is_never_accepted(taste: Taste) -> None:
    x = liked(5, seed=4)
    x[0, 0], x[1, 1], x[2, 2] = np.nan, np.inf, 1e30
    scores = taste.score(x)
    assert np.isnan(scores).tolist() == [True, True, True, False, False]
    assert not taste.accepts(scores)[:3].any()


def test_embeddings_of_another_width_are_an_error(taste: Taste) -> None:
    with pytest.raises(TasteError, match=r"\[n, 24\]"):
        taste.score(np.zeros((2, 25), np.float32))


@pytest.mark.parametrize(
    ("embeddings", "keep", "recipe", "message"),
    [
        (liked(29), 0.95, Recipe(), "at least 30 liked images, not 29"),
        (np.full((40, 24), np.nan, np.float32), 0.95, Recipe(), "not finite"),
        (np.ones((40, 24), np.float32), 0.95, Recipe(), "all look the same"),
        (liked(40), 1.0, Recipe(), "between 0 and 1"),
        (liked(40), 0.95, Recipe(5), "allow 1 to 4 components"),
        (liked(40), 0.95, Recipe(covariance="round"), "one of shared, full"),  # type: ignore[arg-type]
    ],
)
def test_likes_that_cannot_be_fitted_say_what_to_change(
    embeddings: Floats, keep: float, recipe: Recipe, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        fit_taste(embeddings, encoder="gist", encoder_fingerprint="a" * 64, keep=keep, recipe=recipe)


def test_a_taste_survives_disk_and_wire(taste: Taste, tmp_path: Path) -> None:
    taste.save(tmp_path / "mine")
    x = liked(10, seed=6)
    for copy in (Taste.load(tmp_path / "mine"), Taste.from_bytes(taste.to_bytes())):
        assert copy.fingerprint == taste.fingerprint
        assert copy.calibration.histogram() == taste.calibration.histogram()
        assert (copy.fitted, copy.rule) == (taste.fitted, taste.rule)
        np.testing.assert_array_equal(copy.score(x), taste.score(x))
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["taste.json", "taste.npz"]


def test_the_cards_threshold_may_be_edited_by_hand(taste: Taste, tmp_path: Path) -> None:
    taste.save(tmp_path)
    card = tmp_path / "taste.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"threshold": 1.5}))
    edited = Taste.load(tmp_path)
    assert edited.threshold == 1.5
    assert edited.fingerprint != taste.fingerprint


def test_another_threshold_needs_no_fit_and_makes_another_taste(taste: Taste) -> None:
    strict = taste.at(Keep(0.5))
    assert strict.threshold > taste.threshold
    assert strict.keep == pytest.approx(0.5, abs=0.02)
    assert strict.fingerprint != taste.fingerprint == strict.at(Keep(0.95)).fingerprint
    assert taste.at(At(700)).threshold == 700


def test_what_was_tried_is_told_and_the_likeliest_is_taken() -> None:
    fitted = fit_taste(two_kinds(200, seed=0), encoder="gist", encoder_fingerprint="a" * 64).fitted
    tried = {row["components"]: row for row in fitted["candidates"]}
    assert set(tried) == {1, 2, 4, 8}
    assert fitted["held_out"] == tried[fitted["components"]]["held_out"] > tried[1]["held_out"]
    assert tried[2]["bic"] < tried[1]["bic"]
    assert 0 < fitted["projection"] <= 24


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_the_ancestors_setting_is_scikit_learns_mixture(covariance: Covariance, tmp_path: Path) -> None:
    x = liked(300, d=6).astype(np.float16).astype(np.float64)
    recipe = Recipe(components=16, covariance=covariance)
    taste = fit_taste(liked(300, d=6), encoder="gist", encoder_fingerprint="a" * 64, recipe=recipe)
    theirs = Estimator(16, covariance_type=covariance, random_state=0, max_iter=200).fit(x)
    np.testing.assert_allclose(taste.score(x), theirs.score_samples(x), rtol=1e-6)
    assert taste.fitted["bic"] == pytest.approx(theirs.bic(x))
    scores, accepted = taste.judge(x)
    np.testing.assert_array_equal(accepted, taste.accepts(taste.score(x)))
    np.testing.assert_allclose(scores, taste.score(x), rtol=1e-4, atol=1e-4)
    taste.save(tmp_path)
    np.testing.assert_array_equal(Taste.load(tmp_path).score(x), taste.score(x))


def test_another_encoder_is_an_error_that_names_both(taste: Taste) -> None:
    taste.check_encoder("a" * 64)
    with pytest.raises(
        EncoderMismatchError, match=r"gist \(aaaaaaaaaaaa\).*bbbbbbbbbbbb.*fit the taste again"
    ):
        taste.check_encoder("b" * 64)


def _edit_card(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        card = json.loads((folder / "taste.json").read_text())
        (folder / "taste.json").write_text(json.dumps(card | changes))

    return edit


def _edit_array(name: str, change: Callable[[npt.NDArray[np.float64]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with np.load(folder / "taste.npz") as archive:
            arrays = {key: archive[key] for key in archive.files}
        arrays[name] = np.asarray(change(arrays[name]))
        np.savez(folder / "taste.npz", **arrays)

    return edit


def _one_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def _packed_otherwise(folder: Path) -> bytes:
    data = bytearray((folder / "taste.npz").read_bytes())
    data[data.find(b"PK\x01\x02") + 10] = 99  # the method, in the directory of the archive
    return bytes(data)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "taste.npz").unlink(), "holds no taste"),
        (lambda folder: (folder / "taste.json").unlink(), "holds no taste"),
        (lambda folder: (folder / "taste.npz").write_bytes(b"no zip"), "cannot be read"),
        (
            lambda folder: (folder / "taste.npz").write_bytes((folder / "taste.npz").read_bytes()[:900]),
            "cannot be read",
        ),
        (lambda folder: (folder / "taste.npz").write_bytes(_one_array()), "cannot be read"),
        (lambda folder: (folder / "taste.npz").write_bytes(_packed_otherwise(folder)), "cannot be read"),
        (lambda folder: (folder / "taste.json").write_text("{"), "not JSON"),
        (lambda folder: (folder / "taste.json").write_text("[" * 100_000), "not JSON"),
        (_edit_card(liked=float("inf")), "misstates"),
        (lambda folder: (folder / "taste.json").write_text("[]"), "version None"),
        (_edit_card(version=99), "version 99"),
        (_edit_card(threshold=None), "misstates"),
        (_edit_card(threshold=float("nan")), "not a number"),
        (_edit_card(fitted=3), "misstates"),
        (_edit_card(version=1), "version 1, this goldpan reads 2"),
        (_edit_array("liked_scores", lambda a: a[:0]), "no scores of liked"),
        (_edit_card(arrays="0"), "not of one taste"),
        (_edit_array("mean", lambda a: a * np.nan), "mean .* not finite"),
        (_edit_array("means", lambda a: a[:, 1:]), "means .* is"),
        (_edit_array("mean", lambda a: a.astype(np.float32)), "lacks the float64 array mean"),
        (_edit_array("projection", lambda a: a[0]), "lacks the float64 array projection"),
        (_edit_array("weights", lambda a: -a), "not positive"),
        (_edit_array("mean", lambda a: np.array([{}] * len(a), object)), "cannot be read"),
    ],
)
def test_a_spoilt_taste_is_a_clear_error(
    taste: Taste, tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    taste.save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(TasteError, match=message):
        Taste.load(tmp_path)


def test_bytes_that_are_no_taste_are_a_clear_error() -> None:
    with pytest.raises(TasteError, match="cannot be read"):
        Taste.from_bytes(b"")


def test_a_folder_that_cannot_be_written_is_a_clear_error(taste: Taste, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TasteError, match="cannot be written"):
        replace(taste).save(tmp_path / "file" / "below")
