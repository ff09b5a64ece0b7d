"""What `glassgrad train` does: data, network, gradient check, training, scores, run directory.

Layer L11.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassgrad.cli.config_file import write_config
from glassgrad.cli.defaults import defaults_for
from glassgrad.cli.lessons import (
    BOOK_TOLERANCE,
    BookLog,
    book_check,
    book_text,
    is_book_network,
    xor_text,
)
from glassgrad.cli.network import (
    check_network,
    layer_rows,
    layer_table,
    report_data,
    report_table,
)
from glassgrad.cli.problem import Problem, canonical, open_problem
from glassgrad.cli.run_folder import RunFolder, RunInfo, earlier_run, new_folder, rows_of
from glassgrad.cli.scores import confusion_text, scores_data, scores_text
from glassgrad.cli.settings import Settings
from glassgrad.cli.terminal import Output
from glassgrad.cli.trained import Scores, score
from glassgrad.cli.training import Setup, held_out_scores, set_up, train
from glassgrad.errors import DataError, OptionError
from glassgrad.io import save
from glassgrad.text import say
from glassgrad.train import Callback, History


@dataclass(frozen=True, eq=False)
class Job:
    """A run that is ready: its settings in full, its data, its network."""

    settings: Settings
    problem: Problem
    setup: Setup
    name: str
    with_report: bool = True

    @property
    def is_xor(self) -> bool:
        return self.name == "xor"


# --- starting and going on ---------------------------------------------------------------


def start_run(settings: Settings, output: Output, *, with_report: bool = True) -> int:
    """A new run, in a directory of its own, which is taken away if training never began."""
    job = replace(_prepared(settings, output), with_report=with_report)
    stem = canonical(settings.dataset or "") or Path(settings.dataset or "").stem
    folder = new_folder(settings.out, settings.name, stem)
    try:
        with folder.locked():
            return _run_in(folder, job, output)
    except BaseException:
        if not folder.has_begun():
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def _run_in(folder: RunFolder, job: Job, output: Output) -> int:
    facts = _introduce(job, output)
    folds = _cross_validate(job, output)
    write_config(folder.config, replace(job.settings, name=None, out=None))
    info = _info(job, folds)
    folder.write_info(info)
    if info.plan is not None and job.problem.table is not None:
        _keep_test_rows(folder, job)
    return _train(job, folder, info, facts, output, resume=False)


def resume_run(
    name: str,
    config: Path | None,
    chosen: Settings,
    refuse_changes: Callable[[Settings, Settings], None],
    output: Output,
    *,
    with_report: bool = True,
) -> int:
    """Go on with a run from its newest checkpoint."""
    folder = (
        RunFolder(config.parent)
        if config is not None
        else earlier_run(chosen.out, chosen.name, canonical(name) or Path(name).stem)
    )
    stored = folder.settings()
    refuse_changes(chosen, stored)
    info = folder.read_info()
    settings = replace(chosen, name=None, out=None, dataset=None).over(stored)
    with folder.locked():
        job = replace(_prepared(settings, output), with_report=with_report)
        _refuse_longer(settings, stored)
        if job.setup.part.plan != info.plan:
            problem = say("{path} has changed since the run began", path=info.source)
            raise DataError(problem, operation=str(folder.path))
        output.note(say("going on with {path}", path=folder.path))
        facts = _introduce(job, output)
        write_config(folder.config, job.settings)
        return _train(job, folder, info, facts, output, resume=True)


def _refuse_longer(settings: Settings, stored: Settings) -> None:
    """A rate that was planned for the length of the run leaves nothing for a longer one."""
    is_as_long = (settings.epochs, settings.steps) == (stored.epochs, stored.steps)
    if is_as_long or stored.schedule in (None, "constant", "plateau"):
        return
    problem = say("the schedule {name} was planned for the run's length", name=stored.schedule)
    hint = say("start a new run, with --schedule constant if it is to be lengthened later")
    raise OptionError(problem, operation="--epochs", hint=hint)


def _prepared(settings: Settings, output: Output) -> Job:
    """Everything that can be refused is refused here, before a file is written."""
    if settings.canon and settings.folds:
        raise OptionError(say("--canon and --folds are both given"))
    problem = open_problem(settings, output)
    name = canonical(settings.dataset or "")
    full = settings.over(defaults_for(settings, name, problem.dataset))
    # A run is gone on with from any folder, so its files are kept by their whole paths.
    if not name:
        full = replace(full, dataset=str(Path(settings.dataset or "").expanduser().resolve()))
    if full.data is not None:
        full = replace(full, data=str(Path(full.data).expanduser().resolve()))
    return Job(full, problem, set_up(full, problem.part), name)


# --- what is shown before ----------------------------------------------------------------


def _introduce(job: Job, output: Output) -> dict[str, Any]:
    """Print the data, the layers and the gradient check; the same as facts for programs."""
    dataset = job.problem.dataset
    output.report(_data_text(job))
    for line in job.problem.reports:
        output.note(line)
    rows = layer_rows(job.setup.model, job.setup.features)
    output.report("\n" + layer_table(rows) + "\n")
    facts: dict[str, Any] = {
        "dataset": dataset.name,
        "task": dataset.task,
        "classes": list(dataset.class_names),
        "rows": {
            "train": len(dataset),
            "test": 0 if dataset.test is None else len(dataset.test[0]),
        },
        "settings": job.settings.chosen(),
        "layers": [vars(row) for row in rows],
        "parameters": sum(row.parameters for row in rows),
    }
    is_fine, facts["gradient_check"] = _gradient_check(job, output)
    if not is_fine:
        output.note(say("the gradients differ from numerical ones: please report this network"))
    return facts


def _gradient_check(job: Job, output: Output) -> tuple[bool, dict[str, Any]]:
    if job.settings.canon and is_book_network(job.setup):
        rows = book_check(job.setup)
        output.report(book_text(rows) + "\n")
        is_fine = max(row.difference for row in rows) <= BOOK_TOLERANCE
        return is_fine, {"ok": is_fine, "rows": [vars(row) for row in rows]}
    dataset = job.problem.dataset
    report = check_network(job.setup.model, job.setup.head, dataset.train_X, dataset.train_y)
    title = say("gradient check: derived against numerical, in float64")
    output.report(f"{title}\n{report_table(report)}\n")
    return bool(report), report_data(report)


def _data_text(job: Job) -> str:
    dataset = job.problem.dataset
    test = 0 if dataset.test is None else len(dataset.test[0])
    rows = say("{n:,} rows", n=len(dataset))
    if test:
        rows = say("{n:,} rows for training, {m:,} for testing", n=len(dataset), m=test)
    features = say("{n} features", n=job.setup.features)
    if job.setup.head.classes:
        task = say("classification, {n} classes", n=job.setup.head.classes)
    else:
        task = say("regression of {target}", target=", ".join(dataset.target_names))
    return f"{dataset.name}: {rows}, {features}; {task}"


# --- cross-validation --------------------------------------------------------------------


def _cross_validate(job: Job, output: Output) -> dict[str, Any]:
    """Train and test on each fold; the scores of each, and their mean and spread, printed too."""
    count = job.settings.folds
    if not count:
        return {}
    found: list[Scores] = []
    for number, part in enumerate(job.problem.folds(count, job.settings), start=1):
        setup = set_up(job.settings, part)
        train(setup, progress=_progress(output))
        scores = held_out_scores(setup)
        assert scores is not None  # a fold always has a held-out part
        found.append(scores)
        place = say("fold {i} of {n}", i=number, n=count)
        output.report(f"{place}: {scores_text(scores)}")
    output.result(_mean_text(found))
    matrices = [scores.confusion for scores in found if scores.confusion is not None]
    if matrices:
        total = Scores(sum(s.rows for s in found), found[0].values, sum(matrices[1:], matrices[0]))
        output.result(confusion_text(total, job.problem.dataset.class_names))
    return {
        "folds": [scores_data(scores) for scores in found],
        "folds_mean": {name: pair[0] for name, pair in _spread(found).items()},
        "folds_deviation": {name: pair[1] for name, pair in _spread(found).items()},
    }


def _spread(found: list[Scores]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each score."""
    columns = {name: np.array([s.values[name] for s in found]) for name in found[0].values}
    return {name: (float(x.mean()), float(x.std(ddof=1))) for name, x in columns.items()}


def _mean_text(found: list[Scores]) -> str:
    parts = [
        f"{_score_name(name)} {mean:.4f} ± {deviation:.4f}"
        for name, (mean, deviation) in _spread(found).items()
    ]
    title = say("cross-validation of {n} folds, mean ± standard deviation", n=len(found))
    return f"{title}: {', '.join(parts)}"


def _score_name(name: str) -> str:
    if name == "accuracy":
        return say("accuracy")
    return "R²" if name == "r2" else say("mean absolute error")


# --- training and what it leaves ---------------------------------------------------------


def _train(
    job: Job,
    folder: RunFolder,
    info: RunInfo,
    facts: dict[str, Any],
    output: Output,
    *,
    resume: bool,
) -> int:
    began = time.perf_counter()
    callbacks: tuple[Callback, ...] = ()
    if job.settings.canon:
        callbacks = (BookLog(job.setup, output),)
    try:
        history = train(
            job.setup, folder=folder, resume=resume, callbacks=callbacks, progress=_progress(output)
        )
    except BaseException:
        if folder.has_begun():
            output.note(say("go on: glassgrad train {path} --resume", path=folder.path))
        raise
    seconds = time.perf_counter() - began
    save(job.setup.model, folder.path)
    result = {**info.result, **_result(job, history, seconds)}
    info = replace(info, result=result)
    folder.write_info(info)
    _report(job, history, seconds, result, output)
    output.note(say("written: {path}", path=folder.path))
    _write_report(job, folder, info, history, output)
    output.data({"run": str(folder.path), **facts, **result})
    return 0 if facts["gradient_check"]["ok"] else 1


def _write_report(
    job: Job, folder: RunFolder, info: RunInfo, history: History, output: Output
) -> None:
    """report.html; the trained model is saved by now, so no fault here may end the run."""
    if not job.with_report:
        return
    from glassgrad.cli.report_material import material_of  # noqa: PLC0415 - 20 ms
    from glassgrad.report import write_report  # noqa: PLC0415

    columns = {name: history[name] for name in history.columns}
    setup = job.setup
    try:
        material = material_of(folder, info, job.settings, setup.model, setup.part, columns)
        write_report(material, folder.report)
    except Exception as error:
        reason = str(error).partition("\n")[0] or repr(error)
        output.note(say("the report could not be written: {reason}", reason=reason))
        return
    output.note(say("report: {path}", path=folder.report))


def _result(job: Job, history: History, seconds: float) -> dict[str, Any]:
    """What the run found, for run.json and for programs."""
    scores = held_out_scores(job.setup)
    X, y = job.problem.dataset.train
    plan = job.setup.part.plan
    scale = 1.0 if plan is None else plan.target_scale
    trained = score(job.setup.head, job.setup.model.predict(X), y, scale)
    last = history.last
    found: dict[str, Any] = {
        "epochs": int(last.get("epoch", 0)),
        "steps": int(last.get("step", 0)),
        "stopped": history.stopped,
        "backend": history.backend,
        "seconds": round(seconds, 3),
        "train": scores_data(trained),
    }
    if scores is not None:
        found["test"] = scores_data(scores)
    if job.is_xor:
        found["outputs"] = job.setup.model.predict(X).tolist()
    return found


def _report(
    job: Job, history: History, seconds: float, result: dict[str, Any], output: Output
) -> None:
    counts = say("{steps:,} steps in {epochs:,} epochs", **_counts(result))
    machinery = {"native": say("native code"), "numpy": "NumPy"}.get(history.backend, "")
    where = f"{machinery}, " if machinery else ""
    output.report(f"{counts}, {where}{seconds:.1f} s ({_reason(history.stopped)})")
    if history.reason:
        told = say(
            "training natively is several times faster, but: {reason}", reason=history.reason
        )
        output.note(told)
    classes = job.problem.dataset.class_names
    output.report(f"{say('training part')}: {scores_text(_scores(result['train']))}")
    if "test" in result:
        scores = _scores(result["test"])
        output.result(f"{say('test part')}: {scores_text(scores)}")
        if scores.confusion is not None:
            output.report("\n" + confusion_text(scores, classes))
    if job.is_xor:
        output.result("\n" + xor_text(job.setup))


def _counts(result: dict[str, Any]) -> dict[str, Any]:
    return {"steps": result["steps"], "epochs": result["epochs"]}


def _scores(data: dict[str, Any]) -> Scores:
    values = {k: v for k, v in data.items() if k not in ("rows", "confusion")}
    confusion = data.get("confusion")
    return Scores(data["rows"], values, None if confusion is None else np.asarray(confusion))


def _reason(stopped: str) -> str:
    if stopped == "early stopping":
        return say("stopped early: the validation loss no longer improves")
    if stopped == "until":
        return say("the goal is reached")
    return say("all done")


def _progress(output: Output) -> bool | str:
    return False if output.quiet else "auto"


def _info(job: Job, result: dict[str, Any]) -> RunInfo:
    dataset = job.problem.dataset
    return RunInfo(
        dataset=job.name or dataset.name,
        source="" if job.name else job.settings.dataset or "",
        task=dataset.task,
        classes=dataset.class_names,
        features=job.setup.features,
        scale=float(dataset.scale),
        image_shape=dataset.image_shape or (),
        loss=job.setup.head.loss,
        plan=job.setup.part.plan,
        result=result,
    )


def _keep_test_rows(folder: RunFolder, job: Job) -> None:
    table, plan = job.problem.table, job.setup.part.plan
    assert table is not None
    assert plan is not None
    if table.test_rows is not None:
        folder.write_test(rows_of(table, table.test_rows), plan)
