"""The data sets that have a name, and how ``--data`` finds one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tlzoo import blobs
from tlzoo.cards.vocabulary import task_facts
from tlzoo.data.protocol import SPLITS, VTAB, Limits, draw
from tlzoo.errors import InputError, UnavailableError, unknown

if TYPE_CHECKING:
    from tlzoo.data.dataset import Listing, Prepared


@dataclass(frozen=True)
class Entry:
    """A named data set.

    Attributes:
        task: The task whose rows it has.
        about: What it is.
        license: SPDX identifier.
        loader: ``module:function`` that renders or unpacks it into three splits; absent for the Hub.
        version: Raised when the loader's rows change.
        hub: Repository id.
        options: Arguments of the Hub's listing: config, label, group.
        other_kind: Kind of the input, where it is not the task's domain's own.
    """

    task: str
    about: str
    license: str
    loader: str | None = None
    version: int = 1
    hub: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    other_kind: str = ""

    @property
    def kind(self) -> str:
        """Kind of the input."""
        return self.other_kind or task_facts(self.task).domain


DATASETS: dict[str, Entry] = {
    "esc50": Entry(
        "audio-classification",
        "ESC-50, 2,000 environmental sounds of 5 s, 50 classes",
        "cc-by-nc-3.0",
        hub="ashraq/esc50",
        options={"label": "category", "group": "src_file"},
    ),
    "speech-commands": Entry(
        "audio-classification",
        "Speech Commands v0.02, one-second words by many speakers",
        "cc-by-4.0",
        hub="google/speech_commands",
        options={"config": "v0.02", "label": "label", "group": "speaker_id"},
    ),
    "spoken-digits": Entry(
        "audio-classification",
        "ten digits rendered with eSpeak NG, split by voice",
        "apache-2.0",
        loader="tlzoo.data.speech:spoken_digits",
    ),
    "spoken-words": Entry(
        "audio-classification",
        "common words rendered with eSpeak NG in other voices; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.speech:spoken_words",
    ),
    "tones": Entry(
        "audio-classification",
        "rendered harmonic tones, one class a semitone; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.tones:tones",
    ),
    "cifar10": Entry(
        "image-classification",
        "CIFAR-10, 60,000 pictures of 32 x 32 pixels, 10 classes",
        "unknown",
        hub="uoft-cs/cifar10",
        options={"label": "label"},
    ),
    "digits": Entry(
        "image-classification",
        "1,797 real handwritten digits from scikit-learn's wheel",
        "cc-by-4.0",
        loader="tlzoo.data.digits:digits",
    ),
    "textures": Entry(
        "image-classification",
        "tiles of ten photographs from scikit-image's wheel, splits apart in space",
        "unknown",
        loader="tlzoo.data.textures:textures",
    ),
    "letters": Entry(
        "image-classification",
        "letters in the fonts of matplotlib's wheel, seen in many ways; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.letters:letters",
    ),
    "digit-scenes": Entry(
        "object-detection",
        "real handwritten digits set into real photographs, exact boxes",
        "cc-by-4.0",
        loader="tlzoo.data.scenes:digit_scenes",
    ),
    "letter-scenes": Entry(
        "object-detection",
        "printed letters set on any ground, exact boxes; source of stand-ins",
        "cc-by-2.0",
        loader="tlzoo.data.scenes:letter_scenes",
    ),
    "sprite-masks": Entry(
        "image-segmentation",
        "Kenney's drawings set on any ground, exact masks; source of stand-ins",
        "cc-by-2.0",
        loader="tlzoo.data.scenes:sprite_masks",
    ),
    "faces": Entry(
        "face-detection",
        "real face crops set into real photographs, exact boxes",
        "unknown",
        loader="tlzoo.data.faces:faces",
    ),
    "drawn-faces": Entry(
        "face-detection",
        "drawn faces over patterns, exact boxes and landmarks; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.drawn_faces:drawn_faces",
    ),
    "nuclei": Entry(
        "image-segmentation",
        "tiles of a real fluorescence picture from StarDist's wheel, splits apart in space",
        "bsd-3-clause",
        loader="tlzoo.data.nuclei:nuclei",
    ),
    "figures": Entry(
        "pose-estimation",
        "clothed people drawn over real photographs, exact keypoints",
        "unknown",
        loader="tlzoo.data.figures:figures",
    ),
    "mannequins": Entry(
        "pose-estimation",
        "dolls, robots and stick men over patterns, exact keypoints; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.mannequins:mannequins",
    ),
    "chatterbot": Entry(
        "text-generation",
        "the ChatterBot corpus, messages with ten replies to choose from, split by conversation",
        "bsd-3-clause",
        loader="tlzoo.data.dialogues:chatterbot",
    ),
    "wikipedia-replies": Entry(
        "text-generation",
        "sentences of Wikipedia and the one that follows, split by article; source of stand-ins",
        "cc-by-sa-4.0",
        loader="tlzoo.data.dialogues:wikipedia_replies",
    ),
    "chatterbot-topics": Entry(
        "text-classification",
        "what an utterance of the ChatterBot corpus is about, 12 classes, split by conversation",
        "bsd-3-clause",
        loader="tlzoo.data.dialogues:topics",
    ),
    "sst2": Entry(
        "text-classification",
        "Stanford Sentiment Treebank, sentences of film reviews, two classes",
        "unknown",
        hub="stanfordnlp/sst2",
        options={"label": "label"},
    ),
    "ag-news": Entry(
        "text-classification",
        "AG News, openings of news stories, four topics",
        "unknown",
        hub="fancyzhx/ag_news",
        options={"label": "label"},
    ),
    "tweets": Entry(
        "text-classification",
        "real tweets, rated by people as negative, neutral or positive",
        "mit",
        loader="tlzoo.data.tweets:tweets",
    ),
    "wikipedia": Entry(
        "language-modeling",
        "some hundred articles of the English Wikipedia, split by article; source of stand-ins",
        "cc-by-sa-4.0",
        loader="tlzoo.data.wikipedia:wikipedia",
    ),
    "stsbenchmark": Entry(
        "text-embedding",
        "STS Benchmark, 8,628 pairs of sentences rated by people",
        "unknown",
        hub="mteb/stsbenchmark-sts",
    ),
    "lee": Entry(
        "text-embedding",
        "pairs of 50 real news stories rated by people, splits apart by story",
        "unknown",
        loader="tlzoo.data.similarity:lee",
    ),
    "wordsim": Entry(
        "text-embedding",
        "WordSim-353, pairs of words rated by people, splits apart by word",
        "cc-by-4.0",
        loader="tlzoo.data.similarity:wordsim",
    ),
    "squad": Entry(
        "question-answering",
        "SQuAD 1.1, questions about paragraphs of Wikipedia",
        "cc-by-sa-4.0",
        hub="rajpurkar/squad",
    ),
    "news-spans": Entry(
        "question-answering",
        "the span that fills a gap, in a story of real news; a fifth have no answer",
        "unknown",
        loader="tlzoo.data.gaps:news_spans",
    ),
    "wikipedia-spans": Entry(
        "question-answering",
        "the span that fills a gap, in a passage of Wikipedia; source of stand-ins",
        "cc-by-sa-3.0",
        loader="tlzoo.data.gaps:wikipedia_spans",
    ),
    "news-cloze": Entry(
        "language-modeling",
        "the missing last word of a passage of real news",
        "unknown",
        loader="tlzoo.data.news:cloze",
    ),
    "promoters": Entry(
        "language-modeling",
        "rendered DNA with motifs of promoters, and tracks of what they do together",
        "apache-2.0",
        loader="tlzoo.data.promoters:promoters",
        other_kind="dna",
    ),
    "motifs": Entry(
        "language-modeling",
        "rendered DNA with a track for each of twelve motifs; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.promoters:motifs",
        other_kind="dna",
    ),
}

Standard = tuple[str | None, str]
STANDARD: dict[str, Standard] = {
    "image-classification": ("cifar10", "digits"),
    "object-detection": (None, "digit-scenes"),
    "audio-classification": ("esc50", "spoken-digits"),
    "face-detection": (None, "faces"),
    "image-segmentation": (None, "nuclei"),
    "pose-estimation": (None, "figures"),
    "text-classification": ("sst2", "tweets"),
    "text-generation": (None, "chatterbot"),
    "text-embedding": ("stsbenchmark", "lee"),
    "question-answering": ("squad", "news-spans"),
    "language-modeling": (None, "news-cloze"),
}
"""For ``--data auto``: the data set on the Hub, and the one that is always at hand."""
STANDARD_OF_KIND: dict[tuple[str, str], Standard] = {("language-modeling", "dna"): (None, "promoters")}
"""The same for models whose kind of input is not the task's domain's own: they are never compared with the others."""


@dataclass(frozen=True)
class Source:
    """A data set that was found, not yet loaded; cheap to make and to send to another process.

    Attributes:
        name: What boards call it.
        task: The task it is for.
        kind: Kind of the input.
        fingerprint: Hash of what decides its rows.
        where: ``rendered``, ``hub`` or ``folder``.
        place: Loader, repository id with commit, or path.
        options: Arguments of the Hub's listing.
        limits: Most examples a split.
        notice: What a person should know about the choice.
    """

    name: str
    task: str
    kind: str
    fingerprint: str
    where: Literal["rendered", "hub", "folder"]
    place: str
    options: tuple[tuple[str, str], ...] = ()
    limits: Limits = VTAB
    notice: str = ""


def find(task: str, wanted: str = "auto", limits: Limits = VTAB, kind: str | None = None) -> Source:
    """Find what ``--data`` names.

    Args:
        task: The task.
        wanted: ``auto``, a name of :data:`DATASETS`, ``hub:ID[@revision]``, or the path of a person's own data.
        limits: Most examples a split.
        kind: For ``auto``, the kind of input, by default the task's domain's; what is named has its own.

    Raises:
        InputError: No such data set, or it is for another task.
        UnavailableError: It is on the Hub, which does not answer.
    """
    task_facts(task)
    if wanted == "auto":
        return _automatic(task, kind or task_facts(task).domain, limits)
    if wanted.startswith("hub:"):
        repo, _, rev = wanted.removeprefix("hub:").partition("@")
        return _on_hub(wanted, task, repo, rev or None, (), limits)
    if wanted in DATASETS:
        return _named(task, wanted, limits)
    if Path(wanted).exists() or os.sep in wanted:
        return _own(task, Path(wanted), limits)
    error = unknown("data set", wanted, [n for n, e in DATASETS.items() if e.task == task], f"--data {wanted}")
    raise InputError(f"{error}, auto, hub:ID[@revision], or a folder")


def _own(task: str, path: Path, limits: Limits) -> Source:
    from tlzoo.data import own

    found = own.listing(path, task)  # complains before anything runs
    key = _hash({"folder": own.fingerprint(found, path), "task": task, "limits": asdict(limits)})
    facts = task_facts(task)
    kind = found.kind if found.kind in facts.inputs else facts.domain  # else a column's name: of a pair of texts
    return Source(own.title(path), task, kind, key, "folder", str(path.resolve()), (), limits)


def _automatic(task: str, kind: str, limits: Limits) -> Source:
    if task not in STANDARD:
        raise UnavailableError(
            f"task {task!r} has no standard data set in this version; with one: {', '.join(STANDARD)}"
        )
    standard, offline = STANDARD_OF_KIND.get((task, kind), STANDARD[task])
    if standard is None:
        return _named(task, offline, limits)
    try:
        return _named(task, standard, limits)
    except UnavailableError as error:
        notice = f"data: {offline} ({DATASETS[offline].about}), since {standard} cannot be had: {error}"
        return replace(_named(task, offline, limits), notice=notice)


def _named(task: str, name: str, limits: Limits) -> Source:
    entry = DATASETS[name]
    if entry.task != task:
        raise InputError(f"--data {name}: is for {entry.task}, not {task}; for it: {_names(task)}")
    if entry.hub:
        return _on_hub(name, task, entry.hub, None, tuple(entry.options.items()), limits)
    assert entry.loader is not None
    key = _hash({"loader": entry.loader, "version": entry.version})
    return Source(name, task, entry.kind, key, "rendered", entry.loader)


def _on_hub(
    name: str, task: str, repo: str, rev: str | None, options: tuple[tuple[str, str], ...], limits: Limits
) -> Source:
    from tlzoo.data.hub import revision

    commit = revision(repo, rev)
    key = _hash({"repo": repo, "commit": commit, "options": options, "task": task, "limits": asdict(limits)})
    return Source(name, task, task_facts(task).domain, key, "hub", f"{repo}@{commit}", options, limits)


def _names(task: str) -> str:
    return ", ".join(n for n, e in DATASETS.items() if e.task == task) or "none"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def load(source: Source) -> Prepared:
    """Load a data set: rendered and downloaded ones are kept, prepared, in the cache.

    Raises:
        InputError: The source cannot be used for its task.
        UnavailableError: A part of it cannot be had.
    """
    if source.where == "folder":
        from tlzoo.data.own import listing

        return _draw(listing(Path(source.place), source.task), source)
    folder = blobs.cache_dir() / "datasets" / source.fingerprint
    if not folder.is_dir():
        _keep(_make(source), folder)
    return _kept(folder)


def _make(source: Source) -> Prepared:
    from tlzoo.data.dataset import Prepared

    if source.where == "rendered":
        module, _, function = source.place.partition(":")
        render: Callable[[], dict[str, object]] = getattr(import_module(module), function)
        return Prepared(render())
    from tlzoo.data.hub import listing

    repo, _, commit = source.place.partition("@")
    return _draw(listing(repo, commit, source.task, **dict(source.options)), source)


def _draw(found: Listing, source: Source) -> Prepared:
    from tlzoo.data.dataset import gather
    from tlzoo.data.inputs import read_checked

    chosen = draw(found.labels, found.groups, found.splits, source.limits)
    return gather(found, chosen, read_checked(found.kind))


def _keep(prepared: Prepared, folder: Path) -> None:
    """Write all splits, then rename: a reader sees all or nothing."""
    from datasets import disable_progress_bars

    disable_progress_bars()
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        for split, rows in prepared.splits.items():
            rows.to_parquet(temporary / f"{split}.parquet")
        (temporary / "notes.json").write_text(json.dumps([prepared.problems, prepared.notices]))
        os.replace(temporary, folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _kept(folder: Path) -> Prepared:
    import pyarrow.parquet as pq
    from datasets import Dataset, DatasetDict

    from tlzoo.data.dataset import Prepared

    files = {split: folder / f"{split}.parquet" for split in SPLITS}
    splits = {split: Dataset(pq.read_table(path)) for split, path in files.items() if path.is_file()}
    problems, notices = json.loads((folder / "notes.json").read_text())
    return Prepared(DatasetDict(splits), tuple(problems), tuple(notices))
