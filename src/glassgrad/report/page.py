"""The page around a report: one file, no request, light and dark, and on paper.

Layer L10.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from glassgrad.text import language
from glassgrad.view.charts import css as chart_css
from glassgrad.view.markup import element, words
from glassgrad.view.style import DARK, FONT, LIGHT

_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)

_BASE = f"""
*{{box-sizing:border-box}}
html{{font-family:{FONT};font-size:17px;line-height:1.6;color:var(--ink);background:var(--paper);
-webkit-text-size-adjust:100%}}
html:lang(ko){{word-break:keep-all;overflow-wrap:break-word;line-height:1.75}}
body{{margin:0;padding:4rem 1.25rem 6rem}}
main{{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,42rem) minmax(0,1fr)}}
main>*{{grid-column:2}}
main>section{{display:grid;grid-template-columns:subgrid;grid-column:1/-1}}
main>section>*{{grid-column:2;min-width:0}}
main>section>.wide{{grid-column:1/-1;justify-self:center;max-width:min(100%,72rem)}}
h1{{font-size:2.6rem;line-height:1.15;margin:0 0 .5rem;letter-spacing:-.015em}}
h2{{font-size:1.45rem;line-height:1.3;margin:4rem 0 .75rem;padding-top:.9rem;
border-top:1px solid var(--line)}}
h3{{font-size:1.05rem;margin:2rem 0 .5rem}}
p{{margin:.6rem 0;max-width:72ch}}
a{{color:inherit}}
.lead{{font-size:1.2rem;line-height:1.5}}
.note{{color:var(--muted);font-size:.92rem}}
.fault{{border-left:3px solid var(--ink);padding-left:.8rem;color:var(--muted)}}
.key{{display:flex;flex-wrap:wrap;gap:1.25rem 3rem;margin:2rem 0 0;padding:0}}
.key div{{display:flex;flex-direction:column-reverse}}
.key dt{{color:var(--muted);font-size:.85rem}}
.key dd{{margin:0;font-size:1.9rem;line-height:1.2;font-variant-numeric:tabular-nums}}
nav{{margin-top:2.5rem;font-size:.92rem;line-height:1.9;color:var(--muted)}}
nav a{{margin-right:1.1rem;text-underline-offset:.2em;text-decoration-thickness:1px;
white-space:nowrap}}
figure{{margin:1.6rem 0 1.8rem;min-width:0}}
figure>svg,figure>.pictures>svg{{display:block;max-width:100%;height:auto}}
figcaption{{margin-top:.7rem;font-size:.95rem;line-height:1.55;max-width:72ch}}
.wide figcaption{{max-width:42rem;margin-left:auto;margin-right:auto}}
.wide{{overflow-x:auto}}
.scroll{{overflow-x:auto;margin:1rem 0}}
table{{border-collapse:collapse;font-size:.9rem;line-height:1.45;
font-variant-numeric:tabular-nums;border-top:1.5px solid var(--ink);
border-bottom:1.5px solid var(--ink);margin:1rem 0}}
.scroll>table{{margin:0}}
.scroll>table+table{{margin-top:2rem}}
th,td{{padding:.28rem 1.4rem .28rem 0;text-align:left;vertical-align:baseline;font-weight:400}}
th:last-child,td:last-child{{padding-right:0}}
thead th{{border-bottom:1px solid var(--line);color:var(--muted);font-size:.82rem}}
.n{{text-align:right}}
.total td,.total th{{border-top:1px solid var(--line)}}
table.cost td{{text-align:right;white-space:nowrap}}
table.cost thead th:not(:first-child):not(.w){{text-align:right}}
table.cost td.w{{text-align:left;color:var(--muted);white-space:normal}}
table.cost code{{overflow-wrap:anywhere}}
.diagnosis ul{{list-style:none;padding:0;margin:1rem 0}}
.diagnosis li{{margin:.9rem 0;padding-left:1rem;border-left:2px solid var(--line)}}
.diagnosis li.fault,.diagnosis li.warning{{border-left:4px solid var(--ink);color:inherit}}
.diagnosis li p{{margin:.15rem 0}}
.diagnosis table{{display:block;overflow-x:auto;max-width:100%;width:max-content}}
.diagnosis td:nth-child(n+4),.diagnosis th:nth-child(n+4){{text-align:right}}
.pairs{{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.1rem 2rem;
margin:1rem 0;font-size:.92rem}}
.pairs div{{display:flex;justify-content:space-between;gap:1rem;
border-bottom:1px solid color-mix(in srgb,var(--line) 35%,transparent);padding:.2rem 0}}
.pairs dt{{color:var(--muted)}}
.pairs dd{{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}}
code,pre{{font-family:ui-monospace,'SF Mono','DejaVu Sans Mono','Noto Sans Mono CJK KR',monospace;
font-size:.82em}}
.code{{margin:1rem 0;padding:1rem 1.2rem;background:var(--local-bg);border-radius:6px;
overflow:auto;max-height:34rem;line-height:1.5;font-size:.8rem;tab-size:4;
word-break:normal}}
.code.wide{{width:100%;max-width:min(100%,56rem)}}
.code code{{font-size:inherit}}
.code i{{font-style:normal;color:var(--muted)}}
.code:focus-visible{{outline:2px solid var(--value);outline-offset:2px}}
footer{{margin-top:4rem;color:var(--muted);font-size:.85rem}}
@media (max-width:40rem){{html{{font-size:16px}}body{{padding-top:2rem}}h1{{font-size:2rem}}}}
@page{{size:A4;margin:18mm 16mm}}
@media print{{
html{{font-size:10.5pt;background:none}}
body{{padding:0}}
main{{display:block}}
main>section{{display:block}}
nav{{display:none}}
h2{{break-after:avoid;margin-top:2.2rem}}
figure,tr,.key,.pairs div{{break-inside:avoid}}
.code{{max-height:none;overflow:visible;white-space:pre-wrap;font-size:7.5pt;
border:1px solid var(--line);background:none}}
.scroll,.wide{{overflow:visible}}
.wide{{max-width:100%}}
svg{{max-height:240mm}}
.gg-figure .gg-source,.gg-figure .gg-side,.gg-figure .gg-panel{{display:none}}
}}
"""


@dataclass(frozen=True)
class Section:
    """A heading with an address, and what stands below it."""

    key: str
    title: str
    body: str


def document(
    title: str, head: str, sections: Sequence[Section], foot: str, *, assets: str = ""
) -> str:
    """The whole file; no script but those of `assets` may run."""
    links = [element("a", {"href": f"#{s.key}"}, words(s.title)) for s in sections]
    body = [head, element("nav", {"aria-label": title}, "\n".join(links))]
    for section in sections:
        heading = element("h2", {"id": section.key}, words(section.title))
        body.append(element("section", {"aria-labelledby": section.key}, heading, section.body))
    page = element("main", {}, *body, element("footer", {}, foot))
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{language()}">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy(assets)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            element("title", {}, words(title)),
            element("style", {}, css()),
            "</head>",
            element("body", {}, page, assets),
            "</html>\n",
        ]
    )


def policy(assets: str = "") -> str:
    """Nothing is fetched; styles are inline, images embedded, scripts known by their hash."""
    digests = [hashlib.sha256(text.encode()).digest() for text in _SCRIPT.findall(assets)]
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    rules = ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"]
    rules += [f"script-src {' '.join(dict.fromkeys(allowed))}"] if allowed else []
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def css() -> str:
    """The style of the page and of the charts on it."""
    light, dark = (";".join(f"--{n}:{c}" for n, c in set_.items()) for set_ in (LIGHT, DARK))
    return "\n".join(
        [
            f":root{{color-scheme:light dark;{light}}}",
            f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}",
            f':root[data-theme="light"]{{color-scheme:light;{light}}}',
            f':root[data-theme="dark"]{{color-scheme:dark;{dark}}}',
            f"@media print{{:root,:root[data-theme]{{color-scheme:light;{light}}}}}",
            _BASE.strip(),
            chart_css(),
        ]
    )
