"""`Graph.html(*inputs)`: the picture as a page that can be stepped through, in one file.

Layer L8. The first picture stands in the page as it is, so that it is there without the script,
for printers too; what the script needs lies beside it as JSON, and the further pictures packed.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Collection, Sequence
from importlib import resources
from typing import Any

from glassgrad.errors import unknown_option
from glassgrad.graph.ir import Graph
from glassgrad.text import language, say
from glassgrad.view import style
from glassgrad.view.digits import check_precision
from glassgrad.view.formulas import FONTS
from glassgrad.view.labels import plain
from glassgrad.view.markup import element
from glassgrad.view.markup import words as escaped
from glassgrad.view.page.data import as_json, data_of
from glassgrad.view.page.lines import sources_of
from glassgrad.view.page.scenes import PRECISIONS, Scene, scenes_of
from glassgrad.view.page.words import words
from glassgrad.view.record import record
from glassgrad.view.units import Program, array_units

ROOT = "gg-figure"
_SCRIPTS = ("digits", "steps", "drawing", "canvas", "panel", "source", "controls", "figure")
_LONG_PATH = re.compile(r' d="([^"]{100,})"')
_SHEETS = ("figure", "page")


def page(
    graph: Graph,
    *inputs: Any,
    precision: int = 2,
    level: str = "auto",
    parameters: Collection[str] | None = None,
    opened: Collection[str] = (),
    select: str = "",
    title: str = "",
) -> str:
    """A whole HTML file with the picture of a graph; it needs no network.

    precision:  decimals of the numbers at first
    level:      "layers", "arrays", "numbers" or "auto", at first
    parameters: names of the inputs that are parameters; by default found out
    opened:     regions that are looked into at first
    select:     the value whose node is selected at first, such as "W1"
    Raises:     OptionError for an unknown level, precision, region, input or value

    >>> from glassgrad.graph.trace import trace
    >>> page(trace(lambda x: x * x, 3.0), 3.0)[:15]
    '<!DOCTYPE html>'
    """
    heading = plain(title or graph.name)
    body = figure(
        graph,
        *inputs,
        precision=precision,
        level=level,
        parameters=parameters,
        opened=opened,
        select=select,
        title=heading,
        with_assets=False,
        is_page=True,
    )
    script = _script()
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escaped(heading)}</title>",
        f"<style>\n{_sheet(*_SHEETS)}</style>",
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{language()}">',
            "<head>",
            *head,
            "</head>",
            '<body class="gg-page">',
            body,
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def figure(
    graph: Graph,
    *inputs: Any,
    precision: int = 2,
    level: str = "auto",
    parameters: Collection[str] | None = None,
    opened: Collection[str] = (),
    select: str = "",
    title: str = "",
    precisions: Collection[int] = PRECISIONS,
    with_assets: bool = True,
    is_page: bool = False,
) -> str:
    """The same as a part of another page; several can stand on one.

    precisions:  what can be chosen beside `precision`; each is drawn beforehand
    with_assets: whether style sheet and script come with it; else the page has `assets()` once,
                 behind its figures
    """
    check_precision(precision)
    found = record(graph, inputs)
    program = array_units(found, parameters)
    chosen = _selected(program, select)
    heading = plain(title or graph.name)
    scenes, first = scenes_of(program, level, opened, precision, heading, precisions)
    data = data_of(program, scenes, sources_of(found))
    picture = scenes[first].pictures[precision]
    terms = {english: korean for scene in scenes for english, korean in scene.terms.items()}
    data |= {
        "title": heading,
        "first": first,
        "precision": precision,
        "precisions": sorted(scenes[first].pictures),
        "select": chosen,
        "language": language(),
        "words": words(),
        "terms": terms,
        "isPage": is_page,
    }
    text = as_json(data)
    number = f"{zlib.crc32(text.encode()):08x}"
    stage = element("div", {"class": "gg-stage"}, picture)
    noscript = element("noscript", {}, escaped(say("stepping and zooming need JavaScript")))
    parts = [
        stage,
        noscript,
        f'<script type="application/json">{text}</script>',
        f'<script type="text/plain">{_packed(scenes)}</script>',
    ]
    body = element("div", {"class": ROOT, "id": f"gg-{number}"}, *parts)
    return body + assets() if with_assets else body


def assets() -> str:
    """Style sheet and script of figures, for a page that has several of them."""
    return f"<style>\n{_sheet('figure')}</style>\n<script>{_script()}</script>"


# --- parts -------------------------------------------------------------------------------


def _selected(program: Program, name: str) -> str:
    """The key of a value by its name or its key."""
    if not name:
        return ""
    keys = {var.name: value.key for var, value in program.values.items() if var.name}
    keys |= {value.key: value.key for value in program.values.values()}
    if name not in keys:
        raise unknown_option("value", name, keys)
    return keys[name]


def _packed(scenes: Sequence[Scene]) -> str:
    """The pictures of all scenes, by precision; long paths (maps of arrays) stand there once."""
    paths: dict[str, int] = {}

    def by_number(found: re.Match[str]) -> str:
        return f' d="@{paths.setdefault(found[1], len(paths))}"'

    pictures = [
        {str(p): _LONG_PATH.sub(by_number, picture) for p, picture in scene.pictures.items()}
        for scene in scenes
    ]
    text = as_json({"pictures": pictures, "paths": list(paths)})
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _sheet(*names: str) -> str:
    tokens = style.tokens(f".{ROOT},body.gg-page")
    fonts = f".{ROOT},body.gg-page{{--font:{style.FONT};--math:{FONTS}}}"
    return "\n".join([style.css(), tokens, fonts, *(_asset(f"{name}.css") for name in names)])


def _script() -> str:
    """All scripts in one function, so that they share names with each other and nothing else."""
    parts = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    return f'\n(() => {{\n"use strict";\n{parts}\n}})();\n'


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


__all__ = ["assets", "figure", "page"]
