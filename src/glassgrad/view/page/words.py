"""What a page says, in both languages at once, so that it can switch while it is open.

Layer L8. The script fills the names in braces.
"""

from __future__ import annotations

from glassgrad.text import LANGUAGES, say, speaking


def words() -> dict[str, dict[str, str]]:
    """By language, every text of the page by its key."""
    found = {}
    for language in LANGUAGES:
        with speaking(language):
            found[language] = {**_frame(), **_panel(), **_steps(), **_kinds()}
    return found


def _frame() -> dict[str, str]:
    return {
        "sentence": say(
            "Values flow forward, in blue. Gradients flow back, in vermilion: each is the gradient "
            "from upstream times the local derivative in the grey pill, summed where paths meet."
        ),
        "sentence.values": say("Values flow forward along the edges, in blue."),
        "sentence.structure": say("The operations of the program, in the order of computation."),
        "picture": say("computational graph"),
        "level": say("level of detail"),
        "layers": say("layers"),
        "arrays": say("arrays"),
        "numbers": say("numbers"),
        "decimals": say("decimals"),
        "zoom": say("zoom"),
        "zoom.in": say("zoom in"),
        "zoom.out": say("zoom out"),
        "zoom.fit": say("show all of it"),
        "theme": say("light or dark"),
        "language": say("language"),
        "steps": say("step through the computation"),
        "first": say("to the beginning"),
        "back": say("one step back"),
        "play": say("play"),
        "pause": say("pause"),
        "next": say("one step on"),
        "last": say("to the end"),
        "keys": say("arrow keys step, space plays, + and − zoom, 0 shows all of it"),
        "opened": say("opened"),
        "fold": say("fold {name}", name="{name}"),
        "open": say("look into {name}", name="{name}"),
        "source": say("NumPy source"),
        "details": say("the selected node"),
        "legend": say("legend"),
        "made": say("drawn by glassgrad from the graph that runs; works without a network"),
    }


def _panel() -> dict[str, str]:
    return {
        "nothing": say("Select a node: click it, or step through the computation."),
        "value": say("value"),
        "gradient": say("gradient"),
        "formula": say("formula"),
        "locals": say("local derivatives"),
        "derivation": say("where the gradient comes from"),
        "seed": say("the end of the graph: by itself, the derivative is 1"),
        "inside": say("inside {name}: open it to see the factors", name="{name}"),
        "sum": say("sum"),
        "pending": say("gradient not computed yet"),
        "waiting": say("value not computed yet"),
        "none": say("no gradient: it does not vary with the inputs"),
        "unread": say("nothing behind it reads it: the gradient is 0"),
        "lines": say("NumPy lines"),
        "forward": say("forward"),
        "backward": say("backward"),
        "equations": say("{count} operations", count="{count}"),
        "parameters": say("{count} parameters", count="{count}"),
        "minimum": say("minimum"),
        "mean": say("mean"),
        "maximum": say("maximum"),
        "shape": say("shape"),
    }


def _steps() -> dict[str, str]:
    i, n = "{i}", "{n}"
    return {
        "at.start": say("The inputs are given. Nothing is computed yet."),
        "at.end": say("Everything is computed: forward and back in {n} steps.", n=n),
        "at.end.values": say("Every value is computed, in {n} steps.", n=n),
        "at.forward": say("Forward pass, {i} of {n}", i=i, n=n),
        "at.backward": say("Backward pass, {i} of {n}", i=i, n=n),
        "at.seed": say("the derivative of {name} by itself is 1", name="{name}"),
        "at.hands": say("hands gradients to {names}", names="{names}"),
    }


def _kinds() -> dict[str, str]:
    return {
        "parameter": say("parameter"),
        "input": say("input"),
        "constant": say("constant"),
        "operation": say("operation"),
        "region": say("region"),
        "output": say("output"),
        "legend.value": say("value (forward)"),
        "legend.gradient": say("gradient (backward)"),
        "legend.local": say("local derivative (1 is not drawn)"),
        "legend.pending": say("gradient not computed yet"),
        "legend.map": say("positive, negative, by area; minimum, mean, maximum"),
    }


__all__ = ["words"]
