import json
from pathlib import Path

from tlzoo.core.predictions import Transcript, Word
from tlzoo.data.rendered.spoken_numbers import spoken_numbers
from tlzoo.draw import DrawingFolder, renderer_for
from tlzoo.draw.transcript import TranscriptRenderer
from tlzoo.run.finetune import finetune
from tlzoo.run.predict import open_model, predict

WORDS = [Word("four", 0.21, 0.5), Word("two", 0.55, 0.8), Word("seven", 3601.5, 3602.0)]
NOTHING = Transcript("", [])


def test_words_become_cues_cut_at_pauses(tmp_path: Path) -> None:
    drawn = DrawingFolder("audio", tmp_path).draw(Path("speech.wav"), Transcript("four two seven", WORDS))
    assert drawn == tmp_path / "speech.vtt" and TranscriptRenderer().was_written_by_tlzoo(drawn)
    blocks = drawn.read_text().split("\n\n")
    assert blocks[0] == "WEBVTT" and blocks[1] == "NOTE tlzoo"
    assert blocks[2] == "00:00:00.210 --> 00:00:00.800\nfour two"
    assert blocks[3] == "01:00:01.500 --> 01:00:02.000\nseven\n"


def test_nothing_heard_is_a_file_without_cues_and_somebody_elses_file_stays(tmp_path: Path) -> None:
    drawn = DrawingFolder("audio", tmp_path).draw(Path("a.wav"), NOTHING)
    assert drawn is not None and drawn.read_text() == "WEBVTT\n\nNOTE tlzoo\n"
    (tmp_path / "b.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nmine\n")
    drawn = DrawingFolder("audio", tmp_path).draw(Path("b.wav"), NOTHING)
    assert drawn == tmp_path / "b-2.vtt" and "mine" in (tmp_path / "b.vtt").read_text()


def test_a_sheet_shows_right_and_wrong_ones(tmp_path: Path) -> None:
    rows = spoken_numbers(sizes=(1, 1, 3))["test"]
    heard = [Transcript(rows[0]["text"], []), NOTHING, Transcript("one|", [])]
    renderer = renderer_for(heard[0], "audio")
    assert renderer is not None and renderer.sheet_suffix == ".md"
    renderer.contact_sheet(rows, heard, [True, False, False], tmp_path / "sheet.md")
    lines = (tmp_path / "sheet.md").read_text().splitlines()
    assert f"| right | {rows[0]['text']} | {rows[0]['text']} | {rows[0]['id']} |" in lines
    assert f"| wrong | {rows[1]['text']} | (nothing) | {rows[1]['id']} |" in lines
    assert any("| one/ |" in line for line in lines)
    assert lines[-1] == "1 of 3 transcripts are right in every word."


def test_from_a_persons_own_folder_to_subtitles(tmp_path: Path) -> None:
    rows = spoken_numbers(sizes=(12, 1, 1))["train"]
    lines = ["file_name,text"]
    for i, row in enumerate(rows):
        (tmp_path / f"{i}.wav").write_bytes(row["audio"]["bytes"])
        lines.append(f"{i}.wav,{row['text'].upper()}.")
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    told: list[str] = []
    out = tmp_path / "model"
    arguments = {"strategy": "scratch", "weights": "none", "variant": "nano", "progress": False, "say": told.append}
    done = finetune("wav2vec", "speech-recognition", str(tmp_path), out, **arguments)  # type: ignore[arg-type]
    assert done.metric == "wer" and 0 <= done.low <= done.value <= done.high
    model = open_model(str(out))
    assert " " in model.task.labels and set(model.task.labels) <= set("abcdefghijklmnopqrstuvwxyz ")  # type: ignore
    (tmp_path / "bad.wav").touch()
    paths = [tmp_path / "0.wav", tmp_path / "bad.wav", tmp_path / "1.wav"]
    first, bad, second = (predicted.to_json() for predicted in predict(model, paths, draw=tmp_path / "drawn"))
    assert "an empty file" in bad["error"] and "words" not in bad
    assert Path(first["drawn"]).read_text().startswith("WEBVTT\n\nNOTE tlzoo\n")
    alone = [predicted.to_json() for predicted in predict(model, paths, batch_size=1)]
    assert [json.dumps(a["words"]) for a in (alone[0], alone[2])] == [json.dumps(f["words"]) for f in (first, second)]
