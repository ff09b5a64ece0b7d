"""Every message has its Korean twin, in the terms of the glossary and with particles by reading.

`korean_source.py` finds the messages in the source; the tables stand in `glassgrad.korean`.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
from functools import cache

import pytest
from korean_source import CODE, Reading, read, silent_texts, sources

import glassgrad.korean
from glassgrad.korean import TOPICS

TABLES: dict[str, dict[str, str]] = {
    topic: importlib.import_module(f"glassgrad.korean.{topic}").MESSAGES for topic in TOPICS
}
TWINS = {english: korean for table in TABLES.values() for english, korean in table.items()}


@cache
def reading() -> Reading:
    """Read when it is asked for: it takes seconds, and each process of pytest-xdist collects."""
    return read(sources())


# --- twins -------------------------------------------------------------------------------


def test_templates_are_literals() -> None:
    assert [message.place for message in reading().messages if message.template is None] == []


def test_each_message_has_a_twin() -> None:
    spoken = {m.template: m.place for m in reading().messages if m.template is not None}
    assert {template: at for template, at in spoken.items() if template not in TWINS} == {}


def test_each_twin_is_spoken() -> None:
    spoken = {message.template for message in reading().messages}
    orphans = [
        (topic, english) for topic, table in TABLES.items() for english in table.keys() - spoken
    ]
    assert sorted(orphans) == []


def test_no_message_is_translated_twice() -> None:
    seen: dict[str, list[str]] = {}
    for topic, table in TABLES.items():
        for english in table:
            seen.setdefault(english, []).append(topic)
    assert {english: topics for english, topics in seen.items() if len(topics) > 1} == {}


def test_all_tables_are_listed() -> None:
    found = {module.name for module in pkgutil.iter_modules(glassgrad.korean.__path__)}
    assert found == set(TOPICS)


# --- placeholders and particles ----------------------------------------------------------

PARTICLES = {"은/는", "이/가", "을/를", "과/와", "으로/로", "이나/나", "이라/라", "이란/란"}
PARTICLES |= {"이며/며", "이고/고", "이면/면", "이지만/지만", "이라는/라는", "이라고/라고"}
PARTICLES |= {"이어서/여서", "이므로/므로", "이든/든", "이에요/예요", "이었습니다/였습니다"}
_BOTH = re.compile(
    r"[은는이가을를과와]\([은는이가을를과와]\)|\((?:으|이)\)|[은이을과]/[는가를와](?![}])"
)
_BARE = re.compile(r"\}[`'\"]?(?:은|는|이|가|을|를|과|와|으로|로)(?=[\s,.;:)]|$)")


def _fields(template: str) -> set[tuple[str, str]]:
    """(name, format specification) of every placeholder."""
    parsed = string.Formatter().parse(template)
    return {
        (re.split(r"[.\[]", name)[0], specification or "")
        for _, name, specification, _ in parsed
        if name is not None
    }


def particle_faults(english: str, korean: str) -> list[str]:
    """What is wrong with the placeholders and particles of one translation."""
    faults = []
    wanted, given = _fields(english), _fields(korean)
    if {name for name, _ in wanted} != {name for name, _ in given}:
        faults.append("placeholders differ")
    for name, specification in sorted(given - wanted):
        if specification and specification not in PARTICLES:
            faults.append(f"{{{name}:{specification}}} is no particle and not the English format")
    if _BOTH.search(korean):
        faults.append("writes both forms of a particle")
    if _BARE.search(korean):
        faults.append("a particle behind a value is written {name:은/는}, so that it follows it")
    return faults


@pytest.mark.parametrize("topic", TOPICS)
def test_placeholders_and_particles(topic: str) -> None:
    found = {english: particle_faults(english, text) for english, text in TABLES[topic].items()}
    assert {english: faults for english, faults in found.items() if faults} == {}


# --- terms (the glossary's, copied as facts) ---------------------------------------------

# Variants that a reader meets elsewhere, and the one term used here.
FORBIDDEN = {
    r"그라디언트|그레디언트|(?<!\()그래디언트": "기울기",
    "뉴럴": "신경망",
    "백프로퍼게이션|백프롭|오류 ?역전파|역방향 ?전파": "역전파",
    "포워드|순방향 ?전파": "순전파",
    "백워드": "역전파",
    "계산그래프|연산 ?그래프|컴퓨테이션": "계산 그래프",
    "엣지|간선": "에지",
    "연쇄법칙|체인 ?룰": "연쇄 법칙",
    "도함수": "미분",
    "로컬 미분|국소 ?미분|지역 ?미분": "국소적 미분",
    "업스트림": "상류에서 온 기울기",
    "오류 ?신호": "오차",
    "웨이트": "가중치",
    "바이어스": "편향",
    "파라미터|파라메터|파라매터|모수": "매개변수",
    "레이어": "계층",
    "히든|숨은 ?층|은닉 층": "은닉층",
    "활성 ?함수|활성화함수": "활성화 함수",
    "손실함수|비용 ?함수": "손실 함수",
    "교차엔트로피|크로스 ?엔트로피": "교차 엔트로피",
    "학습율|러닝 ?레이트": "학습률",
    "에포크|이포크": "에폭",
    "미니 배치": "미니배치",
    "최적화기": "최적화 기법 (옵티마이저)",
    "경사하강": "경사 하강법",
    "초기값|초기 값": "초깃값",
    "기울기 ?검사|기울기 ?검증|기울기확인": "기울기 확인",
    "수치미분": "수치 미분",
    "기울기소실": "기울기 소실",
    "과적합|과대 적합": "과대적합",
    "가중치감소": "가중치 감소",
    "드롭 아웃|드랍아웃": "드롭아웃",
    "배치정규화": "배치 정규화",
    "컨볼루션|콘볼루션|컨벌루션": "합성곱",
    "원핫|원 핫": "원-핫",
    "정밀도 ?행렬|혼동행렬|오차 ?행렬|혼돈 ?행렬": "혼동 행렬",
    "셰이프|쉐이프|모양": "형상",
    "브로드캐스팅|브로드 캐스트": "브로드캐스트",
    "텐써": "텐서",
    "어레이": "배열",
    "알고리듬": "알고리즘",
}
# A term of an English message, and what its translation must then contain.
TERMS = {
    r"backpropagation|backward pass": "역전파",
    r"forward pass": "순전파",
    r"computational graph": "계산 그래프",
    r"graphs?": "그래프",
    r"chain rule": "연쇄 법칙",
    r"gradients?": "기울기",
    r"derivatives?": "미분",
    r"weights?": "가중치",
    r"bias(?:es)?": "편향",
    r"parameters?": "매개변수",
    r"layers?": "계층|층",
    r"activations?": "활성화",
    r"loss(?:es)?": "손실",
    r"cross-entropy": "교차 엔트로피",
    r"learning rate": "학습률",
    r"epochs?": "에폭",
    r"(?:mini-)?batch(?:es)?": "배치",
    r"optimi[sz]ers?": "최적화 기법|옵티마이저",
    r"initiali[sz](?:ers?|ation)": "초깃값|초기화",
    r"gradient check": "기울기 확인",
    r"dropout": "드롭아웃",
    r"weight decay": "가중치 감소",
    r"one-hot": "원-핫",
    r"accuracy": "정확도",
    r"confusion matrix": "혼동 행렬",
    r"shapes?": "형상",
    r"ax[ei]s": "축",
    r"tensors?": "텐서",
    r"arrays?": "배열",
}


def term_faults(english: str, korean: str) -> list[str]:
    """What is wrong with the words of one translation; code is left out on both sides."""
    faults = []
    for variants, term in FORBIDDEN.items():
        found = re.search(variants, korean)
        if found:
            faults.append(f"{found.group()} -> {term}")
    words = CODE.sub(" ", english)
    for pattern, terms in TERMS.items():
        is_said = re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", words, re.IGNORECASE)
        if is_said and not re.search(terms, korean):
            faults.append(f"{pattern} is {terms}")
    return faults


@pytest.mark.parametrize("topic", TOPICS)
def test_terms_are_the_glossarys(topic: str) -> None:
    found = {english: term_faults(english, text) for english, text in TABLES[topic].items()}
    assert {english: faults for english, faults in found.items() if faults} == {}


@pytest.mark.parametrize("topic", TOPICS)
def test_translations_are_korean(topic: str) -> None:
    is_words = re.compile(r"[A-Za-z]{2,}")
    untranslated = [
        english
        for english, korean in TABLES[topic].items()
        if is_words.search(CODE.sub(" ", english)) and not re.search("[가-힣]", korean)
    ]
    assert untranslated == []


def test_errors_speak_both_languages() -> None:
    assert [place for name, text in sources().items() for place in silent_texts(text, name)] == []


# --- the testers tested ------------------------------------------------------------------


def test_planted_faults_in_source_are_found() -> None:
    source = """from glassgrad.text import say
def refuse(self, what, *, hint):
    raise ShapeError(say(what), hint=say(hint))
refuse("good", hint="well")
refuse(variable, hint=other)
say("left" if x else "right")
say(f"{x}")
"""
    messages = read({"a.py": source}).messages
    assert {m.template for m in messages if m.template} == {"good", "well", "left", "right"}
    unknown = [m.place for m in messages if m.template is None]
    assert sorted(unknown) == ["a.py:5: other", "a.py:5: variable", "a.py:7: f'{x}'"]


@pytest.mark.parametrize(
    ("english", "korean", "fault"),
    [
        ("{a} is bad", "나쁩니다", "placeholders differ"),
        (
            "{a} is bad",
            "{a:을를} 나쁩니다",
            "{a:을를} is no particle",
        ),
        ("{a} is bad", "{a}은(는) 나쁩니다", "writes both forms of a particle"),
        ("{a} is bad", "{a:은/는} 을/를 나쁩니다", "writes both forms of a particle"),
        ("{a} is bad", "`{a}`는 나쁩니다", "a particle behind a value is written"),
        ("{a} to {b}", "{b:은/는} {a}로", "a particle behind a value is written"),
    ],
)
def test_planted_particles_are_found(english: str, korean: str, fault: str) -> None:
    assert [f for f in particle_faults(english, korean) if f.startswith(fault)]


def test_good_particles_pass() -> None:
    assert particle_faults("{a!r} is {b:.3g}", "{a!r:은/는} {b:.3g}입니다") == []
    assert particle_faults("from {a}", "{a}에서는") == []


@pytest.mark.parametrize(
    ("english", "korean", "fault"),
    [
        ("a layer", "레이어", "레이어 -> 계층"),
        ("the gradient", "그래디언트", "그래디언트 -> 기울기"),
        ("the learning rate", "학습 속도", "learning rate is 학습률"),
    ],
)
def test_planted_terms_are_found(english: str, korean: str, fault: str) -> None:
    assert fault in term_faults(english, korean)


def test_code_is_no_term() -> None:
    assert term_faults("write `axis=0` or x.shape, not {shape}", "{shape} 말고 `axis=0`") == []


def test_planted_silence_is_found() -> None:
    source = 'raise ShapeError("two words")\nwarnings.warn(f"no {x} gradient here")\n'
    assert silent_texts(source, "a.py") == ["a.py:1", "a.py:2"]
    spoken = 'raise ShapeError(say("two words"), rule="n == m", hint="python -m pip install x")\n'
    assert silent_texts(spoken, "a.py") == []
