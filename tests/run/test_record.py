"""Rows of runs, and of what could not be run."""

from dataclasses import replace
from pathlib import Path

import pytest

from tlzoo.data.catalogue import find
from tlzoo.run import record
from tlzoo.run.plan import Absent
from tlzoo.run.record import absence

NAMED = find("audio-classification", "spoken-digits")


def test_an_absence_names_its_data_by_more_than_their_name() -> None:
    row = absence(Absent("yamnet", "nano", "official", NAMED, "it is not available"))
    assert (row["dataset"], row["dataset_fingerprint"]) == ("spoken-digits", NAMED.fingerprint)


def test_absences_on_two_folders_of_one_name_are_two() -> None:
    """Those on named data keep the ids that they have had."""
    own = [replace(NAMED, where="folder", name="data", fingerprint=version) for version in ("f", "g")]
    assert len({absence(Absent("yamnet", "nano", "official", source, ""))["run_id"] for source in own}) == 2
    row = absence(Absent("yamnet", "nano", "official", NAMED, ""))
    assert row["run_id"] == absence(Absent("yamnet", "nano", "official", replace(NAMED, fingerprint="g"), ""))["run_id"]


def test_a_machine_without_git_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert record._commit() is None
