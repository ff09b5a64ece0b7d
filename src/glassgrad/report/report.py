"""The sections of a report in their order; one that fails says so and takes no other with it.

Layer L10.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from glassgrad.errors import GlassgradError
from glassgrad.files import atomic_write
from glassgrad.report import flow, learned, machine, mistakes, training
from glassgrad.report.material import Material
from glassgrad.report.page import Section, document
from glassgrad.report.prose import paragraph, percent, short
from glassgrad.text import say
from glassgrad.view.markup import element, words
from glassgrad.view.page import assets

Build = Callable[[Material], str]
REPORT = "report.html"


def write_report(material: Material, path: Path) -> None:
    """Write the report as the file `path`, as a whole or not at all.

    Raises:    FileAccessError if it cannot be written
    """
    atomic_write(path, report_html(material).encode("utf-8"))


def report_html(material: Material) -> str:
    """The report as one HTML file, in the language of the moment."""
    sections = [
        Section(key, title, _safely(build, material)) for key, title, build in _sections(material)
    ]
    interactive = assets() if any("gg-figure" in section.body for section in sections) else ""
    foot = words(say("Written by glassgrad; the page needs no network and runs no request."))
    return document(material.name, _head(material), sections, foot, assets=interactive)


def _sections(material: Material) -> list[tuple[str, str, Build]]:
    """Key, title and builder of each section that the material has something for."""
    has_rows = material.train is not None
    is_plane = bool(material.classes) and material.width == 2 and has_rows  # noqa: PLR2004
    found: list[tuple[str, str, Build, bool]] = [
        ("trained", say("What was trained"), training.what, True),
        ("curves", say("Learning curves"), training.curves, True),
        ("judged", say("Right and wrong"), mistakes.judged, True),
        ("regions", say("Decision boundary"), learned.regions, is_plane),
        ("weights", say("First layer"), learned.weights, not is_plane),
        ("flow", say("Activations and gradients"), flow.flow, has_rows),
        ("network", say("Network"), machine.network, has_rows),
        ("graph", say("Computational graph"), machine.graph, has_rows),
        ("source", say("Training script"), machine.source, has_rows),
        ("diagnosis", say("Diagnosis"), machine.diagnosis, has_rows),
        ("cost", say("Cost"), machine.cost, has_rows),
        ("reproduce", say("How to repeat it"), machine.reproduce, True),
    ]
    return [(key, title, build) for key, title, build, applies in found if applies]


def _safely(build: Build, material: Material) -> str:
    """A section, or a note of what went wrong: a fault here must not cost anybody the rest."""
    try:
        return build(material)
    except Exception as error:
        reason = error.problem if isinstance(error, GlassgradError) else repr(error)
        told = say("This section could not be made: {reason}", reason=reason)
        return element("p", {"class": "fault"}, words(told))


# --- the head ----------------------------------------------------------------------------


def _head(material: Material) -> str:
    facts = [
        element("div", {}, element("dt", {}, words(name)), element("dd", {}, words(value)))
        for name, value in _facts(material)
    ]
    title = element("h1", {}, words(material.name))
    return title + paragraph(_lead(material), "lead") + element("dl", {"class": "key"}, *facts)


def _lead(material: Material) -> str:
    scores = material.result.get("test") or material.result["train"]
    rows = material.judged_name if "test" in material.result else material.train_name
    if material.classes:
        return say(
            "A network of {parameters:,} parameters that tells {n} classes apart: {share} of "
            "{rows_count:,} {rows} are right.",
            parameters=material.parameters,
            n=len(material.classes),
            share=percent(float(scores["accuracy"])),
            rows_count=int(scores["rows"]),
            rows=rows,
        )
    return say(
        "A network of {parameters:,} parameters that predicts {target}: on {rows_count:,} {rows} "
        "it explains {share} of the variance.",
        parameters=material.parameters,
        target=material.target,
        share=percent(max(float(scores["r2"]), 0.0)),
        rows_count=int(scores["rows"]),
        rows=rows,
    )


def _facts(material: Material) -> list[tuple[str, str]]:
    facts = []
    for part, name in (("test", say("test part")), ("train", say("training part"))):
        scores = material.result.get(part)
        if scores is None:
            continue
        if material.classes:
            facts.append((say("{part}: accuracy", part=name), percent(float(scores["accuracy"]))))
        else:
            facts.append((say("{part}: R²", part=name), short(float(scores["r2"]))))
    facts.append((say("parameters"), f"{material.parameters:,}"))
    facts.append((say("steps"), f"{int(material.result['steps']):,}"))
    facts.append((say("seconds"), short(float(material.result["seconds"]), 2)))
    return facts
