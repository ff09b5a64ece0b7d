"""Charts as documents: well formed, escaped, accessible, and at the right places."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from glassgrad.errors import ShapeError
from glassgrad.view.charts import (
    Bar,
    Histogram,
    Picture,
    Plane,
    Series,
    attention_chart,
    bar_chart,
    confusion_chart,
    css,
    histogram,
    histograms,
    image_grid,
    line_chart,
    plane_chart,
    png,
    scatter_chart,
)
from glassgrad.view.charts.paper import spread
from glassgrad.view.charts.png import as_bytes
from glassgrad.view.charts.scale import integers, linear, logarithmic

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</text><script>alert("1")</script>&\u202e'


def _plane(names: list[str]) -> str:
    x = y = np.linspace(-1, 1, 40)
    along = np.broadcast_to(x, (40, 40))
    scores = np.stack([(1 - along) / 2, (1 + along) / 2], axis=-1)
    points = np.array([[-0.5, 0.0], [0.5, 0.0], [0.4, 0.2]])
    plane = Plane(x, y, scores)
    return plane_chart(points, [0, 1, 0], names, plane, title=names[0], x_label=names[0])


CHARTS: dict[str, Callable[[str], str]] = {
    "line": lambda n: line_chart(
        [Series(n, [1, 2], [3.0, 4.0], note=n)], title=n, x_label=n, y_label=n, description=n
    ),
    "bars": lambda n: bar_chart([Bar(n, 1.0, n)], title=n, x_label=n, description=n),
    "attention": lambda n: attention_chart(
        np.eye(2)[None].repeat(3, axis=0), [n, "b"], title=n, description=n
    ),
    "confusion": lambda n: confusion_chart(
        [[3, 1], [0, 2]], [n, "b"], title=n, row_label=n, column_label=n
    ),
    "histogram": lambda n: histogram([1.0, 2.0, 2.5], title=n, x_label=n),
    "histograms": lambda n: histograms([Histogram.of(n, [1.0, 2.0], note=n)], title=n),
    "images": lambda n: image_grid([Picture(np.zeros((2, 2), np.uint8), (n, n))], title=n),
    "plane": lambda n: _plane([n, "b"]),
}


@pytest.mark.parametrize("kind", CHARTS)
def test_hostile_names_stay_text(kind: str) -> None:
    svg = CHARTS[kind](HOSTILE)
    root = ET.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert "\u202e" not in svg
    assert root.findtext(f"{SVG}title") == root.get("aria-label")


@pytest.mark.parametrize("kind", CHARTS)
def test_labels_stay_inside(kind: str) -> None:
    root = ET.fromstring(CHARTS[kind]("name"))
    width, height = map(float, root.get("viewBox", "").split()[2:])
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x", "")) <= width
        assert 0 <= float(text.get("y", "")) <= height


def test_a_page_with_several_has_one_style_sheet() -> None:
    series = [Series("loss", [1, 2], [1.0, 0.5])]
    bare = line_chart(series, title="loss", style=False)
    assert "<style" not in bare
    assert "<style" in line_chart(series, title="loss")
    assert "prefers-color-scheme:dark" in css()


# --- lines -------------------------------------------------------------------------------


def test_a_line_passes_through_its_points() -> None:
    svg = line_chart([Series("f", [0.0, 10.0], [0.0, 1.0])], title="f")
    path = next(p for p in ET.fromstring(svg).iter(f"{SVG}path") if "line" in p.get("class", ""))
    (x0, y0), (x1, y1) = [tuple(map(float, p.split())) for p in path.get("d", "")[1:].split("L")]
    assert x0 < x1
    assert y0 > y1  # up is less


def test_a_gap_and_a_peak() -> None:
    y = np.zeros(20_000)
    y[7_777] = 5.0
    y[3] = np.nan
    svg = line_chart([Series("f", np.arange(20_000), y)], title="f")
    path = next(p for p in ET.fromstring(svg).iter(f"{SVG}path") if "line" in p.get("class", ""))
    points = [tuple(map(float, p.split())) for p in path.get("d", "")[1:].split("L")]
    assert len(points) < 1300  # as many as the eye can tell apart
    heights = [y for _, y in points]
    assert heights.count(min(heights)) == 1  # the one peak is still there


def test_names_at_the_ends_do_not_touch() -> None:
    series = [Series(f"s{i}", [1, 2], [1.0, 1.0 + i / 1000]) for i in range(5)]
    root = ET.fromstring(line_chart(series, title="f"))
    ys = sorted(
        float(t.get("y", "")) for t in root.iter(f"{SVG}text") if "direct" in t.get("class", "")
    )
    assert len(ys) == 5
    assert min(np.diff(ys)) >= 15


def test_series_are_told_apart_without_colour() -> None:
    styles = css()
    assert re.search(r"\.t-other\{[^}]*dasharray:7 4", styles)
    assert re.search(r"\.t-muted\{[^}]*dasharray:1.5 4", styles)


def test_nothing_to_draw() -> None:
    assert "<svg" in line_chart([Series("loss", [], [])], title="empty")
    assert "<svg" in line_chart([Series("loss", [1], [float("nan")])], title="nan", log_y=True)


# --- scales ------------------------------------------------------------------------------


def test_ticks_are_round_and_cover_the_data() -> None:
    scale = linear([0.12, 0.98], 0, 100)
    assert scale.low <= 0.12
    assert scale.high >= 0.98
    assert [scale.label(tick) for tick in scale.ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]


def test_powers_of_ten() -> None:
    scale = logarithmic([1e-7, 0.3], 0, 100)
    assert [scale.label(tick) for tick in scale.ticks] == ["10⁻⁷", "10⁻⁵", "0.001", "0.1"]
    middle = logarithmic([0.01, 1.0], 0, 100)
    assert middle(0.1) == pytest.approx(50.0)


@pytest.mark.parametrize("values", [[], [1.0], [0.0], [float("nan")], [-2e-5, 1e-5], [1e12, 2e12]])
def test_any_values_have_a_scale(values: list[float]) -> None:
    for make in (linear, logarithmic):
        scale = make(values, 0, 100)
        assert scale.low < scale.high
        assert len(scale.ticks) >= 2


def test_epochs_are_whole() -> None:
    scale = integers(1, 20_000, 0, 100)
    assert scale.ticks[0] == 1
    assert all(tick.is_integer() for tick in scale.ticks)
    assert integers(1, 1, 0, 100).ticks == (1.0,)


def test_spread_keeps_order_and_room() -> None:
    assert spread([10.0, 10.0, 11.0], 16, 0, 100) == [10.0, 26.0, 42.0]
    assert spread([95.0, 99.0], 16, 0, 100) == [84.0, 100.0]


# --- the others --------------------------------------------------------------------------


def test_confusion_counts_are_written() -> None:
    root = ET.fromstring(confusion_chart([[1234, 1], [0, 2]], ["a", "b"], title="t"))
    written = [t.text for t in root.iter(f"{SVG}text")]
    assert written.count("1,234") == 1
    assert "0" not in written  # an empty cell says so by being empty
    shades = [float(r.get("opacity", "")) for r in root.iter(f"{SVG}rect") if r.get("opacity")]
    assert shades == pytest.approx([(1234 / 1235) ** 0.5, (1 / 1235) ** 0.5, 1.0], abs=1e-3)


def test_png_holds_the_pixels() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    stream = io.BytesIO(png(pixels))
    assert stream.read(8) == b"\x89PNG\r\n\x1a\n"
    chunks = {}
    while header := stream.read(8):
        length, kind = struct.unpack(">I4s", header)
        body = stream.read(length)
        assert struct.unpack(">I", stream.read(4))[0] == zlib.crc32(kind + body)
        chunks[kind] = body
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (4, 3, 8, 0, 0, 0, 0)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(3, 5)
    assert (lines[:, 0] == 0).all()
    assert (lines[:, 1:] == pixels).all()


def test_colours_have_three_channels() -> None:
    header = png(np.zeros((2, 5, 3), np.uint8))[16:29]
    assert struct.unpack(">IIBBBBB", header) == (5, 2, 8, 2, 0, 0, 0)


def test_ink_on_paper() -> None:
    assert as_bytes([[0.0, 1.0, np.nan]], 0, 1, invert=True).tolist() == [[255, 0, 255]]


def test_a_point_in_the_wrong_region_is_ringed() -> None:
    root = ET.fromstring(_plane(["a", "b"]))
    assert len(list(root.iter(f"{SVG}circle"))) == 1  # (0.4, 0.2) is of class 0, to the right


def test_the_border_lies_where_classes_tie() -> None:
    root = ET.fromstring(_plane(["a", "b"]))
    border = next(p for p in root.iter(f"{SVG}path") if p.get("class") == "border")
    xs = [float(x) for x in re.findall(r"[ML]([\d.]+) ", border.get("d", ""))]
    frame = next(r for r in root.iter(f"{SVG}rect") if r.get("class") == "frame")
    middle = float(frame.get("x", "")) + float(frame.get("width", "")) / 2
    assert xs
    assert max(abs(x - middle) for x in xs) < 0.02


def test_bars_begin_at_zero_and_grow() -> None:
    bars = [Bar("a", 0.0, "0"), Bar("b", 5.0, "5"), Bar("c", 10.0, "10")]
    root = ET.fromstring(bar_chart(bars, title="t"))
    widths = [float(r.get("width", "")) for r in root.iter(f"{SVG}rect")]
    assert widths[0] == 1
    assert widths[2] == pytest.approx(2 * widths[1], abs=0.1)


def test_a_scatter_with_a_diagonal_has_one_scale() -> None:
    svg = scatter_chart([0.0, 10.0, np.nan], [5.0, 10.0, 1.0], title="t", diagonal=True)
    root = ET.fromstring(svg)
    dots = next(p for p in root.iter(f"{SVG}path") if p.get("class") == "f-value")
    assert dots.get("d", "").count("M") == 2  # a point that is not finite is left out
    line = next(
        e
        for e in root.iter(f"{SVG}line")
        if e.get("class") == "base" and e.get("y1") != e.get("y2") and e.get("x1") != e.get("x2")
    )
    x1, y1, x2, y2 = (float(line.get(name, "")) for name in ("x1", "y1", "x2", "y2"))
    assert x2 - x1 == pytest.approx(y1 - y2)


def test_a_scatter_of_nothing() -> None:
    assert "<svg" in scatter_chart([], [], title="t")


# --- attention ---------------------------------------------------------------------------


def test_attention_has_a_square_a_head() -> None:
    weights = np.tril(np.ones((2, 4, 4))) / np.arange(1, 5)[:, None]
    root = ET.fromstring(attention_chart(weights, "abcd", title="t"))
    cells = [r for r in root.iter(f"{SVG}rect") if r.get("class") == "wash"]
    assert len(cells) == 2 * 10
    assert {cell.get("opacity") for cell in cells} == {"1.000", "0.707", "0.577", "0.500"}
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert words.count("head 2") == 1
    assert words.count("d") == 4
    wide = ET.fromstring(attention_chart(np.ones((3, 200)), title="t"))
    assert len(list(wide.iter(f"{SVG}text"))) == 1


def test_attention_refuses() -> None:
    with pytest.raises(ShapeError, match="axes, got shape"):
        attention_chart(np.ones(3), title="t")
    with pytest.raises(ShapeError, match="2 and 2 names for weights of shape"):
        attention_chart(np.ones((3, 3)), ["a", "b"], title="t")


def test_attention_of_no_head() -> None:
    assert "<rect" not in attention_chart(np.zeros((0, 3, 3)), title="t")
