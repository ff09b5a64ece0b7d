"""The part of `glassgrad doctor` about native code: LLVM, processor, BLAS, workers and cache.

Layer L11.
"""

from __future__ import annotations

from typing import Any

from glassgrad.backends.native import blas, cache, engine
from glassgrad.backends.native.blas_check import fault
from glassgrad.backends.native.cpus import default_workers
from glassgrad.errors import GlassgradError
from glassgrad.text import say

# What people ask about a processor; all features are in `--json`.
_NOTABLE = ("avx512f", "avx2", "fma", "avx", "sse4.2", "sve", "neon")
_MIB = 1 << 20


def native_facts() -> dict[str, Any]:
    """What native code has to work with here; a fault is told in place of the fact."""
    problem = engine.problem()
    return {
        "available": problem is None,
        "problem": problem,
        **(_compiler() if problem is None else {}),
        "workers": _or_fault(default_workers),
        "blas": _or_fault(_blas),
        "cache": _cache(),
    }


def _or_fault(ask: Any) -> Any:
    try:
        return ask()
    except GlassgradError as error:
        return {"problem": error.problem}


def _compiler() -> dict[str, Any]:
    name, features = engine.cpu()
    listed = [word[1:] for word in features.split(",") if word.startswith("+")]
    return {**engine.versions(), "cpu": name, "features": listed}


def _blas() -> dict[str, Any]:
    """The BLAS whose products passed their test; it is tried anew."""
    found = blas.find()
    refused = [{"library": library, "reason": reason} for library, reason in blas.refused()]
    if found is None:
        return {"name": None, "refused": refused}
    return {
        "name": found.name,
        "version": found.version,
        "core": found.core,
        "library": found.path,
        "integers": found.integer_bits,
        "fault": fault(found),
        "refused": refused,
    }


def _cache() -> dict[str, Any]:
    folder = cache.folder()
    if folder is None:
        return {"folder": None, "entries": 0, "bytes": 0, "problem": None}
    entries, size, problem = 0, 0, None
    try:
        entries, size = cache.usage()
    except OSError as error:
        problem = error.strerror or str(error)
    return {"folder": str(folder), "entries": entries, "bytes": size, "problem": problem}


def native_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts for people."""
    return [
        (say("native code"), facts["problem"] or _compiler_text(facts)),
        (say("products"), _blas_text(facts["blas"])),
        (say("workers"), _workers_text(facts["workers"])),
        (say("compiled code"), _cache_text(facts["cache"])),
    ]


def _compiler_text(facts: dict[str, Any]) -> str:
    notable = [name for name in _NOTABLE if name in facts["features"]]
    cpu = " ".join([facts["cpu"], *notable])
    return f"LLVM {facts['llvm']} (llvmlite {facts['llvmlite']}), {cpu}"


def _blas_text(facts: dict[str, Any]) -> str:
    if "problem" in facts:
        return str(facts["problem"])
    if facts["name"] is None:
        return say("no BLAS was found; kernels of our own serve")
    words = [facts["name"], facts["version"], facts["core"]]
    verdict = facts["fault"] or say("ok")
    return f"{' '.join(word for word in words if word)}, {say('self-test')}: {verdict}"


def _workers_text(facts: Any) -> str:
    return str(facts["problem"] if isinstance(facts, dict) else facts)


def _cache_text(facts: dict[str, Any]) -> str:
    if facts["folder"] is None:
        return say("is not kept (GLASSGRAD_CACHE=off)")
    if facts["problem"]:
        return f"{facts['folder']}: {facts['problem']}"
    return say(
        "{folder}: {count} programs, {size:.1f} MiB",
        folder=facts["folder"],
        count=facts["entries"],
        size=facts["bytes"] / _MIB,
    )
