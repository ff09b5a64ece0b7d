"""Three famous series forecast by LSTM and GRU networks, with the usual baselines beside.

    python examples/forecast.py [--quick] [airline|co2|sunspots ...]

airline    monthly passengers; the last 24 months from what was known before them
co2        weekly CO2 at Mauna Loa; the last 104 weeks from what was known before them
sunspots   yearly numbers; each year from 1950 on from the years before it

Each network is small and is trained from a few seeds, whose forecasts are averaged. All are scored
by the mean absolute error. The files are those of GLASSGRAD_DATA or ../shared/data, in timeseries/.
"""

import argparse
import csv
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn

SEEDS = 4


def read(name):
    """The second column of a file, gaps filled along a straight line."""
    folders = [*data.search_folders(), Path(__file__).resolve().parents[2] / "shared" / "data"]
    for place in (folder / "timeseries" / name for folder in folders):
        if place.is_file():
            with place.open(encoding="utf-8", newline="") as file:
                values = np.array([float(row[1] or "nan") for row in list(csv.reader(file))[1:]])
            at, known = np.arange(len(values)), ~np.isnan(values)
            return np.interp(at, at[known], values[known])
    raise SystemExit(f"{name} is not here: set GLASSGRAD_DATA")


def error(forecast, truth):
    """The mean absolute error."""
    return float(np.abs(np.asarray(forecast) - truth).mean())


# --- networks ----------------------------------------------------------------------------


def train(kind, X, y, hidden, steps, seed):
    """A recurrent layer that reads a window, and a linear one that says what comes next."""
    layers = {"LSTM": nn.LSTM, "GRU": nn.GRU}
    model = nn.Sequential(
        layers[kind](1, hidden, output="last", rng=seed),
        nn.Linear(hidden, y.shape[1], rng=seed + 100),
    )
    rate = gg.optim.Cosine(0.01, steps, 0.0005)
    optimizer = gg.optim.Adam(model, lr=rate, weight_decay=1e-3, clip_norm=1.0)
    step = gg.train_step(lambda model, x, y: nn.mse(model(x), y), model, optimizer)
    step.run(X, y, np.tile(np.arange(len(X)), (steps, 1)))
    return model


def as_windows(rows):
    """Windows (n, t) as sequences of one feature."""
    return np.asarray(rows, np.float32)[:, :, None]


def season_ahead(kind, series, ahead, period, steps, seed, every=1):
    """`ahead` values behind a series, a season at a time, relative to the mean of the last one.

    A season is read and the next one is written, so errors are fed back `ahead / period` times.
    """
    starts = range(period, len(series) - period + 1, every)
    levels = [series[o - period : o].mean() for o in starts]
    X = np.array([series[o - period : o] - m for o, m in zip(starts, levels, strict=True)])
    y = np.array([series[o : o + period] - m for o, m in zip(starts, levels, strict=True)])
    scale = X.std()
    shift, size = y.mean(), y.std()
    targets = ((y - shift) / size).astype(np.float32)
    model = train(kind, as_windows(X / scale), targets, 8, steps, seed)
    known = list(series)
    while len(known) < len(series) + ahead:
        last = np.array(known[-period:])
        out = model.predict(as_windows([(last - last.mean()) / scale]))[0]
        known.extend(out * size + shift + last.mean())
    return np.array(known[len(series) : len(series) + ahead])


def year_ahead(kind, series, cut, history, steps, seed):
    """Each value from `cut` on from those before it; only values before `cut` are learnt from."""
    mean, size = series[:cut].mean(), series[:cut].std()
    scaled = ((series - mean) / size).astype(np.float32)
    X = as_windows([scaled[i - history : i] for i in range(history, len(scaled))])
    y = scaled[history:, None]
    model = train(kind, X[: cut - history], y[: cut - history], 16, steps, seed)
    return model.predict(X[cut - history :])[:, 0] * size + mean


# --- baselines ---------------------------------------------------------------------------


def seasonal_naive(series, ahead, period):
    """The last season again and again."""
    return np.resize(series[-period:], ahead)


def holt_winters(series, ahead, period):
    """Level, trend and seasonal factors, smoothed; the three rates by a grid on past errors.

    Source: Winters (1960), Forecasting Sales by Exponentially Weighted Moving Averages
    """
    grid = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
    runs = (_smoothed(series, ahead, period, *rates) for rates in product(grid, grid[:4], grid))
    return min(runs, key=lambda run: run[0])[1]


def _smoothed(series, ahead, period, alpha, beta, gamma):
    """Mean squared error one step ahead, and the forecast."""
    first, second = series[:period].mean(), series[period : 2 * period].mean()
    level, trend = first, (second - first) / period
    factors, squares = list(series[:period] / first), 0.0
    for t, value in enumerate(series[period:], start=period):
        seasonal = factors[t - period]
        squares += (value - (level + trend) * seasonal) ** 2
        before, level = level, alpha * value / seasonal + (1 - alpha) * (level + trend)
        trend = beta * (level - before) + (1 - beta) * trend
        factors.append(gamma * value / level + (1 - gamma) * seasonal)
    steps = np.arange(1, ahead + 1)
    return squares, (level + steps * trend) * np.resize(factors[-period:], ahead)


def autoregression(series, cut, order=9):
    """AR(9): a constant and the last nine values, by least squares before `cut`."""
    rows = [np.append(series[i - order : i][::-1], 1.0) for i in range(order, len(series))]
    A, known = np.array(rows), cut - order
    weights = np.linalg.lstsq(A[:known], series[order:cut], rcond=None)[0]
    return A[known:] @ weights


# --- the three series --------------------------------------------------------------------


def airline(steps, seeds):
    """Logarithms, so that a season grows with the level."""
    series = read("airline-passengers.csv")
    past, truth = series[:-24], series[-24:]
    scores = {
        "seasonal naive": error(seasonal_naive(past, 24, 12), truth),
        "Holt-Winters": error(holt_winters(past, 24, 12), truth),
    }
    for kind in ("LSTM", "GRU"):
        found = [season_ahead(kind, np.log(past), 24, 12, steps, seed) for seed in range(seeds)]
        scores[kind] = error(np.exp(np.mean(found, axis=0)), truth)
    return scores


def co2(steps, seeds):
    """Parts per million; a window begins every second week."""
    series = read("mauna_loa_co2_weekly.csv")
    past, truth = series[:-104], series[-104:]
    scores = {
        "seasonal naive": error(seasonal_naive(past, 104, 52), truth),
        "Holt-Winters": error(holt_winters(past, 104, 52), truth),
    }
    for kind in ("LSTM", "GRU"):
        found = [season_ahead(kind, past, 104, 52, steps, seed, every=4) for seed in range(seeds)]
        scores[kind] = error(np.mean(found, axis=0), truth)
    return scores


def sunspots(steps, seeds):
    """Square roots, which make the high and the low years alike in their scatter."""
    series = read("sunspots_yearly.csv")
    cut = 1950 - 1700
    truth = series[cut:]
    scores = {
        "last value": error(series[cut - 1 : -1], truth),
        "AR(9)": error(autoregression(series, cut), truth),
    }
    for kind in ("LSTM", "GRU"):
        found = [year_ahead(kind, np.sqrt(series), cut, 11, steps, seed) for seed in range(seeds)]
        scores[kind] = error(np.mean(np.square(found), axis=0), truth)
    return scores


SERIES = {"airline": (airline, 150), "co2": (co2, 150), "sunspots": (sunspots, 400)}


def main(*arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("series", nargs="*", help=", ".join(SERIES))
    parser.add_argument("--quick", action="store_true", help="a few steps from one seed")
    given = parser.parse_args(arguments)
    found = {}
    for name in given.series or SERIES:
        function, steps = SERIES[name]
        began = time.perf_counter()
        scores = found[name] = function(5 if given.quick else steps, 1 if given.quick else SEEDS)
        seconds = time.perf_counter() - began
        listed = "   ".join(f"{kind} {score:.2f}" for kind, score in scores.items())
        print(f"{name:9s} mean absolute error: {listed}   ({seconds:.1f} s)")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
