"""Goes through a student's values in their own order and finds the first that is wrong, and how.

Layer L9. What the student did so far is kept as hooks on the right backward pass: once a mistake is
explained, everything behind it is judged by what follows from it, so that one mistake is counted
once. A value that differs but after which everything is right was only called by another's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.activations import activations
from glassgrad.diagnose.grading.answers import Answers
from glassgrad.diagnose.grading.changes import Change, constants
from glassgrad.diagnose.grading.items import (
    FOLLOWS,
    OTHER,
    RIGHT,
    WRONG,
    Finding,
    Item,
    items_of,
)
from glassgrad.diagnose.grading.lesson import Hook, Lesson, Values, scale_of
from glassgrad.diagnose.grading.numbers import (
    array,
    multiple,
    relative_error,
    tolerance_of,
    worst_element,
)
from glassgrad.diagnose.grading.search import Search
from glassgrad.diagnose.grading.single import constant
from glassgrad.diagnose.grading.watch import Version, Watch
from glassgrad.graph.ir import Var

_FLOOR = 1e-7  # of the largest gradient: what is smaller is what cancellation left
TINY = 1e-4  # a mismatch below this that comes of a constant is shown, not counted


class Judge:
    """Judges the items of one submission."""

    def __init__(
        self,
        lesson: Lesson,
        answers: Answers,
        watch: Watch,
        constant_left_out: Change | None = None,
    ) -> None:
        self.lesson = lesson
        self.watch = watch
        self.is_update = answers.is_update
        self.hooks: dict[Var, list[Hook]] = {}
        self.truth = lesson.run({})
        self.values: dict[Var, Any] = dict(self.truth)
        self.right: dict[Var, Any] = self.truth  # with the harmless differences that were found
        self.floor = _FLOOR * scale_of(lesson, self.truth)
        self.activations = activations(lesson)
        self.search = Search(lesson, self.activations)
        self.order = {v: i for i, e in enumerate(lesson.joint.eqns) for v in e.outputs}
        self.items = list(items_of(lesson, answers, watch))
        self._orient(answers)
        self.items.sort(key=self._moment)
        self.walk = tuple(self.items)  # `items` gets those that the search finds by their numbers
        self.findings: list[Finding] = []
        if constant_left_out is not None:
            self._accept(constant_left_out)

    # --- what is judged ------------------------------------------------------------------

    def _orient(self, answers: Answers) -> None:
        """Whoever adds the update keeps minus the gradient on the way: y - output."""
        if not answers.is_update:
            return
        inner = [item for item in self.items if item.role == "inner"]
        votes = {}
        for sign in (1.0, -1.0):
            for item in inner:
                item.sign = sign
            votes[sign] = sum(self.match(item, self.truth) is not None for item in inner)
        for item in inner:
            item.sign = -1.0 if votes[-1.0] > votes[1.0] else 1.0

    def _moment(self, item: Item) -> tuple[int, int]:
        depth = min((self.order.get(ref, -1) for ref in item.refs), default=0)
        return item.time, depth

    # --- comparing -----------------------------------------------------------------------

    def match(self, item: Item, values: Values) -> int | None:
        """The newest version of an item that agrees with one of its references."""
        for i in reversed(range(len(item.versions))):
            if any(self._agrees(item, item.versions[i][0], values[ref]) for ref in item.refs):
                return i
        if not item.refs and not np.any(item.value):
            return len(item.versions) - 1
        return None

    def _agrees(self, item: Item, found: Any, wanted: Any) -> bool:
        if np.shape(found) != np.shape(wanted):
            return False
        error = relative_error(item.sign * array(found), wanted, self._floor_of(item))
        scale = max(np.abs(array(wanted)).max(initial=0), self.floor)
        return bool(error <= tolerance_of(found) or error * scale <= item.slack)

    def _floor_of(self, item: Item) -> float:
        return 0.0 if item.role == "value" else self.floor

    def agreeing(self, items: Iterable[Item], values: Values) -> int:
        """How many items agree; one that counts weighs more than all that do not."""
        return sum(
            1000 if item.counts else 1 for item in items if self.match(item, values) is not None
        )

    # --- the walk ------------------------------------------------------------------------

    @property
    def unexplained(self) -> int:
        return sum(finding.kind == "unexplained" for finding in self.findings)

    def run(self) -> list[Finding]:
        """The mistakes, in the student's order; each item gets its verdict."""
        with np.errstate(all="ignore"):
            return self._run()

    def _run(self) -> list[Finding]:
        if all(self.match(i, self.truth) is not None for i in self.items if i.counts):
            self._all_right()
            return self.findings
        for number, item in enumerate(self.walk):
            place = self.match(item, self.values)
            if place is None:
                self._explain(number, item)
            else:
                self._settle(item, place)
        return self.findings

    def _all_right(self) -> None:
        for item in self.items:
            place = self.match(item, self.truth)
            item.verdict = RIGHT if place is not None else OTHER
            item.chosen = place if place is not None else -1
            item.error = self._error(item, self.truth)

    def _settle(self, item: Item, place: int) -> None:
        item.chosen = place
        known = any(self.match(item, v) is not None for v in (self.truth, self.right))
        item.verdict = RIGHT if known else FOLLOWS
        item.error = self._error(item, self.truth)
        if not known and self.findings:
            item.finding = self.findings[-1]

    def _error(self, item: Item, values: Values) -> float:
        errors = [
            relative_error(item.sign * array(item.value), values[ref], self._floor_of(item))
            for ref in item.refs
        ]
        return min(errors, default=float(np.any(item.value)))

    def _explain(self, number: int, item: Item) -> None:
        later = self.walk[number + 1 :]
        item.error = self._error(item, self.values)
        if not self._is_finite(item):
            item.verdict = WRONG
            self._note(Finding("not-finite", item, None, self._facts(item)))
            return
        ignored = self.agreeing(later, self.values)
        best = self._best(number, item)
        if best is not None and (item.counts or best[0] > ignored):
            self._adopt(item, best[1], best[2])
            return
        if not item.counts:
            own = self._own(number, item, ignored)
            item.verdict = OTHER
            if own is not None:
                self._adopt(item, *own)
            return
        item.verdict = WRONG
        self._note(Finding("unexplained", item, None, self._facts(item)))

    def _is_finite(self, item: Item) -> bool:
        """False if no version of a value is finite, though it should be."""
        wanted = all(np.isfinite(array(self.values[ref])).all() for ref in item.refs)
        return not wanted or any(np.isfinite(array(value)).all() for value, _ in item.versions)

    def _best(self, number: int, item: Item) -> tuple[int, Change, dict[Var, Any]] | None:
        """The change that explains this item, spoils none before, and explains most behind it."""
        before = [i for i in self.walk[:number] if i.verdict in (RIGHT, FOLLOWS)]
        later = self.walk[number + 1 :]
        best: tuple[tuple[int, int], Change, dict[Var, Any]] | None = None
        for change in self.search.changes(item, self.values):
            if best is not None and best[0][0] == self._most(later) and change.rank >= -best[0][1]:
                continue
            for tried, values in self.search.tried(change, item, self.values, self.hooks):
                if self.match(item, values) is None:
                    continue
                if any(self.match(i, values) is None for i in before):
                    continue
                key = self.agreeing(later, values), -tried.rank
                if best is None or key > best[0]:
                    best = key, tried, values
        return None if best is None else (best[0][0], best[1], best[2])

    def _most(self, items: Sequence[Item]) -> int:
        return sum(1000 if item.counts else 1 for item in items)

    def _own(self, number: int, item: Item, ignored: int) -> tuple[Change, dict[Var, Any]] | None:
        """The student's own value, where what follows is right if one starts from it."""
        later = self.walk[number + 1 :]
        best: tuple[int, Change, dict[Var, Any]] | None = None
        for ref in item.refs:
            for value, _ in item.versions:
                if np.shape(value) != np.shape(self.values[ref]):
                    continue
                given = item.sign * array(value)
                kind = "forward" if item.role == "value" else "unexplained"
                change = Change(kind, ref, constant(given), rank=90)
                values = self.search.outcome(change, self.values, self.hooks)
                count = 0 if values is None else self.agreeing(later, values)
                if values is not None and count > max(ignored, best[0] if best else -1):
                    best = count, change, values
        return None if best is None else (best[1], best[2])

    def _adopt(self, item: Item, change: Change, values: dict[Var, Any]) -> None:
        is_uphill = self.is_update and self._is_uphill(change, values)
        earlier = None if is_uphill else self._earlier(item, change, values)
        blamed = earlier or (None if is_uphill else self._unnamed(item, values)) or item
        place = self.match(blamed, values)
        blamed.chosen = place if place is not None else blamed.chosen
        blamed.error = self._error(blamed, self.truth)
        facts = {**self._facts(blamed), **change.facts}
        kind = "uphill" if is_uphill else self._kind(blamed, change, facts)
        is_tiny = kind == "kink" or (kind == "epsilon" and blamed.error < TINY)
        if is_tiny:
            self._accept(change)
        else:
            self._hook(change)
        self.values = values
        self._note(Finding(kind, blamed, change, facts, is_tiny))
        blamed.verdict = RIGHT if is_tiny else WRONG
        if item is not blamed:
            place = self.match(item, values)
            assert place is not None
            self._settle(item, place)

    def _hook(self, change: Change) -> None:
        for var, hook in change.hooks():
            self.hooks.setdefault(var, []).append(hook)

    def _accept(self, change: Change) -> None:
        """A harmless difference: what agrees with it is right."""
        right = self.search.outcome(change, self.right, {})
        self.right = self.right if right is None else right
        if not self.hooks:
            self.values = dict(self.right)
        self._hook(change)

    def _is_uphill(self, change: Change, values: Values) -> bool:
        """Whether every step is right but for its sign."""
        counted = [item for item in self.walk if item.counts]
        turned = all(self._near(-array(item.value), self.truth[item.refs[0]]) for item in counted)
        return turned and all(self.match(item, values) is not None for item in counted)

    def _unnamed(self, item: Item, values: Values) -> Item | None:
        """The variable of any name that holds what the change made of a gradient.

        The first that holds nothing right; else the last, such as the `dh` whose mask is missing.
        """
        every = [v for v in dict.fromkeys(self.lesson.gradients.values()) if v.shape]
        touched = [
            var
            for var in every
            if var not in item.flows and not self._near(values[var], self.values[var])
        ]
        known = {other.name for other in self.items} | set(self.lesson.arguments)
        spoiled: list[Item] = []
        unchanged: list[Item] = []
        for word, versions in self.watch.versions.items():
            for version in versions if word not in known else ():
                found = self._holding(word, version, touched, values)
                if found is None or version.time >= item.time:
                    continue
                was_right = self._holding(word, version, every, self.values) is not None
                (unchanged if was_right else spoiled).append(found)
        if not spoiled and not unchanged:
            return None
        first = min(spoiled, key=_time) if spoiled else max(unchanged, key=_time)
        self.items.insert(self.items.index(item), first)
        return first

    def _holding(
        self, word: str, version: Version, touched: Sequence[Var], values: Values
    ) -> Item | None:
        for var in touched:
            for sign in (1.0, -1.0):
                if self._near(sign * array(version.value), values[var]):
                    pairs = [(version.value, version)]
                    return Item(word, word, "inner", pairs, (var,), (var,), sign=sign)
        return None

    def _earlier(self, item: Item, change: Change, values: Values) -> Item | None:
        """The variable that the mistake shows in first: it was right and was then spoiled."""
        for other in self.items:
            if other is item:
                break
            spoiled = change.at in (*other.refs, *other.flows) and other.role == "inner"
            if spoiled and other.verdict == RIGHT and self.match(other, values) is not None:
                return other
        return None

    def _kind(self, item: Item, change: Change, facts: Mapping[str, Any]) -> str:
        """The kind of a change, told apart by what the student's variables held before."""
        versions = [version.value for version in self.watch.versions.get(item.name, ())]
        if change.kind == "branch-missing" and isinstance(facts["value"], Var):
            lost = array(self.values[facts["value"]])
            if any(np.shape(v) == lost.shape and self._near(v, lost) for v in versions[:-1]):
                return "branch-overwritten"
        if change.kind == "wrong-upstream":
            own = self.watch.versions.get(str(facts["name"]), ())
            other = array(self.values[facts["other"]])
            if len(own) > 1 and self._near(own[-1].value, other):
                return "overwritten"
        if change.kind == "scaled" and abs(facts["k"] + 1) < 1e-6:  # noqa: PLR2004 - it is -1
            return "sign"
        return "sign" if change.kind == "minus" else change.kind

    def _near(self, found: Any, wanted: Any) -> bool:
        return bool(relative_error(found, wanted, self.floor) <= tolerance_of(found))

    def _note(self, finding: Finding) -> None:
        finding.item.finding = finding
        self.findings.append(finding)

    def _facts(self, item: Item) -> dict[str, Any]:
        """The numbers that are told of a wrong value."""
        found = np.asarray(item.value)
        wanted = array(self.truth[item.refs[0]]) if item.refs else np.zeros(found.shape)
        facts: dict[str, Any] = {"found_shape": found.shape, "wanted_shape": wanted.shape}
        if found.shape == wanted.shape:
            given = item.sign * array(found)
            place = worst_element(given, wanted)
            facts |= {
                "element": place,
                "found": float(given[place]),
                "wanted": float(wanted[place]),
            }
            facts["finite"] = bool(np.isfinite(given).all())
            facts["ratio"] = multiple(given, wanted, tolerance_of(found))
        return facts


def judged(lesson: Lesson, answers: Answers, watch: Watch) -> Judge:
    """The judge with its findings.

    Where something stays unexplained, a tiny constant that the student left out may hide the
    mistake: then everything is judged again without it.
    """
    judge = Judge(lesson, answers, watch)
    judge.run()
    for change in constants(lesson):
        if not judge.unexplained:
            break
        other = Judge(lesson, answers, watch, change)
        other.run()
        judge = other if other.unexplained < judge.unexplained else judge
    return judge


def _time(item: Item) -> int:
    return item.time
