from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from models.density import AlikeError, Shared, Sizes


def test_what_is_all_the_same_but_for_its_kinds_is_refused() -> None:
    x = np.repeat(np.eye(2, 40), 20, axis=0)
    with pytest.raises(AlikeError, match="add different ones"):
        Shared(x, 2, seed=0)


@pytest.mark.parametrize("n", [25, 400])  # fewer images than numbers in a vector, and more
def test_every_size_scores_as_the_density_made_of_it(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 40)) / np.arange(1, 41) + 3 * rng.integers(2, size=(n, 1))
    fitted, other = Shared(x, 2, seed=0), rng.normal(size=(50, 40))
    sizes = fitted.sizes()
    scores = fitted.scores(other, sizes)
    for at, size in enumerate(sizes):
        np.testing.assert_allclose(fitted.density(size).score(other), scores[:, at], rtol=1e-9)
    assert {size.projection for size in sizes} == ({16, 23} if n == 25 else {16, 32, 40})


def test_one_component_is_a_gaussian_shrunk_towards_a_sphere() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)) * [5, 3, 1, 1, 0.5]
    fitted = Shared(x, 1, seed=0)
    covariance = np.cov(x.T)
    shrunk = 0.8 * covariance + 0.2 * np.trace(covariance) / 5 * np.eye(5)
    expected = multivariate_normal(x.mean(axis=0), shrunk).logpdf(x)
    np.testing.assert_allclose(fitted.scores(x, [Sizes(1, 5, 0.2)])[:, 0], expected)
    assert fitted.parameters(Sizes(1, 5, 0.2)) == 5 + 15 + 1
