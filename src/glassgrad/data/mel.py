"""Log-mel features: how loud a sound is in bands of pitch, from moment to moment.

Layer L8. NumPy alone. Frames overlap; each is weighted by a Hann window, its power spectrum is
summed into triangular bands that are evenly spaced on the mel scale, and the logarithm is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.text import say


def log_mel(
    samples: ArrayLike,
    rate: int,
    *,
    bands: int = 40,
    window: float = 0.025,
    hop: float = 0.010,
    low: float = 20.0,
    high: float | None = None,
    pre_emphasis: float = 0.0,
    floor: float = 1e-6,
) -> NDArray[Any]:
    """The log-mel spectrogram of a sound, one row a frame.

    Shapes:    samples (n,) -> (frames, bands), frames = 1 + (n − w) // h for a window of w and a
               hop of h samples; a sound shorter than a window is filled up with zeros
    Formula:   x′[t] = x[t] − a x[t−1], a = `pre_emphasis`, x[−1] = x[0]
               P[f, k] = |Σ_t x′[f h + t] · ½ (1 − cos(2π t / w)) · e^(−2πi k t / m)|² / w, m the
               next power of two
               out = log(`floor` + P @ filters), filters of `mel_filters`
    Units:     window and hop in seconds, low and high in hertz (high: half of the rate if None)
    Raises:    OptionError for a window below 2 samples, a hop below 1; ShapeError for several
               channels; DataError for a sample that is not finite
    Source:    Davis & Mermelstein (1980); the periodic Hann window, Harris (1978)

    >>> log_mel(np.sin(np.arange(8000)), 8000).shape
    (98, 40)
    """
    x = np.asarray(samples)
    if x.ndim != 1 or not x.size:
        problem = say("a sound of shape {shape}", shape=x.shape)
        raise ShapeError(problem, operation="log_mel", rule=say("one channel: samples (n,)"))
    if not np.isfinite(x).all():
        raise DataError(say("a NaN or an infinity is among the samples"), operation="log_mel")
    size, step = round(window * rate), round(hop * rate)
    if size < 2 or step < 1:  # noqa: PLR2004 - a window has a middle
        problem = say("a window of {size} and a hop of {step} samples", size=size, step=step)
        raise OptionError(problem, operation="log_mel", rule="2 ≤ window · rate, 1 ≤ hop · rate")
    kind = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    x = x.astype(np.float64)
    x = x - pre_emphasis * np.concatenate([x[:1], x[:-1]])
    x = np.pad(x, (0, max(0, size - len(x))))
    frames = np.lib.stride_tricks.sliding_window_view(x, size)[::step]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    points = 1 << (size - 1).bit_length()
    power = np.square(np.abs(np.fft.rfft(frames * hann, points))) / size
    filters = mel_filters(rate, points, bands, low, rate / 2 if high is None else high)
    return np.log(floor + power @ filters).astype(kind)  # (f, m/2 + 1) @ (m/2 + 1, bands)


def mel_filters(rate: int, points: int, bands: int, low: float, high: float) -> NDArray[np.float64]:
    """Triangles over the bins of a spectrum, (points // 2 + 1, bands).

    Formula:   corners c_0 < … < c_(bands + 1) evenly spaced in mel(f) = 2595 log10(1 + f / 700)
               from `low` to `high`; filter b rises from 0 at c_b to 1 at c_(b+1) and falls to 0 at
               c_(b+2); bin k is at k · rate / points hertz
    Raises:    OptionError unless 0 ≤ low < high ≤ rate / 2; where a band is so narrow that no bin
               lies in it
    Source:    O'Shaughnessy (1987), Speech Communication, for the scale
    """
    if bands < 1 or not 0 <= low < high <= rate / 2:
        problem = say("{bands} bands from {low} to {high} Hz", bands=bands, low=low, high=high)
        raise OptionError(
            problem, operation="mel_filters", rule=f"1 ≤ bands, 0 ≤ low < high ≤ {rate / 2:g}"
        )
    mel = np.linspace(_mel(low), _mel(high), bands + 2)
    corners = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(points // 2 + 1)[:, None] * (rate / points)
    rise = (bins - corners[:-2]) / np.diff(corners)[:-1]
    fall = (corners[2:] - bins) / np.diff(corners)[1:]
    filters = np.maximum(np.minimum(rise, fall), 0)
    if not filters.any(axis=0).all():
        empty = int(np.argmin(filters.any(axis=0)))
        problem = say("no bin of {points} points lies in band {band}", points=points, band=empty)
        raise OptionError(
            problem, operation="mel_filters", hint=say("take fewer bands or a longer window")
        )
    return np.asarray(filters)


def padded(rows: Sequence[NDArray[Any]], length: int, fill: float) -> NDArray[Any]:
    """Sequences of different lengths as one array: cut at the end, or filled up there.

    Shapes:    m arrays (t_i, d) -> (m, length, d)
    """
    if not rows:
        raise DataError(say("there are no rows"), operation="padded")
    found = np.full((len(rows), length, *rows[0].shape[1:]), fill, dtype=rows[0].dtype)
    for i, row in enumerate(rows):
        found[i, : len(row)] = row[:length]
    return found


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
