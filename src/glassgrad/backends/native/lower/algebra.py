"""Systems of equations, inverses, determinants, factors: left to NumPy's LAPACK.

Layer L6. Python runs these equations by their NumPy text, between two barriers.
"""

from __future__ import annotations

from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.primitives.factors import (
    eigenvalues,
    eigenvectors,
    left_vectors,
    orthogonal_factor,
    right_vectors,
    singular_values,
)
from glassgrad.primitives.solve import (
    cholesky_p,
    cofactors,
    det,
    det_sign,
    inv,
    log_abs_det,
    solve_p,
)


@lowers(
    inv, solve_p, cofactors, det, det_sign, log_abs_det, cholesky_p, orthogonal_factor,
    eigenvalues, eigenvectors, singular_values, left_vectors, right_vectors,
    calls_back=True,
)  # fmt: skip
def _by_python(site: Site) -> None:
    site.call_back()
