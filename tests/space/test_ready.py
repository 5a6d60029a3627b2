"""A model that was made ready for visitors is loaded again, or made anew where it was damaged."""

from pathlib import Path
from typing import Any

import pytest

from tlzoo.leaderboard.row import ScoredRow
from tlzoo.space import ready

ROW = ScoredRow(
    card="yamnet",
    variant="nano",
    weights="stand-in",
    task="audio-classification",
    dataset="notes",
    strategy="full",
    metric="accuracy",
    status="ok",
    rank=1,
    value=0.9,
    ci_low=0.8,
    ci_high=1.0,
    run_ids=["0123"],
)


def test_a_kept_model_that_was_damaged_is_made_anew_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tlzoo.adapters import build
    from tlzoo.cards import catalogue
    from tlzoo.core.model import trainable
    from tlzoo.tasks import task_type
    from tlzoo.transfer.bundle import save

    made: list[Path] = []

    def finetune(card_id: str, task_name: str, data: str, folder: Path, **_: Any) -> None:
        card = catalogue.get(card_id)
        (variant,) = (v for v in card.variants if v.id == "nano")
        task = task_type(task_name, "audio").of(["cat", "dog"])
        model = trainable(build(variant, card.input_of(variant), task)).for_task(task)
        save(model, task, card, variant, folder, {}, "")
        made.append(folder)

    monkeypatch.setenv("TLZOO_CACHE", str(tmp_path))
    monkeypatch.setattr(ready, "finetune", finetune)
    for _ in range(2):
        assert ready._make("audio-classification", ROW, str).name == f"{ROW.name} on notes"
    assert len(made) == 1
    kept = tmp_path / "tried" / "0123"
    (kept / "model.safetensors").write_bytes(b"torn")
    for _ in range(2):
        assert ready._make("audio-classification", ROW, str).name == f"{ROW.name} on notes"
    assert len(made) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.startswith(f"{kept / 'model.safetensors'}: differs from its checksum")
