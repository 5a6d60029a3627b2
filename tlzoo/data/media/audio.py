"""Sounds: stored inputs are decoded to samples, and rendered samples become data sets.

Audio columns are ``Audio(decode=False)``, so that no FFmpeg of the system's is needed: soundfile decodes, or PyAV what
soundfile does not know, such as the m4a of telephones; soxr resamples.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
import pyarrow as pa
import soundfile
import soxr
from datasets import Audio, ClassLabel, Dataset, Features, NamedSplit, Value
from numpy.typing import NDArray

from tlzoo.data.media.containers import container_of
from tlzoo.data.media.limits import limits
from tlzoo.data.media.stored import Stored, opened
from tlzoo.errors import InputError

_BLOCK = 1 << 18
"""Samples, over all channels, that are decoded at once."""
_UNKNOWN = 1 << 62
"""Minimum number of frames that libsndfile reports if the header does not have the length."""
CONTAINERS = ("aac", "asf", "matroska", "webm", "mov", "mp4", "m4a", "3gp", "flv", "mpegts")
"""Formats of containers whose sound PyAV reads, by FFmpeg's names."""
FLOATS = ("FLOAT", "DOUBLE")
"""Kinds of samples that may be beyond 1."""
OVERSHOOT = 1.5
"""Peak of floats up to which they are clipped, as resampling and lossy coding overshoot a little."""
FULL_SCALE = 32_768.0
"""Of floats that hold integers of 16 bits."""


class Clip(NamedTuple):
    """One labelled, rendered sound.

    Attributes:
        samples: In [-1, 1], float32 of shape ``(samples,)``.
        label: Index of the class.
        group: Name of the unit that must not be in two splits, such as the voice.
        id: A unique name.
    """

    samples: NDArray[np.float32]
    label: int
    group: str
    id: str


def decode(source: Stored, sample_rate: int) -> NDArray[np.float32]:
    """Decode a sound.

    Args:
        source: A stored sound.
        sample_rate: Of the result, in Hz.

    Returns:
        Mono samples in [-1, 1], float32 of shape ``(samples,)``: channels are averaged, other rates are resampled.
        Floats far beyond 1 are scaled: by the full scale of 16 bits where they are integers of it, else by their peak.

    Raises:
        InputError: The sound cannot be read, has no samples, or has more than ``tlzoo.data.media.limits`` allows.
    """
    try:
        samples, rate = _read(source)
        if rate != sample_rate:
            samples = soxr.resample(samples, rate, sample_rate, quality="HQ")
            if not len(samples):
                raise ValueError(f"too short to resample from {rate} to {sample_rate} Hz")
    except ValueError as error:
        raise _named(source, error) from error
    return np.clip(samples, -1.0, 1.0, out=samples)


def check(source: Stored) -> str | None:
    """Try to read every frame of a sound.

    Args:
        source: As for :func:`decode`.

    Returns:
        The reason why it cannot be decoded, in one line without its name; ``None`` if it can.
    """
    try:
        with _opened(source) as file:
            for _ in _blocks(file):
                pass
    except ValueError as error:
        return str(error)
    return None


def check_size(source: Stored) -> None:
    """Check the size in the header of a file, without decoding it.

    Raises:
        InputError: As for :func:`decode`.
    """
    try:
        with _opened(source):
            pass
    except ValueError as error:
        raise _named(source, error) from error


def extent(source: Stored) -> float | None:
    """Length in the header of a file, in seconds; None where it has none.

    Raises:
        InputError: As for :func:`decode`.
    """
    try:
        with _opened(source) as file:
            return file.frames / file.samplerate if file.frames < _UNKNOWN else None
    except ValueError as error:
        raise _named(source, error) from error


def is_silent(source: Stored) -> bool:
    """Whether all samples of a readable sound are equal."""
    samples, _ = _read(source)
    return bool((samples == samples[0]).all())


def encode_wav(samples: NDArray[np.float32], rate: int) -> bytes:
    """Write a sound as a WAV file of 16-bit samples.

    Args:
        samples: Floats of shape ``(samples,)``; values outside of [-1, 1] are clipped.
        rate: Samples a second.

    Returns:
        The bytes of the file; :func:`decode` returns the samples to within 1/65536.
    """
    pcm = np.clip(np.round(np.asarray(samples) * 32768), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, pcm, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def add_noise(
    samples: NDArray[np.float32], snr: float, generator: np.random.Generator, *, pink: bool = False
) -> NDArray[np.float32]:
    """Add background noise.

    Args:
        samples: Floats of shape ``(samples,)``.
        snr: Power of the samples over that of the noise, in dB.
        generator: Source of the noise.
        pink: Whether its power falls with frequency, by 3 dB an octave, instead of being white.

    Returns:
        The sum, float32 of shape ``(samples,)``.
    """
    noise = generator.standard_normal(1 << len(samples).bit_length())  # a power of two is quick to transform
    if pink:
        spectrum = np.fft.rfft(noise)
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)))
    noise = noise[: len(samples)]
    level = np.sqrt(np.mean(np.square(samples)) / np.mean(np.square(noise)) / 10 ** (snr / 10))
    return np.asarray(samples + level * noise, np.float32)


def labelled_clips(clips: Iterable[Clip], names: Sequence[str], sample_rate: int, split: str) -> Dataset:
    """Build a data set from rendered sounds.

    Args:
        clips: The rows.
        names: Names of the classes.
        sample_rate: Of all clips, in Hz.
        split: Name of the split.

    Returns:
        Rows of ``audio`` (WAV bytes, not decoded), ``label``, ``group`` and ``id``.
    """
    features = Features(
        audio=Audio(sampling_rate=sample_rate, decode=False),
        label=ClassLabel(names=list(names)),
        group=Value("string"),
        id=Value("string"),
    )
    rows = [
        {
            "audio": {"bytes": encode_wav(clip.samples, sample_rate), "path": f"{clip.id}.wav"},
            "label": clip.label,
            "group": clip.group,
            "id": clip.id,
        }
        for clip in clips
    ]
    # not Dataset.from_list, which requires torchcodec
    return Dataset(pa.Table.from_pylist(rows, schema=features.arrow_schema), split=NamedSplit(split))


def _named(source: Stored, error: ValueError) -> InputError:
    return InputError(f"{source.get('path') or 'sound without a path'}: {error}")


class _Stream(soundfile.SoundFile):  # type: ignore[misc]
    """A sound that is read from its beginning to the end of its samples, whatever its header says.

    In a seekable file, soundfile seeks to the current position after each block: that changes samples of MP3, and
    fails at the end of a sound whose header does not have the length.
    """

    def seekable(self) -> bool:
        return False


@contextmanager
def _opened(source: Stored) -> Iterator[Any]:
    """Open a sound whose header is within the limits; failures in the block become a ``ValueError``."""
    try:
        with opened(source) as stored:
            if not stored.read(1):
                raise ValueError("an empty file")
            stored.seek(0)
            with _file(stored) as file:
                _check_size(file, file.frames if file.frames < _UNKNOWN else 0)
                yield file
    except (av.FFmpegError, OSError) as error:  # some of the former are the latter too
        raise ValueError(f"not readable: {error.strerror}") from error
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not readable as audio: {error.error_string.strip()}") from error


def _file(stored: BinaryIO) -> _Stream | _Sound:
    """The file as soundfile reads it, else as PyAV does."""
    try:
        return _Stream(stored)
    except soundfile.LibsndfileError:
        stored.seek(0)
        try:
            return _Sound(container_of(stored, CONTAINERS))
        except (ValueError, av.FFmpegError):
            pass  # the first failure says what it is
        raise


class _Sound:
    """The sound in a container, read as ``soundfile.SoundFile`` reads one; its length is not known before its end.

    Attributes:
        samplerate: Of the file, Hz.
        channels: Their number.
        frames: More than any sound has.
        subtype: As for soundfile: samples are floats, but as they were coded.
    """

    frames, subtype = _UNKNOWN, ""

    def __init__(self, container: Any) -> None:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:
            container.close()
            raise ValueError("no sound in it that can be decoded")
        stream = container.streams.audio[0]
        self.samplerate, self.channels = stream.rate, stream.channels
        self._container, self._left = container, np.empty((0, self.channels), np.float32)
        self._resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
        self._frames = container.decode(audio=0)

    def __enter__(self) -> _Sound:
        return self

    def __exit__(self, *raised: object) -> None:
        self._container.close()

    def read(self, count: int, **given: object) -> NDArray[np.float32]:
        """The next samples, ``(samples, channels)``, no more than ``count``; none at the end."""
        while len(self._left) < count and (frame := next(self._frames, None)) is not None:
            parts = [part.to_ndarray().T for part in self._resampler.resample(frame)]
            self._left = np.concatenate([self._left, *parts])
        block, self._left = self._left[:count], self._left[count:]
        return block


def _check_size(file: Any, frames: int) -> None:
    """Check the number of frames of a sound."""
    limit, seconds, samples = limits(), frames / file.samplerate, frames * file.channels
    if seconds > limit.seconds:
        raise ValueError(f"{seconds:,.0f} seconds; the limit is {limit.seconds:,}")
    if samples > limit.samples:
        raise ValueError(f"{samples:,} samples in {file.channels} channels; the limit is {limit.samples:,} in all")


def _blocks(file: Any) -> Iterator[NDArray[np.float32]]:
    """Mono samples of a sound, block by block; their number may differ from that in the header."""
    frames = 0
    while len(block := file.read(_BLOCK // file.channels, dtype="float32", always_2d=True)):
        frames += len(block)
        _check_size(file, frames)
        mono = block.mean(axis=1)
        if not np.isfinite(mono).all():
            raise ValueError("not readable as audio: some samples are not finite numbers")
        yield mono
    if not frames:
        raise ValueError("no samples")


def _read(source: Stored) -> tuple[NDArray[np.float32], int]:
    """Read all frames: mono float32 of shape ``(samples,)``, and the sample rate of the file in Hz.

    Raises:
        ValueError: The sound cannot be read.
    """
    with _opened(source) as file:
        samples, end = np.empty(min(file.frames, _BLOCK), np.float32), 0
        for block in _blocks(file):
            if end + len(block) > len(samples):
                samples.resize(max(2 * len(samples), end + len(block)), refcheck=False)
            samples[end : end + len(block)] = block
            end += len(block)
        return _scaled(samples[:end], file.subtype), file.samplerate


def _scaled(samples: NDArray[np.float32], subtype: str) -> NDArray[np.float32]:
    """Samples, of which floats far beyond 1 are brought to [-1, 1]."""
    peak = float(np.abs(samples).max(initial=0)) if subtype in FLOATS else 0
    if peak <= OVERSHOOT:
        return samples
    return samples / np.float32(FULL_SCALE if 256 < peak <= FULL_SCALE else peak)
