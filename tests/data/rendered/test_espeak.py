import ctypes
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tlzoo.data.rendered import espeak
from tlzoo.errors import InputError, UnavailableError

# flutter, roughness, echo and breath (f3), a space in the name, two synthesisers (klatt3, adam), a fast robot
VOICES = ("en-us+f3", "en-gb+Mr serious", "en-029+klatt3", "en-gb-scotland+adam", "en-us-nyc+robosoft5", "en-gb")


def key(samples: np.ndarray) -> str:
    return hashlib.sha256(samples.tobytes()).hexdigest()


def test_a_word_is_rendered_and_text_is_plain():
    samples = espeak.render("seven")
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 0.2 < len(samples) / espeak.SAMPLE_RATE < 1
    assert 0.1 < np.abs(samples).max() <= 1
    assert abs(samples.mean()) < 0.01
    assert len(espeak.render("<b>one</b>")) > len(espeak.render("one"))  # read out, not SSML
    assert len(espeak.render("naïve café")) > 0
    assert not espeak.render("").any()


def test_the_same_call_gives_the_same_samples_in_any_order_and_thread():
    calls = [(word, voice) for voice in VOICES for word in ("zero", "six", "banana")]
    first = {call: key(espeak.render(*call)) for call in calls}
    espeak.render("quite another thing", "en-gb-x-rp+croak", speed=300, pitch=90, intonation=0)
    assert {call: key(espeak.render(*call)) for call in reversed(calls)} == first
    with ThreadPoolExecutor(4) as pool:
        assert [key(samples) for samples in pool.map(lambda call: espeak.render(*call), calls)] == list(first.values())


def test_another_process_gives_the_same_samples():
    code = (
        "import hashlib; from tlzoo.data.rendered import espeak\n"
        f"for v in {VOICES!r}: print(hashlib.sha256(espeak.render('nine', v).tobytes()).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told == [key(espeak.render("nine", voice)) for voice in VOICES]


def test_no_variant_depends_on_the_c_librarys_random_numbers():
    if sys.platform == "win32":
        pytest.skip("the C library is not available by name")
    libc = ctypes.CDLL(None)
    for variant in espeak.variants():
        libc.srand(5)
        first = key(espeak.render("six", f"en-us+{variant}"))
        libc.srand(77)
        assert key(espeak.render("six", f"en-us+{variant}")) == first, variant


def test_every_variant_speaks_unlike_any_other_and_is_not_clipped():
    spoken = {variant: espeak.render("seven", f"en-gb+{variant}", volume=50) for variant in espeak.variants()}
    assert len(spoken) > 80
    for variant, samples in spoken.items():
        assert 0.05 < np.abs(samples).max() < 0.999, variant
        assert 0.15 < len(samples) / espeak.SAMPLE_RATE < 1.5, variant
    assert len({key(samples) for samples in spoken.values()}) == len(spoken)


def test_every_accent_differs_and_excluded_variants_exist():
    said = {accent: key(espeak.render("sister, the water is here", accent)) for accent in espeak.ACCENTS}
    assert len(set(said.values())) == len(espeak.ACCENTS)
    assert set(espeak.variants()).isdisjoint(espeak.EXCLUDED)
    for variant in espeak.EXCLUDED:
        assert len(espeak.render("one", f"en-us+{variant}"))


def fundamental(samples: np.ndarray) -> float:
    """Pitch of a man's vowel, in Hz, by autocorrelation around the loudest sample."""
    loudest = max(int(np.argmax(np.abs(samples))), 1024)
    power = np.abs(np.fft.rfft(samples[loudest - 1024 : loudest + 1024], 8192)) ** 2
    lags = slice(espeak.SAMPLE_RATE // 220, espeak.SAMPLE_RATE // 60)
    return espeak.SAMPLE_RATE / (np.argmax(np.fft.irfft(power)[lags]) + lags.start)


def test_settings_do_what_they_say():
    def say(**settings: int) -> np.ndarray:
        return espeak.render("ah", "en-us+m3", **settings)

    assert len(say(speed=110)) > 1.3 * len(say(speed=230))
    assert fundamental(say(pitch=80)) > 1.2 * fundamental(say(pitch=20))
    assert np.abs(say(volume=50)).max() < 0.7 * np.abs(say(volume=100)).max()
    assert key(say(intonation=0)) != key(say(intonation=100))


@pytest.mark.parametrize(
    ("voice", "told"),
    [
        ("en-uk+f3", "unknown accent 'en-uk'; did you mean 'en-us'?"),
        ("en-us+f33", "unknown variant 'f33'; did you mean 'f3'?"),
        ("en-us+", "unknown variant ''"),
        ("en-us+F3", "unknown variant 'F3'"),
    ],
)
def test_an_unknown_voice_is_not_replaced_by_another(voice, told):
    with pytest.raises(InputError) as caught:
        espeak.render("one", voice)
    assert told in str(caught.value)


@pytest.mark.parametrize("setting", [{"speed": 20}, {"pitch": 101}, {"intonation": -1}, {"volume": 300}])
def test_a_number_out_of_range_is_named(setting):
    with pytest.raises(InputError, match=f"{next(iter(setting))} is {next(iter(setting.values()))}; expected"):
        espeak.render("one", **setting)


def test_a_missing_package_or_library_is_unavailable(tmp_path, monkeypatch):
    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(espeak, "_LIBRARY", str(broken))
    with pytest.raises(UnavailableError, match="eSpeak NG cannot be loaded") as caught:
        espeak.render("one")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    espeak._package.cache_clear()
    espeak._every_variant.cache_clear()
    with pytest.raises(UnavailableError, match="pip install espeakng-loader"):
        espeak.variants()
