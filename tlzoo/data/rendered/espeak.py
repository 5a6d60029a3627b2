"""Rendered English speech: a small ctypes binding of eSpeak NG, as the package ``espeakng-loader`` ships it.

:func:`render` is a pure function: the same arguments give the same samples, in any order and in any process. The
library itself is not like that: it keeps pitch flutter, gain control and random numbers from one utterance to the next.
So each call loads it afresh and unloads it afterwards, over a private data folder that holds nothing but English: 2 ms.
"""

from __future__ import annotations

import _ctypes
import ctypes
import functools
import importlib.util
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tlzoo.errors import InputError, UnavailableError, unknown

SAMPLE_RATE = 22050
"""Hz, of everything that is rendered."""

ACCENTS = {
    "en-us": "en-US",
    "en-gb": "en",
    "en-gb-scotland": "en-GB-scotland",
    "en-gb-x-rp": "en-GB-x-rp",
    "en-gb-x-gbclan": "en-GB-x-gbclan",
    "en-gb-x-gbcwmd": "en-GB-x-gbcwmd",
    "en-029": "en-029",
    "en-us-nyc": "en-US-nyc",
}
"""The accents of English, and the file of each below ``lang/gmw`` of eSpeak's data."""

EXCLUDED = frozenset(
    {
        # whispers: no pitch at all
        *("whisper", "whisperf"),
        # their breath comes from the C library's rand(), which belongs to the whole process
        *("Reed", "caleb"),
        # caricatures: formants 45 % up (digits learnt from other voices: 33 % right); an echo louder than the voice
        *("zac", "Demonic"),
        # heard before: the plain voice, adam, klatt4, klatt, benjamin, michel, Gene, robosoft2, Diogo (twice), anika.
        # Mean log power spectra of 13 words differ by less than 0.4 nepers (rms); two voices taken at random, by 2.4
        *("fast", "klatt6", "klatt5", "klatt2", "edward2", "miguel", "Gene2", "robosoft3", "Henrique", "Hugo"),
        "anikaRobot",
    }
)
"""Variants that are not used, by how they sound."""

# speak_lib.h
_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_POS_CHARACTER, _CHARS_UTF8 = 1, 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_lock = threading.Lock()

_LIBRARY = {"win32": "espeak-ng.dll", "darwin": "libespeak-ng.dylib"}.get(sys.platform, "libespeak-ng.so")
if sys.platform == "win32":
    _unload = _ctypes.FreeLibrary
else:
    _unload = _ctypes.dlclose


def variants() -> list[str]:
    """Name the voices that can speak every accent.

    Returns:
        Variant names, sorted, without those of :data:`EXCLUDED`.

    Raises:
        UnavailableError: eSpeak NG is not installed.
    """
    return sorted(set(_every_variant()) - EXCLUDED)


def render(
    text: str, voice: str = "en-us+f3", *, speed: int = 160, pitch: int = 50, intonation: int = 50, volume: int = 100
) -> NDArray[np.float32]:
    """Speak a text.

    Args:
        text: English, in plain characters: no SSML, no phonemes.
        voice: An accent of :data:`ACCENTS`, or an accent and a variant of :func:`variants` joined by ``+``.
        speed: Words a minute, 80 to 450.
        pitch: On the voice's own scale, 0 to 100.
        intonation: How far the pitch moves, 0 (monotone) to 100.
        volume: Per cent, 0 to 100.

    Returns:
        Samples in [-1, 1], float32 of shape ``(samples,)``, at :data:`SAMPLE_RATE`.

    Raises:
        InputError: There is no such voice, or a value is out of its range.
        UnavailableError: eSpeak NG is not installed, or cannot be loaded.
    """
    accent, plus, variant = voice.partition("+")
    if accent not in ACCENTS:
        raise unknown("accent", accent, ACCENTS, f"voice {voice!r}")
    if plus and variant not in _every_variant():  # eSpeak itself would quietly speak without it
        raise unknown("variant", variant, variants(), f"voice {voice!r}")
    settings = {
        "speed": (_RATE, speed, 80, 450),
        "pitch": (_PITCH, pitch, 0, 100),
        "intonation": (_RANGE, intonation, 0, 100),
        "volume": (_VOLUME, volume, 0, 100),
    }
    for name, (_, value, low, high) in settings.items():
        if not low <= value <= high:
            raise InputError(f"voice {voice!r}: {name} is {value}; expected {low} to {high}")

    chunks: list[NDArray[np.int16]] = []

    def collect(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if samples and count:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _Callback(collect)  # lives as long as eSpeak may call it
    spoken = text.encode() + b"\0"
    with _lock, _fresh_library() as espeak:
        espeak.espeak_SetSynthCallback(callback)
        espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))
        if espeak.espeak_SetVoiceByName(voice.encode()):
            raise UnavailableError(f"eSpeak NG: voice {voice!r} cannot be loaded")
        for parameter, value, _, _ in settings.values():
            espeak.espeak_SetParameter(parameter, value, 0)
        size = ctypes.c_size_t(len(spoken))
        if espeak.espeak_Synth(spoken, size, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None):
            raise UnavailableError(f"eSpeak NG: {voice!r} cannot speak {text!r}")
    samples = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
    return samples.astype(np.float32) / np.float32(32768)


@contextmanager
def _fresh_library() -> Iterator[ctypes.CDLL]:
    """Load and initialise the library for one utterance, and unload it with all that it remembers."""
    try:
        data = _english().name
        espeak = ctypes.CDLL(str(_package() / _LIBRARY))
    except OSError as error:
        raise UnavailableError(f"eSpeak NG cannot be loaded: {error}") from error
    try:
        rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)
        if rate != SAMPLE_RATE:
            raise UnavailableError(f"eSpeak NG cannot be initialised with the data in {data} (it answers {rate})")
        try:
            yield espeak
        finally:
            espeak.espeak_Terminate()
    finally:
        _unload(espeak._handle)


@functools.cache
def _english() -> tempfile.TemporaryDirectory[str]:
    """Copy the English part of eSpeak's data, 2 MB, to a folder that lasts as long as the process.

    In the whole folder a voice is found by reading some 240 files, twice the time of speaking a word. Here each accent
    lies under the very name it is asked by. Also, eSpeak takes no path longer than 160 characters.
    """
    source = _package() / "espeak-ng-data"
    folder = tempfile.TemporaryDirectory(prefix="tlzoo-espeak-")
    for name in ("phondata", "phonindex", "phontab", "intonations", "en_dict"):
        shutil.copy(source / name, folder.name)
    shutil.copytree(source / "voices", Path(folder.name, "voices"))
    Path(folder.name, "lang").mkdir()
    for accent, name in ACCENTS.items():
        shutil.copy(source / "lang" / "gmw" / name, Path(folder.name, "lang", accent))
    return folder


@functools.cache
def _every_variant() -> frozenset[str]:
    return frozenset(path.name for path in (_package() / "espeak-ng-data" / "voices" / "!v").iterdir())


@functools.cache
def _package() -> Path:
    """Find the package that ships the library and its data, without importing it."""
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or spec.origin is None:
        raise UnavailableError("eSpeak NG is not installed: pip install espeakng-loader==0.2.4")
    return Path(spec.origin).parent
