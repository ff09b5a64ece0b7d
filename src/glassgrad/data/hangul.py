"""Hangul syllables taken apart into their letters (jamo) and put together again, without loss.

Layer L8. Letters are Unicode's conjoining ones (U+1100 …); ㅋㅋ and other letters that stand alone
are left as they are. It knows no vocabulary.
"""

from __future__ import annotations

import re
from functools import cache

# The Unicode Standard, 3.12: syllable = 0xAC00 + (lead · 21 + vowel) · 28 + tail, tail 0 is none.
_SYLLABLE, _LEAD, _VOWEL, _TAIL = 0xAC00, 0x1100, 0x1161, 0x11A7
_LEADS, _VOWELS, _TAILS = 19, 21, 28
_BLOCK = re.compile("([\u1100-\u1112])([\u1161-\u1175])([\u11a8-\u11c2]?)")
_ESCAPED = re.compile("\x1b(.)|" + _BLOCK.pattern, re.DOTALL)

ESCAPE = "\x1b"  # stands before a letter that was one already, and before itself


def to_jamo(text: str) -> str:
    """Every syllable as two or three letters; `from_jamo` gives any text back as it was.

    >>> [f"{ord(letter):04X}" for letter in to_jamo("한")]
    ['1112', '1161', '11AB']
    >>> from_jamo(to_jamo("영화 최고 ㅋㅋ")) == "영화 최고 ㅋㅋ"
    True
    """
    return text.translate(_letters())


def from_jamo(text: str) -> str:
    """Letters that make a syllable as that syllable; others, such as a lone vowel, as they are."""
    return _ESCAPED.sub(
        lambda found: found[1] if found[1] is not None else _syllable(found[2], found[3], found[4]),
        text,
    )


def join_letters(text: str) -> str:
    """Text with its conjoining letters joined to syllables, as Unicode's form NFC has them."""
    return _BLOCK.sub(lambda found: _syllable(found[1], found[2], found[3]), text)


def _syllable(lead: str, vowel: str, tail: str) -> str:
    pair = (ord(lead) - _LEAD) * _VOWELS + ord(vowel) - _VOWEL
    return chr(_SYLLABLE + pair * _TAILS + (ord(tail) - _TAIL if tail else 0))


@cache
def _letters() -> dict[int, str]:
    """What each character becomes that does not stay as it is."""
    table = {ord(ESCAPE): ESCAPE * 2}
    for first, count in ((_LEAD, _LEADS), (_VOWEL, _VOWELS), (_TAIL + 1, _TAILS - 1)):
        table |= {first + i: ESCAPE + chr(first + i) for i in range(count)}
    for number in range(_LEADS * _VOWELS * _TAILS):
        pair, tail = divmod(number, _TAILS)
        lead, vowel = divmod(pair, _VOWELS)
        letters = chr(_LEAD + lead) + chr(_VOWEL + vowel)
        table[_SYLLABLE + number] = letters + (chr(_TAIL + tail) if tail else "")
    return table
