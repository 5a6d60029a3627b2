"""Named entities from a person's files to lines of predictions: fine-tuned, kept, opened again, and asked."""

import json
from pathlib import Path

import pytest

from tlzoo.errors import UnavailableError
from tlzoo.run.finetune import finetune
from tlzoo.run.predict import open_model, predict
from tlzoo.transfer.recipe import Recipe

TASK = "token-classification"


def test_a_tagger_is_trained_kept_and_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_thread: None) -> None:
    places = [f"{a}{b}" for a in ("Per", "Hob", "Dar", "Syd") for b in ("th", "art", "win", "ney", "ton")]
    sentences = [f"They\tO\nlive\tO\nin\tO\n{place}\tB-place\n.\tO\n" for place in places]
    (tmp_path / "data.conll").write_text("\n".join(sentences))
    recipe = Recipe(steps=40, learning_rates=(3e-3,), batch_size=8, looks=1)
    monkeypatch.setattr("tlzoo.run.plan.recipe_for", lambda *_: recipe)
    notes: list[str] = []
    try:
        done = finetune(
            "bert",
            TASK,
            str(tmp_path / "data.conll"),
            tmp_path / "model",
            strategy="scratch",
            variant="nano",
            progress=False,
            say=notes.append,
        )
    except UnavailableError as error:
        pytest.skip(str(error))
    assert done.metric == "entity_f1" and done.value == 1
    (tmp_path / "more.conll").write_text("In\tO\nPerth\tO\n")
    (tmp_path / "more.jsonl").write_text(json.dumps({"text": "They live in Hobart ."}) + "\n")
    model = open_model(str(tmp_path / "model"))
    given = ["They live in Sydney .", tmp_path / "more.conll", tmp_path / "more.jsonl"]
    lines = [json.loads(json.dumps(line.to_json())) for line in predict(model, given)]
    assert [line["input"] for line in lines] == ["They live in Sydney .", "more.conll sentence 1", "more.jsonl row 1"]
    texts = ["They live in Sydney .", "In Perth", "They live in Hobart ."]
    for text, line in zip(texts, lines, strict=True):
        for entity in line["entities"]:
            assert text[entity["start"] : entity["end"]] == entity["text"] and entity["label"] == "place"
            assert 0 < entity["score"] <= 1
    assert [entity["text"] for entity in lines[0]["entities"]] == ["Sydney"]
    assert [entity["text"] for entity in lines[2]["entities"]] == ["Hobart"]
