"""Networks by their shape: feed-forward, multi-layer and recurrent; drawn, unrolled and measured.

    python examples/topologies.py [--quick] [--out FOLDER]

Writes SVG pictures: networks without feedback, with one layer and with several; a recurrent
network rolled up (a loop), and unrolled in time with the length of dL/dh_t beside each step; a
network in both directions; an LSTM. Then two experiments: how the gradient shrinks or grows on its
way back through time, and a network whose gradients explode, without and with clipping.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import nn
from glassgrad.view.charts import Series, line_chart

STEPS = 40


def networks():
    """The shapes by name, each a model for sequences or rows of three numbers."""
    return {
        "single_layer": nn.Sequential(nn.Linear(3, 2, rng=0), nn.Sigmoid()),
        "multi_layer": nn.MLP((3, 5, 4, 2), "tanh", rng=0),
        "recurrent": nn.Sequential(nn.RNN(3, 4, rng=0), nn.Linear(4, 2, rng=1)),
        "bidirectional": nn.Sequential(
            nn.RNN(3, 3, bidirectional=True, rng=0), nn.Linear(6, 2, rng=1)
        ),
        "stacked_lstm": nn.Sequential(nn.LSTM(3, 4, 2, rng=0), nn.Linear(4, 2, rng=1)),
    }


def draw(out):
    """Every network rolled up; those that feed back unrolled too, with gradients by their states.

    Returns how many neurons and connections each picture shows.
    """
    rng = np.random.default_rng(0)
    row, sequence = rng.normal(size=(1, 3)), rng.normal(size=(1, 4, 3))
    for name, model in networks().items():
        recurrent = any(isinstance(layer, nn.Recurrent) for _, layer in model.named_modules())
        x = (sequence if recurrent else row).astype(np.float32)
        write(out, f"{name}.svg", model.draw(x, title=name))
        if recurrent:
            gradients = nn.step_gradients(model, last_output, x)
            picture = model.draw(x, unroll=True, gradients=gradients, title=f"{name} unrolled")
            write(out, f"{name}_unrolled.svg", picture)


def write(out, name, picture):
    (out / name).write_text(picture, encoding="utf-8")
    print(f"wrote {out / name}")


def last_output(model, x):
    """A loss that looks at the last step alone, so all else reaches it through the states."""
    return (model(x)[:, -1] ** 2).sum()


# --- how far back a gradient reaches -----------------------------------------------------


def remembering(kind, scale=1.0, hidden=32):
    """A network whose recurrent weights are an orthogonal matrix times `scale`."""
    options = {"rng": 0, "dtype": np.float64, "recurrent_init": nn.init.orthogonal(scale)}
    if kind == "LSTM":
        return nn.LSTM(1, hidden, forget_bias=3.0, **options)
    return nn.RNN(1, hidden, activation=kind, **options)


def reach(out):
    """The length of dL/dh_t for each step, where the loss looks at the last step."""
    x = 0.1 * np.random.default_rng(0).normal(size=(8, STEPS, 1))
    models = {
        "relu, 0.8": remembering("relu", 0.8),
        "relu, 1.6": remembering("relu", 1.6),
        "tanh, 1": remembering("tanh", 1.0),
        "LSTM": remembering("LSTM"),
    }
    lines, shares = [], {}
    for name, model in models.items():
        (gradient,) = nn.step_gradients(model, last_output, x).values()
        lengths = np.sqrt((gradient[0] ** 2).sum(axis=(1, 2)))
        shares[name] = float(lengths[0] / lengths[-1])
        lines.append(Series(name, list(range(STEPS)), (lengths / lengths[-1])[::-1].tolist()))
        print(f"{name:10s} |dL/dh_0| / |dL/dh_{STEPS - 1}| = {shares[name]:.2e}")
    chart = line_chart(
        lines,
        title="the gradient on its way back through time",
        x_label="steps back",
        y_label="length of dL/dh, as a share of the last",
        log_y=True,
    )
    write(out, "reach.svg", chart)
    return shares


# --- exploding gradients -----------------------------------------------------------------


def exploding(clip_norm, steps):
    """Losses and lengths of gradients of a network that must remember its first input.

    Without a limit the run may end at a loss that is not finite; the lists end there.
    """
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.RNN(1, 32, activation="relu", output="last", rng=0,
               recurrent_init=nn.init.orthogonal(1.6)),
        nn.Linear(32, 1, rng=1),
    )  # fmt: skip
    optimizer = gg.optim.SGD(model, lr=0.01, clip_norm=clip_norm)
    loss_of = lambda model, x, y: nn.mse(model(x), y)  # noqa: E731
    step = gg.train_step(loss_of, model, optimizer)
    losses, lengths = [], []
    for _ in range(steps):
        x = rng.normal(size=(64, 20, 1)).astype(np.float32)
        y = x[:, 0]
        with np.errstate(all="ignore"):
            gradient = gg.grad(lambda model, x=x, y=y: loss_of(model, x, y))(model)
            squares = [np.square(g.data, dtype=np.float64).sum() for g in gradient.values()]
        lengths.append(float(np.sqrt(np.sum(squares))))
        try:
            losses.append(step(x, y))
        except gg.errors.NonFiniteError as error:
            print(f"clip_norm={clip_norm}: stopped after {len(losses)} steps: {error.problem}")
            break
    return losses, lengths


def explode(out, steps):
    """The same network without and with a limit to the length of its gradients."""
    runs = {"without clipping": exploding(None, steps), "clip_norm=1": exploding(1.0, steps)}
    for name, (losses, lengths) in runs.items():
        print(f"{name:17s} loss {losses[0]:.3g} -> {losses[-1]:.3g} in {len(losses)} steps;"
              f" longest gradient {max(lengths):.3g}")  # fmt: skip
    for part, label in ((0, "loss"), (1, "length of the gradient")):
        lines = [
            Series(name, list(range(len(run[part]))), list(run[part])) for name, run in runs.items()
        ]
        title = f"exploding gradients: {label}"
        chart = line_chart(lines, title=title, x_label="update", y_label=label, log_y=True)
        write(out, f"exploding_{label.partition(' ')[0]}.svg", chart)
    return runs


def main(*arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few updates")
    parser.add_argument("--out", default="topologies", help="folder of the pictures")
    given = parser.parse_args(arguments)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    draw(out)
    shares = reach(out)
    runs = explode(out, 10 if given.quick else 300)
    return shares, runs


if __name__ == "__main__":
    main(*sys.argv[1:])
