"""Pairs of texts, messages with replies, questions with passages, marked words, passages and DNA."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tests.data.kinds.kind import Kind
from tests.data.kinds.written import (
    MANY,
    TEXTS,
    Make,
    file,
    folder,
    json_list,
    listed,
    reads,
    refuses,
    sheet,
    some,
    table,
)

pair, no_pair = partial(reads, "text-embedding"), partial(refuses, "text-embedding")
reply, no_reply = partial(reads, "text-generation"), partial(refuses, "text-generation")
asked, not_asked = partial(reads, "question-answering"), partial(refuses, "question-answering")
words, no_words = partial(reads, "token-classification"), partial(refuses, "token-classification")
passage, no_passage = partial(reads, "language-modeling"), partial(refuses, "language-modeling")

SIXTY = "train 36.*validation 6.*test 18"
RIGHT = [f"{text}, they say" for text in MANY]
NLI = "learns the similarity of two texts, from 'score': write one, such as 1 for entailment"


def scored(one: str, two: str, name: str, *scores: Any) -> dict[str, Sequence[Any]]:
    """60 pairs with these scores in turn."""
    return {one: MANY, two: RIGHT, name: [scores[i % len(scores)] for i in range(60)]}


def similar(names: str, name: str, *scores: Any, file_name: str = "a.csv") -> Make:
    one, two = names.split("/")
    return file(file_name, scored(one, two, name, *scores))


STS = scored("sentence1", "sentence2", "score", 0, 1.4, 2.5, 3.2, 5)
TRIPLETS = {"anchor": TEXTS, "positive": RIGHT[:20], "negative": RIGHT[20:40]}
QUORA = {
    "id": range(60),
    "qid1": range(60),
    "qid2": range(60),
    **scored("question1", "question2", "is_duplicate", 0, 1),
}

EMBEDDING = (
    pair("scores from 0 to 5", file("a.tsv", STS), SIXTY, "scores are from 0 to 5 in training, mapped to 0 and 1"),
    pair(
        "train, dev and test",
        folder(
            {
                "train.csv": some(STS, range(40)),
                "dev.csv": some(STS, range(40, 48)),
                "test.csv": some(STS, range(48, 60)),
            }
        ),
        "train 40.*validation 8.*test 12",
    ),
    pair("relatedness", similar("sentence_A/sentence_B", "relatedness_score", 1, 2.5, 4.9), SIXTY),
    pair("is_duplicate, with ids", file("a.csv", QUORA), SIXTY, "score from column 'is_duplicate'"),
    pair("relevance", similar("query/document", "relevance", 0, 1), SIXTY, "score from column 'relevance'"),
    pair("relevance in three steps", similar("query/passage", "relevance", 0, 1, 2), SIXTY, "scores are from 0 to 2"),
    pair("1 and -1", similar("text_a/text_b", "label", 1, -1), SIXTY, "scores are from -1 to 1"),
    pair("true and false", similar("text1/text2", "label", True, False, file_name="a.jsonl"), SIXTY),
    pair("duplicate and not duplicate", similar("question1/question2", "label", "duplicate", "not duplicate"), SIXTY),
    pair(
        "label of 0 and 1",
        similar("sentence1/sentence2", "label", 0, 1),
        SIXTY,
        "a.csv: 'label' of 1 is read as similar, of 0 as not",
    ),
    pair(
        "a column of splits",
        table(**STS, split=["train"] * 40 + ["dev"] * 8 + ["test"] * 12),
        "train 40.*validation 8.*test 12 rows",
        "splits from column 'split'",
    ),
    pair("the only two columns of texts", similar("ours/theirs", "score", 0.1, 0.5, 0.9), SIXTY, "'ours'.*'theirs'"),
    pair(
        "triplets",
        file("a.jsonl", TRIPLETS),
        "train 24.*validation 4.*test 12",
        "sentence2 with a score of 1 from column 'positive', with 0 from column 'negative'",
    ),
    pair(
        "query, positive and negative",
        file("a.csv", dict(zip(("query", "positive", "negative"), TRIPLETS.values(), strict=True))),
        "train 24.*validation 4.*test 12",
    ),
    pair(
        "one empty text",
        file("a.csv", {k: [*v, w] for (k, v), w in zip(STS.items(), (" ", "b", 1), strict=True)}),
        SIXTY,
        "a.csv row 61: 'sentence1' is empty",
    ),
    no_pair(
        "entailment as words", similar("premise/hypothesis", "label", "entailment", "neutral", "contradiction"), NLI
    ),
    no_pair("entailment as 0 to 2", similar("premise/hypothesis", "label", 0, 1, 2), NLI),
    no_pair(
        "entailment as words of two sentences",
        similar("sentence1/sentence2", "gold_label", "entailment", "neutral", "contradiction"),
        NLI,
    ),
    no_pair("entailment as 0 to 2 of two sentences", similar("sentence1/sentence2", "label", 0, 1, 2), NLI),
    no_pair("entailment with -1, where there is none", similar("sentence1/sentence2", "label", 0, 1, 2, -1), NLI),
    no_pair("entailment and not", similar("sentence1/sentence2", "label", "entailment", "not_entailment"), NLI),
    no_pair(
        "anchor and positive alone",
        file("a.csv", some({"anchor": MANY, "positive": RIGHT}, range(60))),
        "no column of scores.*columns: anchor, positive",
    ),
    no_pair("one score", similar("sentence1/sentence2", "score", 1), "all have one score; .*give more pairs"),
    no_pair(
        "scores in words",
        similar("sentence1/sentence2", "score", "high", "low"),
        "no pair can be used; 60 left out, such as: .*'score' is 'low', which is not a number",
    ),
    no_pair("texts with classes", table(text=MANY, label=["a", "b"] * 30), "no two columns of texts"),
)

ADJECTIVES = ("red", "blue", "green", "small", "large", "old", "new", "round", "square", "fast")
ASKED = [f"What is {a} and {b}?" for a in ADJECTIVES for b in ADJECTIVES]
REPLIES = [f"A {b} {a} thing, number {i}." for i, a in enumerate(ADJECTIVES) for b in ADJECTIVES]
HUNDRED = "train 60.*validation 10.*test 30"
MORE = ["" if i % 4 else f"It is {i}." for i in range(100)]


def chats(role: str, content: str, *roles: str) -> dict[str, list[list[dict[str, str]]]]:
    """Conversations of three turns, of which the first is that of the system."""
    spoken = [("Be brief.", *texts) for texts in zip(ASKED, REPLIES, strict=True)]
    return {"conversations": [[{role: r, content: t} for r, t in zip(roles, texts, strict=True)] for texts in spoken]}


GENERATION = (
    reply("question and answer", table(Question=ASKED, Answer=REPLIES), HUNDRED),
    reply("prompt and completion", file("a.jsonl", {"prompt": ASKED, "completion": REPLIES}), HUNDRED),
    reply("messages", file("a.jsonl", chats("role", "content", "system", "user", "assistant")), HUNDRED),
    reply("ShareGPT", file("a.json", json_list(chats("from", "value", "system", "human", "gpt"))), HUNDRED),
    reply(
        "Alpaca",
        file("a.json", json_list({"instruction": ASKED, "input": MORE, "output": REPLIES})),
        HUNDRED,
        "message from column 'instruction', input from column 'input', reply from column 'output'",
    ),
    reply(
        "Dolly",
        file("a.jsonl", {"instruction": ASKED, "context": MORE, "response": REPLIES}),
        HUNDRED,
        "message from column 'instruction', input from column 'context', reply from column 'response'",
    ),
    reply(
        "one empty reply",
        table(message=[*ASKED, "Why?"], reply=[*REPLIES, ""]),
        HUNDRED,
        "a.csv row 101: 'reply' is empty",
    ),
    no_reply(
        "twenty pairs",
        table(message=ASKED[:20], reply=REPLIES[:20]),
        "different replies that are wrong.*give more pairs, at least about a hundred",
    ),
    no_reply(
        "messages as texts in CSV",
        table(messages=list(map(json.dumps, chats("role", "content", "system", "user", "assistant")["conversations"]))),
        "'messages' holds no lists of turns, which JSON Lines and Parquet can hold",
    ),
    no_reply("messages alone", table(message=ASKED), "no column of replies.*columns: message"),
    no_reply(
        "chosen and rejected",
        file("a.jsonl", {"prompt": ASKED, "chosen": REPLIES, "rejected": REPLIES[::-1]}),
        "no column of replies.*columns: prompt, chosen, rejected",
    ),
)

YEARS = [str(1900 + i) for i in range(12)]
CONTEXTS = [f"Number {i} opened in {year}. It closed in 1999, and nobody knows why." for i, year in enumerate(YEARS)]
QUESTIONS = [f"When did number {i} open?" for i in range(12)]
STARTS = [context.index(year) for context, year in zip(CONTEXTS, YEARS, strict=True)]
TWELVE = r"train 7.*validation [12].*test [34]"
QA = {"question": QUESTIONS, "context": CONTEXTS}
STARTED = {**QA, "answer": YEARS, "answer_start": STARTS}
HUB_ANSWERS = [{"text": [year], "answer_start": [start]} for year, start in zip(YEARS, STARTS, strict=True)]


def squad(which: Sequence[int] = range(12), moved: int = 0, unanswered: Sequence[int] = ()) -> dict[str, Any]:
    """Documents of SQuAD with a question each."""
    documents = []
    for i in which:
        answers = [] if i in unanswered else [{"text": YEARS[i], "answer_start": STARTS[i] + moved}]
        entry = {"id": f"q{i}", "question": QUESTIONS[i], "answers": answers}
        entry |= {"is_impossible": i in unanswered} if unanswered else {}
        documents.append({"title": f"Number {i}", "paragraphs": [{"context": CONTEXTS[i], "qas": [entry]}]})
    return {"version": "1", "data": documents}


def paragraphs() -> list[Mapping[str, Any]]:
    return [each for document in squad()["data"] for each in document["paragraphs"]]


QUESTION = (
    asked("SQuAD 1", file("a.json", json.dumps(squad())), TWELVE),
    asked("SQuAD 2", file("a.json", json.dumps(squad(unanswered=(2, 5, 8)))), TWELVE),
    asked(
        "train-v2.0.json and dev-v2.0.json",
        folder({"train-v2.0.json": json.dumps(squad(range(8))), "dev-v2.0.json": json.dumps(squad(range(8, 12)))}),
        "train 7.*validation 1.*test 4",
    ),
    asked("a list of documents", file("a.json", json.dumps(squad()["data"])), TWELVE),
    asked("a list of paragraphs", file("a.json", json.dumps(paragraphs())), TWELVE),
    asked(
        "offsets off by one",
        file("a.json", json.dumps(squad(moved=1))),
        TWELVE,
        "answers with a wrong start, corrected: their text occurs once in its context: 12",
    ),
    asked("answers of the Hub", file("a.parquet", {**QA, "answers": HUB_ANSWERS}), TWELVE),
    asked("answers of the Hub in CSV, as pandas writes them", table(**QA, answers=HUB_ANSWERS), TWELVE),
    asked("answers as objects", file("a.jsonl", {**QA, "answers": [[{"text": year}] for year in YEARS]}), TWELVE),
    asked("a table with starts", file("a.csv", STARTED), TWELVE),
    asked("a table with starts of -1", table(**QA, answer=YEARS, answer_start=[-1] * 12), TWELVE),
    asked("answer_text", table(**QA, answer_text=YEARS), TWELVE),
    asked(
        "Windows line ends, and no answer to some",
        file("a.csv", sheet({**QA, "answer": [*YEARS[:9], "", "", ""]}, end="\r\n")),
        TWELVE,
    ),
    asked(
        "an answer that is not there",
        table(**QA, answer=["1066", *YEARS[1:]]),
        "train 6 of 7.*validation 2.*test 3",
        "answer '1066' occurs 0 times in its context",
    ),
    not_asked("no answers", file("a.csv", QA), "no column of answers.*columns: question, context"),
    not_asked("no passages", table(question=QUESTIONS, answer=YEARS), "no column of contexts"),
    not_asked(
        "rows in 'data'",
        file("a.json", json.dumps({"data": listed({**QA, "answers": HUB_ANSWERS})})),
        r"data\[0\]: field 'paragraphs' is missing; expected a list of objects",
    ),
)

NAMES = [f"{name}{i % 7}" for i, name in enumerate(["Anna", "Boris", "Chen", "Dora", "Emre"] * 4)]
MARKED = [f"{name} lives in {place}" for name, place in zip(NAMES, ["Perth", "Lagos", "Oslo", "Lima"] * 5, strict=True)]
TWENTY = "train 12.*validation 2.*test 6"
DOCUMENTS = "train 11.*validation 3.*test 6"
"""Of 20 texts that are groups."""
TOKENS = {"tokens": [text.split() for text in MARKED], "ner_tags": [["B-PER", "O", "O", "B-LOC"]] * 20}
PLACES = [[[0, len(t.split()[0]), "PER"], [len(t) - len(t.split()[-1]), len(t), "LOC"]] for t in MARKED]
SPANS = [[{"start": start, "end": end, "label": label} for start, end, label in each] for each in PLACES]


def conll(
    form: str = "{word} {tag}\n", tags: str = "B-PER O O B-LOC", head: str = "", which: Sequence[int] = range(20)
) -> str:
    """Sentences with a word a line."""
    parts = [zip(MARKED[i].split(), tags.split(), strict=True) for i in which]
    return "\n".join(head + "".join(form.format(word=word, tag=tag) for word, tag in part) for part in parts)


TOKEN = (
    words("CoNLL columns", file("a.conll", conll()), TWENTY),
    words(
        "CoNLL 2003, with documents",
        file("train.txt", conll("{word} NNP B-NP {tag}\n", head="-DOCSTART- -X- O O\n\n")),
        DOCUMENTS,
    ),
    words("BIO with tabs and Windows line ends", file("a.bio", conll("{word}\t{tag}\r\n")), TWENTY),
    words("BIOES", file("a.txt", conll(tags="S-PER O O S-LOC")), TWENTY),
    words(
        "train, dev and test",
        folder(
            {
                "train.conll": conll(which=range(12)),
                "dev.conll": conll(which=range(12, 14)),
                "test.conll": conll(which=range(14, 20)),
                "LICENSE": "as you like",
            }
        ),
        TWENTY,
        "left out: LICENSE",
    ),
    words("tokens and ner_tags", file("a.jsonl", TOKENS), TWENTY),
    words("tokens and ner_tags in Parquet", file("a.parquet", TOKENS), TWENTY),
    words("spans as objects", file("a.jsonl", {"text": MARKED, "entities": SPANS}), TWENTY),
    words("spans as lists: doccano", file("a.jsonl", {"id": range(20), "text": MARKED, "label": PLACES}), TWENTY),
    words(
        "a span beyond its text",
        file("a.jsonl", {"text": [*MARKED, "Anna"], "entities": [*PLACES, [[0, 9, "PER"]]]}),
        "train 12 of 13.*validation 2.*test 6",
        "entity 'PER' at characters 0 to 9, in a text of 4",
    ),
    no_words(
        "tags as numbers without names",
        file("a.jsonl", {**TOKENS, "ner_tags": [[1, 0, 0, 3]] * 20}),
        "'ner_tags' are numbers; give their names, such as B-PER and O",
    ),
    no_words(
        "spaCy's lists",
        file("a.json", json.dumps([[t, {"entities": e}] for t, e in zip(MARKED, PLACES, strict=True)])),
        "JSON.*expected a list of objects, with text and entities",
    ),
    no_words(
        "a word a row in CSV",
        file("a.csv", sheet({"Sentence #": ["1"] * 4, "Word": MARKED[0].split(), "Tag": ["B-PER", "O", "O", "B-LOC"]})),
        r"a\.csv.*a word and its tag a line, separated by a tab",
    ),
    no_words(
        "tags without a prefix",
        file("a.conll", "Anna PER\nleft O\n"),
        r"a\.conll:1: the tag is 'PER'; expected O, or B-CLASS",
    ),
    no_words("no entity", file("a.conll", conll(tags="O O O O")), "no entity is marked in its 20 texts"),
)

STORY = (
    "In the spring {who} {what}, and nobody in the small town near the river could say where the {thing} came from, "
    "though many people had asked about it for weeks before they finally went home without having seen the {thing}."
)
STORIES = [
    STORY.format(who=t.split(" ", 2)[1], what=t, thing=("lantern", "violin", "ladder", "compass")[i % 4])
    for i, t in enumerate(TEXTS)
]
ENDS = {
    "text": [story.rsplit(" ", 1)[0] for story in STORIES],
    "target": [s.rsplit(" ", 1)[1].strip(".") for s in STORIES],
}
BASES = ["".join("ACGT"[(i * k + k // 3) % 4] for k in range(40)) for i in range(1, 21)]
TRACKS = {
    "sequence": [f"{bases[i:]}{bases[:i]}" for i, bases in enumerate(BASES)],
    "tracks": [[i, 1, 2, 3] for i in range(20)],
}

LANGUAGE = (
    passage("paragraphs", file("a.txt", "\n\n".join(STORIES)), DOCUMENTS),
    passage("paragraphs with Windows line ends", file("a.txt", "\r\n\r\n".join(STORIES)), DOCUMENTS),
    passage("a table of texts", table(text=STORIES), DOCUMENTS),
    passage("passages and their last words", file("a.jsonl", ENDS), DOCUMENTS),
    no_passage(
        "a folder of texts", folder({f"{i}.txt": story for i, story in enumerate(STORIES)}), "put texts into one file"
    ),
    no_passage("short texts", file("a.txt", "\n\n".join(TEXTS)), "no passage of 30 to 80 words"),
    passage(
        "DNA with tracks, in lower case",
        file("a.csv", {**TRACKS, "sequence": [s.lower() for s in TRACKS["sequence"]]}),
        TWENTY,
    ),
    passage("DNA with tracks in Parquet", file("a.parquet", TRACKS), TWENTY),
    passage(
        "DNA with one protein",
        file("a.jsonl", {"sequence": [*TRACKS["sequence"], "MKVLAA"], "tracks": [*TRACKS["tracks"], [1] * 4]}),
        "train 12 of 13.*validation 2.*test 6",
        "'L' at base 4",
    ),
    no_passage("FASTA", file("a.fa", ">a\nACGT\n"), "FASTA has sequences but no tracks; give a table"),
    no_passage(
        "FASTA with a byte order mark",
        file("a.fasta", b"\xef\xbb\xbf>a\nACGT\n"),
        "FASTA has sequences but no tracks",
    ),
    no_passage("DNA without tracks", table(sequence=TRACKS["sequence"]), "no column of tracks.*columns: sequence"),
    no_passage(
        "tracks of logarithms",
        file("a.jsonl", {**TRACKS, "tracks": [[-1, 0, 2]] * 20}),
        "negative or missing values; counts are",
    ),
)

KINDS: tuple[Kind, ...] = (*EMBEDDING, *GENERATION, *QUESTION, *TOKEN, *LANGUAGE)
