"""The workflows keep what a stranger's pull request could reach as little as it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)


def load(path: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def triggers(workflow: dict[Any, Any]) -> set[str]:
    on = workflow[True]  # YAML 1.1 reads the word on as true
    return {on} if isinstance(on, str) else set(on)


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@each
def test_a_pull_request_gets_no_rights_and_no_secrets(path: Path) -> None:
    text, workflow = path.read_text(encoding="utf-8"), load(path)
    assert triggers(workflow) <= {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert not re.search(r"secrets\.\w|github\.token|GITHUB_TOKEN|pull_request_target", text)
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each
def test_actions_are_of_one_commit_and_jobs_end(path: Path) -> None:
    workflow = load(path)
    versions: dict[str, str] = {}
    for commit, version in re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8")):
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", commit), commit
        assert re.fullmatch(r"  # v\d+\.\d+\.\d+", version), "the version of the commit, for people and Dependabot"
        assert versions.setdefault(commit, version) == version
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/setup-python@"):
            assert step["with"]["cache"] == "pip"
    assert all(0 < job["timeout-minutes"] <= 120 for job in workflow["jobs"].values())


@each
def test_no_text_of_a_pull_request_becomes_a_command(path: Path) -> None:
    """Commands hold no expressions; those in variables are numbers and hashes."""
    workflow = load(path)
    assert not any("${{" in step.get("run", "") for step in steps(workflow))
    values = [value for job in workflow["jobs"].values() for value in job.get("env", {}).values()]
    allowed = r"\$\{\{ github\.event\.pull_request\.(base\.sha|head\.sha|number) \}\}"
    assert all(re.fullmatch(allowed, value) for value in values)


def test_cards_are_checked_by_the_code_of_the_base() -> None:
    workflow = load(ROOT / ".github" / "workflows" / "cards.yml")
    assert triggers(workflow) == {"pull_request"}
    everything = steps(workflow)
    checkouts = [step["with"] for step in everything if step.get("uses", "").startswith("actions/checkout@")]
    assert [c["ref"] for c in checkouts] == ["${{ github.event.pull_request.base.sha }}"]
    commands = "\n".join(step.get("run", "") for step in everything)
    assert not re.search(r"git (checkout|merge|switch|restore|reset|pull|worktree|archive|apply)", commands)
    (check,) = [step["run"] for step in everything if "check_cards.py" in step.get("run", "")]
    assert '--changed-against "$BASE" --cards-of "$HEAD"' in check
    assert "$GITHUB_STEP_SUMMARY" in commands
    assert any(step.get("uses", "").startswith("actions/upload-artifact@") for step in everything)


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.stem)
def test_forms_are_what_github_reads(path: Path) -> None:
    form = load(path)
    if path.stem == "config":
        return
    assert form["name"] and form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert {field["type"] for field in form["body"]} <= {"textarea", "input", "dropdown", "checkboxes", "markdown"}
    assert all(field["attributes"]["label"] for field in form["body"])
