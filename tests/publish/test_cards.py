"""Cards on the Hub, through its unmodified client."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from tests.publish.conftest import Command, Result, kill
from tests.support.hub_server import FAILURES
from tests.support.hub_writes import STRANGER, TOKEN, WritableHub
from tlzoo.cards import catalogue
from tlzoo.data.named import DATASETS
from tlzoo.errors import UnavailableError
from tlzoo.leaderboard.ranking import board
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.schema import RESULT
from tlzoo.publish.card import entry, index
from tlzoo.publish.hub import Hub, Repository


def test_every_card_is_published_once_and_read_back(hub: WritableHub, tlzoo: Command, out: Path) -> None:
    done = tlzoo("cards", "--to", "me", "--out", out)
    assert done.returncode == 0, done.stderr
    names = {f"me/tlzoo-{card.id}" for card in catalogue.cards()}
    assert len(names) == 37 == len(hub.commits) and {commit.repository for commit in hub.commits} == names
    assert {commit.branch for commit in hub.commits} == {"main"}
    for file in catalogue.card_files():
        card = ModelCard.load(hub.home("models", f"me/tlzoo-{file.card.id}") / "README.md")
        assert card.data.license == file.header.license and card.data.pipeline_tag == file.header.pipeline_tag
        assert card.data.tags == list(file.header.tags)
        assert file.prose.strip() in card.text and "## Facts" in card.text
        assert card.data.to_dict()["tlzoo"]["id"] == file.card.id
    before = len(hub.writes())
    again = tlzoo("cards", "--to", "me", "--out", out)
    assert again.returncode == 0 and again.stdout.count("nothing to change") == 37
    assert len(hub.commits) == 37 and len(hub.writes()) == before


def test_cards_without_a_result_are_named(tlzoo: Command, out: Path) -> None:
    done = tlzoo("cards", "yamnet", "gpt-4", "--to", "me", "--out", out, "--dry-run")
    assert f"no result in {out}, or among those that ship, of: gpt-4\n" in done.stderr
    assert "of:" not in tlzoo("cards", "yamnet", "--to", "me", "--out", out, "--dry-run").stderr


def test_results_stand_on_the_card(hub: WritableHub, tlzoo: Command, out: Path) -> None:
    assert tlzoo("cards", "yamnet", "--to", "me", "--out", out).returncode == 0
    home = hub.home("models", "me/tlzoo-yamnet")
    card = ModelCard.load(home / "README.md")
    results = {(r.dataset_type, r.metric_value): r for r in card.data.eval_results or []}
    assert set(results) == {("spoken-digits", 0.9), ("spoken-digits", 0.5), ("someone/sounds", 0.7)}
    probe = results["spoken-digits", 0.9]
    assert probe.task_type == "audio-classification" and probe.metric_type == "accuracy"
    assert probe.metric_name.startswith("accuracy (probe, stand-in weights, variant nano, 95% interval 0.")
    assert probe.source_url == f"{hub.url}/datasets/me/tlzoo-results"
    assert results["spoken-digits", 0.5].metric_name.startswith("accuracy (scratch, variant nano, ")
    assert "## Measured" in card.text and "| yamnet nano | stand-in | probe | 1 | 0.900 [" in card.text
    assert "it broke" not in card.text
    text = (home / ".eval_results" / "audio-classification.yaml").read_text()
    entries = parse_eval_result_entries(yaml.safe_load(text))
    assert {(e.dataset_id, e.task_id, e.dataset_revision, e.value) for e in entries} == {
        ("me/tlzoo-results", "audio-classification_spoken-digits_accuracy", None, 0.9),
        ("me/tlzoo-results", "audio-classification_spoken-digits_accuracy", None, 0.5),
        ("someone/sounds", "audio-classification_accuracy", "v1", 0.7),
    }
    assert all(e.date == "2026-11-01T12:00:00+00:00" and "95% interval" in (e.notes or "") for e in entries)


def ranked(result: dict[str, Any], **changed: Any) -> ScoredRow:
    """The row of a board that a result becomes, with an interval from 0.8 to 1."""
    (row,) = scored(rows_of(board(pa.Table.from_pylist([result], schema=RESULT))))
    return replace(row, ci_low=0.8, ci_high=1.0, **changed)


def test_a_named_data_set_of_the_hub_is_called_by_its_id(result: Result) -> None:
    name, repo = next((name, data.hub) for name, data in DATASETS.items() if data.hub)
    row = ranked(result("yamnet", "probe", 0.9, dataset=name), fraction=0.1)
    made = entry(row, {}, "me", "https://hub/results")
    assert (made.dataset_id, made.task_id) == (repo, "audio-classification_accuracy") and made.date is None
    assert "10% of the labels, 95% interval 0.8 to 1, 200 test examples" in (made.notes or "")
    assert index([row], "https://hub/results")[0]["dataset"] == {"type": repo, "name": name, "split": "test"}


def test_data_of_one_name_are_told_apart_and_so_are_machines(result: Result) -> None:
    here = ranked(result("yamnet", "probe", 0.9, hardware="here"))
    changed, there = replace(here, dataset_fingerprint="g"), replace(here, hardware="there")
    first, second = index([here, changed], "https://hub/results")
    assert first["dataset"]["name"] == "spoken-digits (f)" and second["dataset"]["name"] == "spoken-digits (g)"
    (only,) = index([here, there], "https://hub/results")
    assert [metric["name"].rpartition("measured on ")[2] for metric in only["metrics"]] == ["here)", "there)"]


def test_results_that_are_gone_are_deleted_and_other_files_stay(
    hub: WritableHub, tlzoo: Command, out: Path, tmp_path: Path
) -> None:
    assert tlzoo("cards", "yamnet", "--to", "me", "--out", out).returncode == 0
    home = hub.home("models", "me/tlzoo-yamnet")
    (home / "theirs.txt").write_text("mine")
    done = tlzoo("cards", "yamnet", "--to", "me", "--out", tmp_path / "none")
    assert "  change  README.md, " in done.stdout
    assert "  delete  .eval_results/audio-classification.yaml, " in done.stdout
    assert hub.commits[-1].written == ("README.md",)
    assert hub.commits[-1].deleted == (".eval_results/audio-classification.yaml",)
    assert sorted(hub.files("models", "me/tlzoo-yamnet")) == [".gitattributes", "README.md", "theirs.txt"]


def test_a_dry_run_writes_nothing_and_needs_no_token(hub: WritableHub, tlzoo: Command, out: Path) -> None:
    planned = tlzoo("cards", "yamnet", "crepe", "--to", "me", "--dry-run", "--out", out, token="")
    assert planned.returncode == 0, planned.stderr
    assert hub.writes() == [] and hub.count("POST", "") == 0 and hub.commits == []
    assert "model me/tlzoo-yamnet, a new repository: commit 'Card of YAMNet'" in planned.stdout
    done = tlzoo("cards", "yamnet", "crepe", "--to", "me", "--out", out)
    said = [line for line in done.stdout.splitlines() if not line.startswith("  done: ")]
    assert said == planned.stdout.splitlines()
    size = (hub.home("models", "me/tlzoo-yamnet") / "README.md").stat().st_size
    assert f"  add     README.md, {size:,} bytes" in said


def test_a_dry_run_without_a_hub_says_so(tlzoo: Command, out: Path) -> None:
    done = tlzoo("cards", "--to", "me", "--dry-run", "--out", out, token="", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0 and done.stdout.count("  add     README.md, ") == 37
    without, compared = done.stderr.splitlines()
    assert without.startswith("no result in ") and compared.startswith("compared with nothing")
    offline = tlzoo("cards", "yamnet", "--to", "me", "--dry-run", token="", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in offline.stderr and "README.md" in offline.stdout


def test_a_pull_request_leaves_main_alone_and_is_not_opened_twice(hub: WritableHub, tlzoo: Command, out: Path) -> None:
    home = hub.home("models", "stranger/cards")
    home.mkdir(parents=True)
    (home / "README.md").write_text("# Theirs\n")
    asked = ("cards", "yamnet", "--repo", "stranger/cards", "--out", out)
    refused = tlzoo(*asked)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "model stranger/cards: HTTP 403, the token may not write there" in refused.stderr
    assert "--create-pr" in refused.stderr and hub.commits == []
    done = tlzoo(*asked, "--create-pr")
    assert done.returncode == 0, done.stderr
    assert f"  done: {hub.url}/stranger/cards/discussions/1" in done.stdout
    assert (home / "README.md").read_text() == "# Theirs\n"
    assert list(hub.files("models", "stranger/cards")) == ["README.md"]
    assert [c.branch for c in hub.commits] == ["refs/pr/1"]
    proposed = hub.home("models", "stranger/cards", "refs/pr/1")
    assert ModelCard.load(proposed / "README.md").data.model_name == "YAMNet"
    again = tlzoo(*asked, "--create-pr")
    assert "nothing to change, pull request 1 holds it" in again.stdout and len(hub.commits) == 1


def test_killed_before_the_third_commit_the_next_run_goes_on(hub: WritableHub, tlzoo: Command, tmp_path: Path) -> None:
    cards = ["yamnet", "crepe", "trill", "openl3"]
    hub.stall("POST", "/commit/main", asked=3)
    kill(hub, tmp_path, "cards", *cards, "--to", "me")
    assert [c.repository for c in hub.commits] == ["me/tlzoo-yamnet", "me/tlzoo-crepe"]
    done = tlzoo("cards", *cards, "--to", "me")
    assert done.returncode == 0, done.stderr
    assert [c.repository for c in hub.commits] == [f"me/tlzoo-{card}" for card in cards]
    assert done.stdout.count("nothing to change") == 2


@pytest.mark.parametrize(
    ("arguments", "token", "told"),
    [
        (("cards", "yamnet", "--to", "me"), "", "no token of the Hugging Face Hub: set HF_TOKEN"),
        (("cards", "yamnet"), "", "name its owner with --to OWNER"),
        (("cards", "yamnet", "--to", "me"), "hf_thisisnotknown", "HTTP 401, the Hub does not accept the token"),
        (("cards", "yamnet"), "hf_thisisnotknown", "HTTP 401, the Hub does not accept the token"),
        (("cards", "yamnet", "--to", "me"), "hf_with a blank", "the token holds a blank"),
        (("cards", "yamnet", "--to", "me"), STRANGER, "model me/tlzoo-yamnet: HTTP 403, the token may not write"),
        (("cards", "yamnet", "--to", "a--b"), TOKEN, "--to 'a--b': expected OWNER"),
        (("cards", "yamnet", "crepe", "--repo", "me/x"), TOKEN, "one repository for 2 cards"),
        (("cards", "yamnat", "--to", "me"), TOKEN, "did you mean 'yamnet'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(
    hub: WritableHub, tlzoo: Command, out: Path, arguments: tuple[str, ...], token: str, told: str
) -> None:
    done = tlzoo(*arguments, "--out", out, token=token)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert hub.commits == []


def test_a_hub_that_fails_is_told_in_one_line(hub: WritableHub, tlzoo: Command, out: Path) -> None:
    gone = tlzoo("cards", "yamnet", "--to", "me", "--out", out, HF_ENDPOINT="http://127.0.0.1:9")
    assert gone.returncode == 1 and "model me/tlzoo-yamnet: the Hub cannot be reached" in gone.stderr
    assert gone.stderr.count("\n") == 1
    hub.fail("server", "/commit/")
    broken = tlzoo("cards", "yamnet", "--to", "me")
    assert broken.returncode == 1 and "HTTP 500" in broken.stderr and "try again later" in broken.stderr
    hub.heal()
    assert tlzoo("cards", "yamnet", "--to", "me").returncode == 0 and len(hub.commits) == 1


def test_the_owner_is_the_account_and_a_new_repository_can_be_private(hub: WritableHub, tlzoo: Command) -> None:
    done = tlzoo("cards", "yamnet", "--private")
    assert done.returncode == 0, done.stderr
    assert "me/tlzoo-yamnet, a new private repository" in done.stdout
    assert hub.private == {"models/me/tlzoo-yamnet"}
    assert "nothing to change" in tlzoo("cards", "yamnet", "--private").stdout


def test_a_commit_that_came_between_is_not_overwritten(here: WritableHub) -> None:
    repository = Repository("model", "me/thing")
    hub = Hub()
    hub.create(repository, private=False)
    before = hub.held(repository)
    assert before is not None and list(before.files) == [".gitattributes"]
    (here.home("models", "me/thing") / "theirs.txt").write_text("meanwhile")
    with pytest.raises(UnavailableError, match="it changed meanwhile") as caught:
        hub.commit(repository, "m", put=[("a", b"a")], delete=[], parent=before.commit, create_pr=False)
    assert "\n" not in str(caught.value) and here.commits == []


def test_a_hub_that_repeats_the_token_is_not_repeated(
    hub: WritableHub, tlzoo: Command, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAILURES, "forbidden", (403, "", f"{TOKEN} may only read"))
    hub.fail("forbidden", "/commit/")
    assert "(*** may only read)" in tlzoo("cards", "yamnet", "--to", "me", "--out", out).stderr
