"""WAV files of every width, and log-mel features against their formula by loops."""

from __future__ import annotations

import io
import math
import wave
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from glassgrad.data import log_mel, mel_filters, padded, read_wav
from glassgrad.data.wav import read_recordings
from glassgrad.errors import DataError, FileAccessError, FileFormatError, OptionError, ShapeError


def _wav(samples: np.ndarray, width: int = 2, rate: int = 8000, channels: int = 1) -> bytes:
    """A file of signed numbers in [-1, 1) at `width` bytes each."""
    scaled = np.rint(samples * 2 ** (8 * width - 1)).astype(np.int64)
    raw = scaled + 128 if width == 1 else scaled
    content = b"".join(
        int(v).to_bytes(width, "little", signed=width > 1) for v in raw.reshape(-1).tolist()
    )
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((channels, width, rate, 0, "NONE", ""))
        sound.writeframes(content)
    return stream.getvalue()


# --- files -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width(tmp_path, width: int) -> None:
    samples = np.array([0.0, 0.5, -0.5, -1.0, 1 - 2.0 ** (1 - 8 * width)])
    place = tmp_path / "a.wav"
    place.write_bytes(_wav(samples, width, 16000))
    found, rate = read_wav(place)
    assert (rate, found.dtype) == (16000, np.float32)
    np.testing.assert_allclose(found, samples, rtol=0, atol=1e-7)


@pytest.mark.parametrize("width", [5, 8, 17])
def test_samples_of_other_widths_are_refused(width: int) -> None:
    content = _wav(np.zeros(10), 2)
    changed = content.replace(b"\x02\0\x10\0data", bytes([width, 0, 8 * width, 0]) + b"data")
    assert changed != content
    with pytest.raises(FileFormatError, match=f"samples of {width} bytes"):
        read_wav(changed)


def test_any_damage_to_a_header_is_named_or_harmless() -> None:
    rng, good = np.random.default_rng(0), _wav(np.zeros(30))
    for _ in range(400):
        content = bytearray(good)
        for place in rng.integers(0, 44, 3):
            content[place] = rng.integers(256)
        with suppress(FileFormatError):
            read_wav(bytes(content))


@pytest.mark.parametrize(
    ("local", "central", "value"), [(6, 8, 1), (8, 10, 99), (4, 6, 255), (6, 8, 0x20)]
)
def test_archives_that_cannot_be_read(tmp_path, local: int, central: int, value: int) -> None:
    """Encrypted, packed in an unknown way, of another version, patched."""
    place = tmp_path / "a.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("0_a_1.wav", _wav(np.zeros(5)))
    content = bytearray(place.read_bytes())
    content[local] = content[content.find(b"PK\x01\x02") + central] = value
    place.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"^a\.zip: it is corrupt"):
        read_recordings(place)


def test_channels_are_columns() -> None:
    samples = np.array([[0.0, 0.5], [-0.5, 0.25], [0.125, 0.0]])
    np.testing.assert_array_equal(read_wav(_wav(samples, channels=2))[0], samples)


def test_damaged_files_are_refused(tmp_path) -> None:
    good = _wav(np.zeros(100))
    for content in (
        b"",
        b"RIFF",
        b"RIFX" + good[4:],
        good[:-50],
        good[:30],
        good[:20] + b"\3\0" + good[22:],
    ):
        with pytest.raises(FileFormatError, match=r"^a.wav: "):
            read_wav(content, "a.wav")
    # It declares a gigabyte of sound: refused before any of it is read.
    with pytest.raises(FileFormatError, match="bytes of sound"):
        read_wav(good[:40] + (2**30).to_bytes(4, "little") + good[44:], "a.wav")
    with pytest.raises(FileAccessError):
        read_wav(tmp_path / "none.wav")


def test_an_archive_of_digits(tmp_path) -> None:
    place = tmp_path / "r.zip"

    def write(names: list[str]) -> None:
        with zipfile.ZipFile(place, "w") as archive:
            for i, name in enumerate(names):
                archive.writestr(name, _wav(np.full(5, i / 4)))

    write(["3_ann_1.wav", "3_ann_0.wav"])
    found = read_recordings(place)
    assert [(name, sound[0], rate) for name, sound, rate in found] == [
        ("3_ann_0.wav", 0.25, 8000),
        ("3_ann_1.wav", 0.0, 8000),
    ]
    write(["../3_ann_1.wav"])
    with pytest.raises(FileFormatError, match="no recording of a digit"):
        read_recordings(place)
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(FileFormatError, match="corrupt"):
        read_recordings(place)


@pytest.mark.shared("data/spoken-digits/recordings.zip")
def test_recordings_of_the_shared_folder(shared_data) -> None:
    from glassgrad.data import spoken_digits

    digits = spoken_digits(shared_data)
    assert (len(digits), digits.is_test.sum(), digits.rate) == (3000, 300, 8000)
    assert np.bincount(digits.y).tolist() == [300] * 10
    assert np.bincount(digits.y[digits.is_test]).tolist() == [30] * 10
    assert len(set(digits.speakers)) == 6


# --- features ----------------------------------------------------------------------------


def test_features_by_loops() -> None:
    rate, w, h, m = 1000, 50, 20, 64
    samples = np.random.default_rng(0).normal(size=130)
    found = log_mel(samples, rate, bands=4, window=0.05, hop=0.02, low=30, pre_emphasis=0.9)
    x = [samples[t] - 0.9 * samples[max(t - 1, 0)] for t in range(len(samples))]
    mel = [2595 * math.log10(1 + f / 700) for f in (30, 500)]
    corner = [700 * (10 ** ((mel[0] + (mel[1] - mel[0]) * i / 5) / 2595) - 1) for i in range(6)]
    assert found.shape == (1 + (130 - w) // h, 4)
    for f in range(len(found)):
        part = [x[f * h + t] * 0.5 * (1 - math.cos(2 * math.pi * t / w)) for t in range(w)]
        power = []
        for k in range(m // 2 + 1):
            turn = [2 * math.pi * k * t / m for t in range(w)]
            real = sum(p * math.cos(a) for p, a in zip(part, turn, strict=True))
            imaginary = sum(p * math.sin(a) for p, a in zip(part, turn, strict=True))
            power.append((real**2 + imaginary**2) / w)
        for band in range(4):
            low, top, high = corner[band : band + 3]
            total = 0.0
            for k, value in enumerate(power):
                at = k * rate / m
                total += value * max(0.0, min((at - low) / (top - low), (high - at) / (high - top)))
            assert found[f, band] == pytest.approx(math.log(1e-6 + total), rel=1e-9)


def test_a_tone_is_loudest_in_its_band() -> None:
    rate = 8000
    filters = mel_filters(rate, 256, 20, 20, 4000)
    assert filters.shape == (129, 20)
    for hertz in (300, 1000, 2500):
        tone = np.sin(2 * np.pi * hertz * np.arange(4000) / rate)
        loudest = log_mel(tone, rate, bands=20).mean(axis=0).argmax()
        assert loudest == filters[round(hertz * 256 / rate)].argmax()


def test_short_sounds_and_padding() -> None:
    assert log_mel(np.ones(5), 8000).shape == (1, 40)
    rows = padded([np.ones((2, 3)), np.ones((5, 3))], 4, -1.0)
    assert rows[:, :, 0].tolist() == [[1, 1, -1, -1], [1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: log_mel(np.zeros((5, 2)), 8000), ShapeError),
        (lambda: log_mel(np.zeros(0), 8000), ShapeError),
        (lambda: log_mel(np.array([np.nan]), 8000), DataError),
        (lambda: log_mel(np.zeros(99), 8000, window=0.0001), OptionError),
        (lambda: log_mel(np.zeros(99), 8000, high=5000), OptionError),
        (lambda: log_mel(np.zeros(99), 8000, bands=200), OptionError),
        (lambda: padded([], 3, 0.0), DataError),
    ],
)
def test_wrong_sounds_and_options(call, error) -> None:
    with pytest.raises(error):
        call()
