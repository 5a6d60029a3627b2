"""A small sample of English Wikipedia: some hundred articles, split by article, to pretrain nano text models.

The dump is a test file of gensim (CC BY-SA), taken from its wheel by hash; gensim itself is never imported.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from functools import cache
from xml.etree import ElementTree

from datasets import Dataset, DatasetDict

from tlzoo.blobs import Blob, fetch
from tlzoo.data.packaged.news import passages
from tlzoo.data.protocol import balanced_choice
from tlzoo.data.schemas import CLOZE_FEATURES

DUMP = Blob(
    name="enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
    places=(
        "pypi:gensim==4.4.0/gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
    ),
    sha256="a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
)
_SPLIT_CYCLE = ("test", "validation", *["train"] * 10)  # of every twelve articles
_NO_ARTICLE = re.compile(r"\s*(File|Image|Category|[a-z-]{2,12}):")
_LAST_SECTIONS = re.compile(r"^\s*(See also|References|Notes|Further reading|External links|Bibliography)\s*$", re.M)
_MARKUP = re.compile(r"[{}\[\]]{2}|\{\||</?[a-z]+|\b(File|Image|Category):")  # markup that the parser missed
_MIN_CHARACTERS = 120  # of a paragraph; shorter lines are headings, lists and remains of tables
_MAX_WORDS = 80  # of a passage, as in the cloze over news


@cache
def pages() -> dict[str, str]:
    """Read the articles: title to plain text, paragraphs apart by a newline, without lists, tables and references.

    Raises:
        UnavailableError: The file is not available.
    """
    articles = {}
    with bz2.open(fetch(DUMP)) as file:
        for _, element in ElementTree.iterparse(file):  # noqa: S314, the file is known by its hash
            if element.tag.endswith("}page"):
                text = element.findtext("{*}revision/{*}text") or ""
                if element.findtext("{*}ns") == "0" and not text.lower().startswith("#redirect"):
                    plain = "\n".join(_paragraphs(text))
                    if plain:
                        articles[element.findtext("{*}title") or ""] = plain
                element.clear()
    return articles


@cache
def splits() -> dict[str, str]:
    """The split of each article by its title: one of twelve is for the test, one for validation."""
    return {title: _SPLIT_CYCLE[balanced_choice(len(_SPLIT_CYCLE), i, (0, 1))] for i, title in enumerate(pages())}


def wikipedia() -> DatasetDict:
    """Passages of at most 80 words and the word that comes next, as in :func:`tlzoo.data.packaged.news.cloze`.

    Those of train and validation go through all of an article, sentence by sentence, for language models to be
    pretrained on; those of the test end where the next word can be guessed.

    Raises:
        UnavailableError: The file is not available.
    """
    rows: dict[str, list[dict[str, str]]] = {"train": [], "validation": [], "test": []}
    for title, text in pages().items():
        split = splits()[title]
        cut = passages(text.replace("\n", " ")) if split == "test" else _chunks(text)
        rows[split] += [
            {"text": passage, "target": target, "group": title, "id": f"{title} {number}"}
            for number, (passage, target) in enumerate(cut, start=1)
        ]
    return DatasetDict({split: Dataset.from_list(rows[split], features=CLOZE_FEATURES) for split in rows})


def _chunks(text: str) -> Iterator[tuple[str, str]]:
    """Consecutive passages of whole sentences, as long as they can be; a longer sentence is cut."""
    words: list[str] = []
    for paragraph in text.split("\n"):
        for sentence in re.split(r"(?<=[.!?])\s+", paragraph):
            more = sentence.split()
            while words and len(words) + len(more) > _MAX_WORDS:
                yield _parted(words)
                words = []
            words += more
            while len(words) > _MAX_WORDS:
                yield _parted(words[:_MAX_WORDS])
                words = words[_MAX_WORDS:]
    if len(words) > 1:
        yield _parted(words)


def _parted(words: list[str]) -> tuple[str, str]:
    return " ".join(words[:-1]), words[-1]


def _paragraphs(source: str) -> Iterator[str]:
    """Paragraphs of plain text in an article's wikitext."""
    import mwparserfromhell

    code = mwparserfromhell.parse(source)
    dropped = code.filter_wikilinks(matches=lambda link: _NO_ARTICLE.match(str(link.title)) is not None)
    for node in (*dropped, *code.filter_tags(matches=lambda tag: tag.tag in ("table", "ref"))):
        try:
            code.remove(node)
        except ValueError:  # inside one that is gone already
            continue
    plain = _LAST_SECTIONS.split(code.strip_code(), maxsplit=1)[0]
    for line in plain.split("\n"):
        tidy = re.sub(r"\(\s*[;,]*\s*\)", "", line.replace("''", ""))  # remains of templates
        tidy = re.sub(r"\(\s*[;,][\s;,]*", "(", tidy)
        tidy = re.sub(r"\s+([.,;])", r"\1", " ".join(tidy.split()))
        if len(tidy) >= _MIN_CHARACTERS and tidy[-1] in '.!?"' and not _MARKUP.search(tidy):
            yield tidy
