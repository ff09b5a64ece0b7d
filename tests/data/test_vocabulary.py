"""Texts as numbers and back: four units, Korean letters without loss, files of a closed schema."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.data import Vocabulary, from_jamo, hashed_ngrams, read_text, to_jamo
from glassgrad.data.texts import read_reviews
from glassgrad.errors import DataError, DataWarning, DtypeError, FileFormatError, OptionError

# Any text, and much of what could be mistaken: letters that conjoin, ESCAPE, syllables.
TEXTS = st.text(st.sampled_from("가각힣ᄀ하ᅵᆨᇂ\x1bㅋa \n\ud800") | st.characters(), max_size=12)


# --- letters -----------------------------------------------------------------------------


@given(TEXTS)
def test_letters_give_every_text_back(text: str) -> None:
    assert from_jamo(to_jamo(text)) == text


def test_letters_are_unicodes_own() -> None:
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert to_jamo(syllables) == unicodedata.normalize("NFD", syllables)
    assert from_jamo(unicodedata.normalize("NFD", syllables)) == syllables


def test_what_makes_no_syllable_stays() -> None:
    assert from_jamo("ᅡᄀᆨ") == "ᅡᄀᆨ"
    assert from_jamo("ᄀ\x1b") == "ᄀ\x1b"


# --- numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["character", "byte", "syllable", "jamo"])
def test_known_text_comes_back(unit: str) -> None:
    text = "이 영화, 정말 최고!\nㅋㅋㅋ 10점 👍"
    vocabulary = Vocabulary.of([text, "값"], unit)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert 0 <= ids.min() <= ids.max() < len(vocabulary)
    assert vocabulary.decode(ids) == text


@given(st.text(max_size=20))
def test_bytes_know_every_text(text: str) -> None:
    vocabulary = Vocabulary("byte")
    assert len(vocabulary) == 256
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_syllables_join_letters_that_come_apart() -> None:
    apart = unicodedata.normalize("NFD", "한글")
    assert Vocabulary.of("한글", "syllable").encode(apart).size == 2
    assert Vocabulary.of(apart, "character").encode(apart).size == 6


def test_frequent_symbols_are_kept() -> None:
    vocabulary = Vocabulary.of("aaabbc", most=2)
    assert vocabulary.symbols == "ab"
    assert vocabulary.encode("abc").tolist() == [1, 2, 0]
    assert vocabulary.decode([0, 1]) == "\ufffda"
    assert Vocabulary.of("aaabbc", least=3).symbols == "a"
    assert Vocabulary.of("ab", unknown=True).encode("z").tolist() == [0]


def test_unknown_symbols_are_named() -> None:
    with pytest.raises(DataError, match=r"'z' at position 1 is not in the vocabulary"):
        Vocabulary.of("ab").encode("azz")
    with pytest.raises(DataError, match=r"id 2 is outside the 2 symbols"):
        Vocabulary.of("ab").decode([2])
    with pytest.raises(DtypeError, match="indices must be integers"):
        Vocabulary.of("ab").decode([0.5])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unit": "word"}, "unknown unit of text 'word'"),
        ({"least": 0}, "keep nothing"),
        ({"most": 0}, "keep nothing"),
        ({"least": 9}, "no symbols to keep"),
    ],
)
def test_wrong_options(options: dict, words: str) -> None:
    with pytest.raises((OptionError, DataError), match=words):
        Vocabulary.of("abc", **options)


def test_a_file_gives_an_equal_vocabulary(tmp_path) -> None:
    for vocabulary in (Vocabulary.of("한글 \ud800", "jamo", unknown=True), Vocabulary("byte")):
        assert Vocabulary.load(vocabulary.save(tmp_path / "v.json")) == vocabulary


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "word"},
        {"symbols": "aa"},
        {"symbols": ""},
        {"symbols": ["a"]},
        {"unknown": 1},
        {"version": 2},
        {"more": 1},
    ],
)
def test_damaged_files_are_refused(change: dict) -> None:
    fields = json.loads(Vocabulary.of("abc").to_json()) | change
    with pytest.raises(FileFormatError):
        Vocabulary.from_json(json.dumps(fields))


# --- n-grams and files -------------------------------------------------------------------


def _by_hand(text: str, sizes: tuple[int, ...], buckets: int) -> list[int]:
    """FNV-1a with Python's integers, one n-gram after the other."""
    found: list[int] = []
    for n in sizes:
        for i in range(len(text) - n + 1):
            value = (0xCBF29CE484222325 ^ n) * 0x100000001B3 % 2**64
            for character in text[i : i + n]:
                value = (value ^ ord(character)) * 0x100000001B3 % 2**64
            value ^= value >> 32
            number = 1 + value % (buckets - 1)
            found += [] if number in found else [number]
    return found


def test_ngrams_are_those_by_hand() -> None:
    texts = ["", "영화 영화", "a", "좋아요 좋아요!!"]
    rows = hashed_ngrams(texts, (3, 1), buckets=1000)
    for text, row in zip(texts, rows, strict=True):
        expected = _by_hand(f" {text} ", (1, 3), 1000)
        assert row.tolist() == expected + [0] * (rows.shape[1] - len(expected))
    np.testing.assert_array_equal(hashed_ngrams(texts, (1, 3), buckets=1000, length=2), rows[:, :2])
    assert hashed_ngrams(["a"], (9,)).shape == (1, 0)
    with pytest.raises(OptionError, match="length is -1"):
        hashed_ngrams(texts, length=-1)


def test_a_text_file_says_what_it_is_in(tmp_path) -> None:
    place = tmp_path / "a.txt"
    place.write_bytes("\ufeff한글".encode())
    assert read_text(place) == "한글"
    place.write_bytes("한글 가나다".encode("cp949"))
    with pytest.warns(DataWarning):
        assert read_text(place) == "한글 가나다"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("document\tlabel\n", "first line"),
        ("id\tdocument\tlabel\n1\tgood\t2\n", "line 2"),
        ("id\tdocument\tlabel\n1\tgood\t1\n2\tbad\n", "line 3"),
        ("id\tdocument\tlabel\n", "no rows"),
    ],
)
def test_damaged_reviews_are_refused(tmp_path, content: str, words: str) -> None:
    place = tmp_path / "r.txt"
    place.write_text(content, encoding="utf-8")
    with pytest.raises((FileFormatError, DataError), match=words):
        read_reviews(place)


@pytest.mark.shared("data/nsmc-subset/ratings_train_subset.txt")
def test_reviews_of_the_shared_folder(shared_data) -> None:
    from glassgrad.data import nsmc

    reviews = nsmc(shared_data)
    assert (len(reviews.train_texts), len(reviews.test_texts)) == (40_000, 10_000)
    assert (reviews.train_y.sum(), reviews.test_y.sum()) == (20_000, 5_000)
    assert reviews.train_texts[1] == "가슴아프군.."
