import io

import av
import numpy as np
import pytest
import soundfile

from tests.support.prepared import refused
from tlzoo.data.media import video
from tlzoo.data.media.audio import Clip, add_noise, check, decode, encode_wav, labelled_clips
from tlzoo.errors import InputError

RATE = 22050


def sine(hertz: float, rate: int = RATE, seconds: float = 0.5) -> np.ndarray:
    """A sine at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def written(samples: np.ndarray, rate: int = RATE, **how: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **how)
    return file.getvalue()


def stored(data: bytes | None, path: str | None = "x.wav") -> dict:
    return {"bytes": data, "path": path}


def test_wav_gives_samples_back_and_clips_without_wrapping():
    samples = decode(stored(encode_wav(sine(440), RATE)), RATE)
    assert samples.dtype == np.float32
    assert samples.shape == (RATE // 2,)
    assert np.abs(samples - sine(440)).max() <= 1 / 65536 + 1e-7
    assert encode_wav(samples, RATE) == encode_wav(sine(440), RATE)
    clipped = decode(stored(encode_wav(np.array([2.0, -2.0, 1.0, -1.0]), RATE)), RATE)
    assert clipped == pytest.approx([1, -1, 1, -1], abs=1e-4)
    assert decode(stored(written(3 * sine(440), format="WAV", subtype="FLOAT")), RATE).max() == 1.0
    assert check(stored(GOOD)) is None


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 192_000])
def test_other_rates_are_resampled(rate):
    samples = decode(stored(written(sine(440, rate), rate, format="WAV")), 16000)
    assert abs(len(samples) - 8000) <= 1
    middle = slice(500, 7500)
    assert np.abs(samples[middle] - sine(440, 16000)[middle]).max() < 1e-3


def test_what_lies_above_half_the_rate_does_not_fold():
    samples = decode(stored(encode_wav(sine(10000, 44100), 44100)), 16000)
    assert np.abs(samples[500:-500]).max() < 1e-3


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(channels):
    voices = np.stack([sine(200 * (i + 1)) for i in range(channels)], axis=1)
    samples = decode(stored(written(voices, format="WAV", subtype="FLOAT")), RATE)
    assert np.abs(samples - voices.mean(axis=1)).max() < 1e-6


@pytest.mark.parametrize("how", [{"format": "FLAC"}, {"format": "OGG"}, {"format": "MP3"}])
def test_compressed_formats(how):
    samples = decode(stored(written(sine(440), **how)), RATE)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * RATE / len(samples) == pytest.approx(440, abs=3)


def test_bytes_come_before_the_path(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encode_wav(sine(440), RATE))
    assert len(decode(stored(None, str(path)), RATE)) == RATE // 2
    assert len(decode(stored(encode_wav(sine(440)[:100], RATE), str(path)), RATE)) == 100


GOOD = encode_wav(sine(440), RATE)
BROKEN = {
    "text": (b"not a sound at all", "not readable as audio"),
    "empty": (b"", "an empty file"),
    "header": (GOOD[:44], "no samples"),
    "cut": (written(sine(440), format="FLAC")[:300], "not readable as audio"),
    "nan": (written(np.full(9, np.nan, np.float32), format="WAV", subtype="FLOAT"), "not finite numbers"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_read_is_named(kind, tmp_path):
    data, reason = BROKEN[kind]
    path = tmp_path / "take1.wav"
    path.write_bytes(data)
    for source in (stored(data, "take1.wav"), stored(None, str(path))):
        with refused(rf"take1\.wav: .*{reason}"):
            decode(source, RATE)
        why = check(source)
        assert why is not None and reason in why and "take1" not in why


def test_what_is_not_there_or_too_short_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.wav: not readable: No such file"):
        decode(stored(None, str(tmp_path / "gone.wav")), RATE)
    assert "directory" in check(stored(None, str(tmp_path)))
    assert check(stored(None, None)) == "neither bytes nor a path"
    with pytest.raises(InputError, match="too short to resample from 48000 to 16000 Hz"):
        decode(stored(encode_wav(sine(440)[:1], 48000)), 16000)


@pytest.mark.parametrize("pink", [False, True])
@pytest.mark.parametrize("snr", [5, 30])
def test_noise_is_as_loud_as_asked(snr, pink):
    clean = sine(440, seconds=2)
    noise = add_noise(clean, snr, np.random.default_rng(0), pink=pink) - clean
    assert 10 * np.log10(np.mean(clean**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.01)


def test_pink_noise_falls_by_3_db_an_octave():
    silence = np.full(1 << 17, 1e-3, np.float32)
    noise = add_noise(silence, 0, np.random.default_rng(0), pink=True) - silence
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [power[1 << k : 2 << k].mean() for k in range(8, 15)]
    assert np.diff(10 * np.log10(octaves)).mean() == pytest.approx(-3.01, abs=0.2)


def test_labelled_clips():
    clips = [Clip(sine(200 + i), i % 2, f"voice{i}", f"set/{i}") for i in range(3)]
    rows = labelled_clips(clips, ["a", "b"], RATE, "train")
    assert rows.features["audio"].decode is False
    assert rows.features["label"].names == ["a", "b"]
    assert rows["label"][:] == [0, 1, 0]
    assert rows["group"][:] == ["voice0", "voice1", "voice2"]
    assert rows[1]["audio"]["path"] == "set/1.wav"
    assert decode(rows[1]["audio"], RATE) == pytest.approx(sine(201), abs=1e-4)
    assert len(labelled_clips([], ["a"], RATE, "test")) == 0


@pytest.mark.parametrize(("form", "codec"), [("mp4", "aac"), ("adts", "aac"), ("webm", "libopus")])
def test_sounds_of_telephones_are_read(form, codec):
    rate = 48_000
    given = sine(440, rate, 1.0)
    data = coded(given, rate, form, codec)
    assert check(stored(data, "x.m4a")) is None
    samples = decode(stored(data, "x.m4a"), rate)
    assert 0.95 * rate < len(samples) < 1.15 * rate
    middle = samples[rate // 4 : rate // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.fft.rfftfreq(len(middle), 1 / rate)[spectrum.argmax()] == pytest.approx(440, abs=5)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.03)


def coded(samples, rate, form, codec):
    """A sound in a container, two channels."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), format="fltp", layout="stereo")
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, rate, frame_size=stream.frame_size or 960)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def test_a_video_without_sound_is_no_sound():
    with refused("not readable as audio"):
        decode(stored(video.encode(np.zeros((4, 16, 16, 3), np.uint8), 8), "x.mp4"), RATE)


@pytest.mark.parametrize(("scale", "peak"), [(32768, 0.5), (3.2, 1.0), (2.0, 1.0), (1.2, 0.6)])
def test_floats_far_beyond_one_are_scaled_not_clipped(scale, peak):
    samples = decode(stored(written(scale * sine(440), format="WAV", subtype="FLOAT")), RATE)
    assert np.abs(samples).max() == pytest.approx(peak, abs=0.01)
    assert np.corrcoef(samples, sine(440))[0, 1] > 0.9999


def test_a_sound_under_the_name_of_another_format_is_read():
    samples = decode(stored(coded(sine(440, 48_000, 1.0), 48_000, "adts", "aac"), "renamed.wav"), 48_000)
    assert np.abs(samples).max() > 0.4
