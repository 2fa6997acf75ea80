from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture as Estimator

from models.leading import Distances
from models.mixture import Covariance, GaussianMixture, Vectors, fit, from_estimator
from models.registry import ModelError


def _clusters(seed: int, n: int, p: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(n, p)) * rng.uniform(0.01, 30, p) + rng.normal(size=(3, p))[rng.integers(3, size=n)]
    )


@settings(max_examples=30, deadline=None)
@given(
    covariance=st.sampled_from(["full", "tied", "diag", "spherical"]),
    components=st.integers(1, 4),
    p=st.integers(1, 12),
    seed=st.integers(0, 2**31),
)
def test_scores_equal_scikit_learns(covariance: Covariance, components: int, p: int, seed: int) -> None:
    x = _clusters(seed, 60, p)
    estimator = Estimator(components, covariance_type=covariance, reg_covar=1e-3, random_state=0, tol=1e-1)
    estimator.fit(x)
    far = np.vstack([x, x * 40])
    ours, theirs = from_estimator(estimator).log_likelihood(far), estimator.score_samples(far)
    assert ours.dtype == np.float64
    assert (np.abs(ours - theirs) <= 1e-6 * np.maximum(1, np.abs(theirs))).all()
    mixture = from_estimator(estimator)
    # A little beside each: in its last digit float64 depends on the rows that a product has.
    for side in ours[::7] * (1 - 1e-10):
        np.testing.assert_array_equal(mixture.log_likelihood(far, side) >= side, ours >= side)


@pytest.mark.parametrize("p", [60, 150])
@pytest.mark.parametrize("apart", [1.0, 100.0])
def test_what_is_scored_in_float32_lies_where_float64_has_it(p: int, apart: float) -> None:
    rng = np.random.default_rng(p)
    choleskys = np.triu(rng.normal(size=(4, p, p)) / p) + np.eye(p) * rng.uniform(0.1, 1000, p)
    means = 5 + apart * rng.normal(size=(4, p))
    mixture = GaussianMixture(np.full(4, 0.25), means, choleskys)
    x = means[rng.integers(4, size=300)] + np.linalg.solve(choleskys[0].T, rng.normal(size=(p, 300))).T
    exact = np.stack(
        [((x @ c - m @ c) ** 2).sum(axis=1) for m, c in zip(means, choleskys, strict=True)], axis=1
    )
    lengths, wrong = Distances.of(means, choleskys)(x)
    assert (np.abs(lengths - exact) < wrong / 5).all()
    scores = mixture.log_likelihood(x)
    np.testing.assert_allclose(scores, reference(mixture, exact), rtol=1e-9)
    for side in np.quantile(scores, np.linspace(0, 1, 21)) * (1 - 1e-10):
        quick = mixture.log_likelihood(x, side)
        np.testing.assert_array_equal(quick >= side, scores >= side)
        np.testing.assert_allclose(quick, scores, rtol=1e-3)


def test_the_bound_holds_where_all_roundings_go_one_way() -> None:
    p = 512
    choleskys = np.triu(np.full((2, p, p), 0.1))
    means = np.array([[0.3], [-0.3]]).repeat(p, 1)
    x = np.random.default_rng(0).uniform(0.01, 1, (100, 1)).repeat(p, 1)
    exact = np.stack(
        [((x @ c - m @ c) ** 2).sum(axis=1) for m, c in zip(means, choleskys, strict=True)], axis=1
    )
    lengths, wrong = Distances.of(means, choleskys)(x)
    assert (np.abs(lengths - exact) <= wrong).all()


def reference(mixture: GaussianMixture, lengths: Vectors) -> Vectors:
    scales = np.log(np.diagonal(mixture.precision_choleskys, axis1=1, axis2=2)).sum(axis=1)
    constants = np.log(mixture.weights) + scales - 0.5 * len(mixture.means[0]) * np.log(2 * np.pi)
    return np.asarray(logsumexp(constants - 0.5 * lengths, axis=1))


def test_what_float32_cannot_hold_is_scored_in_float64() -> None:
    mixture = fit(_clusters(0, 40, 3), 2)
    x = np.array([[1e30, 0, 0], [1e300, 0, 0], [0, 0, 0]])
    with np.errstate(over="ignore"):
        exact = mixture.log_likelihood(x)
    np.testing.assert_array_equal(mixture.log_likelihood(x, side=-1e9)[:2], exact[:2])
    assert exact[0] < -1e50


def test_a_fit_is_deterministic_and_finds_the_clusters() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(3, size=300)
    x = np.array([[0.0, 0], [9, 9], [-9, 9]])[truth] + rng.normal(size=(300, 2))
    first, second = fit(x, 3, covariance="tied"), fit(x, 3, covariance="tied")
    np.testing.assert_array_equal(first.means, second.means)
    assert first.components == 3
    pairs = set(zip(truth.tolist(), first.assign(x).tolist(), strict=True))
    assert len(pairs) == 3


def test_a_row_that_is_not_finite_scores_nan_and_spoils_no_other() -> None:
    x = _clusters(0, 40, 3)
    mixture = fit(x, 2)
    spoilt = x.copy()
    spoilt[[1, 5, 7], [0, 1, 2]] = [np.nan, np.inf, -np.inf]
    scores = mixture.log_likelihood(spoilt)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [1, 5, 7]
    np.testing.assert_array_equal(scores[8:], mixture.log_likelihood(x)[8:])
    assert len(mixture.log_likelihood(x[:0])) == 0


def test_the_arrays_are_frozen_and_have_to_fit_together() -> None:
    ones = np.ones((2, 3))
    mixture = GaussianMixture(np.full(2, 0.5), ones.copy(), ones.copy())
    with pytest.raises(ValueError, match="read-only"):
        mixture.means[0, 0] = 5
    with pytest.raises(ModelError, match="not the arrays of one mixture"):
        GaussianMixture(np.full(3, 1 / 3), ones, ones)
    with pytest.raises(ModelError, match="not the arrays of one mixture"):
        GaussianMixture(np.full(2, 0.5), ones, np.ones((2, 3, 2)))
