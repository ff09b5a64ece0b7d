"""Two ways to write batch normalisation's backward pass, both compared with the derived one.

    python examples/batch_norm_backward.py

The course (CS231n, assignment 2) asks for both. `staged` goes back gate by gate, one line for each
node of the graph; `single` is what remains when the sums are worked out on paper:

    dx = γ / (m σ) · (m dout - Σ dout - x̂ Σ dout x̂)

A third one forgets that the mean moves with x; `gg.compare_backward` says which gradient is wrong.
"""

import numpy as np

import glassgrad as gg

EPS = 1e-5


def batch_norm(x, gamma, beta):
    """The forward pass, over the rows of x (m, d)."""
    mean = x.mean(axis=0)
    centred = x - mean
    square = centred**2
    var = square.mean(axis=0)
    std = np.sqrt(var + EPS)
    inverse = 1 / std
    normal = centred * inverse
    out = gamma * normal + beta
    return out


def staged(x, gamma, beta, dout):
    """Gate by gate, from the last one to the first."""
    m = len(x)
    centred = x - x.mean(axis=0)
    var = (centred**2).mean(axis=0)
    std = np.sqrt(var + EPS)
    inverse = 1 / std
    normal = centred * inverse

    dbeta = dout.sum(axis=0)
    dgamma = (dout * normal).sum(axis=0)
    dnormal = dout * gamma
    dinverse = (dnormal * centred).sum(axis=0)
    dcentred = dnormal * inverse
    dstd = -dinverse / std**2
    dvar = 0.5 * dstd / std
    dsquare = np.ones_like(x) * dvar / m
    dcentred = dcentred + 2 * centred * dsquare
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + np.ones_like(x) * dmean / m
    return dx, dgamma, dbeta


def single(x, gamma, beta, dout):
    """The same in one line for dx: two sums instead of four."""
    m = len(x)
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0) + EPS)
    normal = centred / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * normal).sum(axis=0)
    dx = gamma / (m * std) * (m * dout - dbeta - normal * dgamma)
    return dx, dgamma, dbeta


def forgetful(x, gamma, beta, dout):
    """The mean is taken for a constant: the gradient that flows through it is missing."""
    m = len(x)
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred**2).mean(axis=0) + EPS)
    normal = centred / std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * normal).sum(axis=0)
    dx = gamma / (m * std) * (m * dout - normal * dgamma)
    return dx, dgamma, dbeta


def example_inputs():
    rng = np.random.default_rng(0)
    return rng.normal(3, 2, (6, 4)), rng.normal(size=4), rng.normal(size=4)


def main():
    verdicts = {}
    for backward in (staged, single, forgetful):
        comparison = gg.compare_backward(batch_norm, backward, *example_inputs())
        verdicts[backward.__name__] = bool(comparison)
        print(comparison)
        print()
    return verdicts


if __name__ == "__main__":
    main()
