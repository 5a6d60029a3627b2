"""Texts with classes."""

from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from tests.data.kinds.kind import Kind
from tests.data.kinds.written import (
    ALL,
    LABELS,
    MANY,
    SIZES,
    TABLE,
    TEXTS,
    file,
    folder,
    json_list,
    lines,
    listed,
    reads,
    refuses,
    sheet,
    table,
)

read, refused = partial(reads, "text-classification"), partial(refuses, "text-classification")

NUMBERS = rf"{SIZES}.*2 classes \('0' 12, '1' 8\)"
CODES = [int(label == "spam") for label in LABELS]
ASKED = {"premise": TEXTS, "hypothesis": [f"{text}, they say" for text in TEXTS]}
TWEETS = {"y": [4 * c for c in CODES], "id": range(20), "flag": ["NO"] * 20, "user": LABELS[::-1], "text": TEXTS}
QUOTED = [f'"{text}' if i in (3, 15) else text for i, text in enumerate(TEXTS)]
BOTH = r"it may be {} or {}: --text COLUMN says which"


def mixed(*labels: Any, rows: int = 20) -> dict[str, list[Any]]:
    """Texts with these labels in turn."""
    return {"text": MANY[:rows], "label": [labels[i % len(labels)] for i in range(rows)]}


def excel(place: Path) -> Path:
    pd.DataFrame(TABLE).to_excel(place / "a.xlsx", index=False)
    return place / "a.xlsx"


def two_sheets(place: Path) -> Path:
    with pd.ExcelWriter(place / "b.xlsx") as workbook:
        for name in ("texts", "more"):
            pd.DataFrame(TABLE).to_excel(workbook, sheet_name=name, index=False)
    return place / "b.xlsx"


COLUMNS = (
    *(
        read(f"column {name}", file("a.csv", {"text": TEXTS, name: LABELS}), ALL, f"label from column '{name}'")
        for name in ("sentiment", "gold_label", "airline_sentiment", "y")
    ),
    read("column stars", table(review=TEXTS, stars=[c * 3 + 1 for c in CODES]), r"'1' 12, '4' 8"),
    refused("columns v1 and v2", table(v1=LABELS, v2=TEXTS), r"no column of classes.*--label COLUMN"),
    read(
        "spam.csv, with empty columns, in Windows-1252",
        file("a.csv", ("v1,v2,,,\n" + lines("{label},{text} é,,,")).encode("cp1252")),
        ALL,
        "is not UTF-8, and read as Windows-1252",
        text="v2",
        label="v1",
    ),
    read("columns in another case", table(Text=TEXTS, LABEL=LABELS), ALL, "label from column 'LABEL'"),
    read("header with blanks", file("a.csv", "text , label\n" + lines("{text},{label}")), ALL),
    read("an index column", file("a.csv", {"Unnamed: 0": range(20), **TABLE}), ALL),
    refused(
        "two columns of classes",
        table(category=CODES, review=TEXTS, sentiment=LABELS[4:] + LABELS[:4]),
        "classes may be category or sentiment: --label COLUMN says which",
    ),
    read(
        "two columns of classes, one chosen",
        table(category=CODES, review=TEXTS, sentiment=LABELS),
        ALL,
        label="Sentiment",
    ),
    read(
        "mails with a subject",
        table(subject=MANY[20:40], body=TEXTS, label=LABELS),
        "ham 12, spam 8",
        "group from column 'subject'",
    ),
    refused(
        "a column that is not there", file("a.csv", TABLE), "--label mood: no such column; columns: text", label="mood"
    ),
    refused("texts alone", table(text=TEXTS), r"no column of classes.*--label COLUMN"),
    refused("classes alone", table(label=LABELS), r"no column of texts.*columns: label"),
    refused(
        "a column of 0 and 1 for each class",
        table(text=TEXTS, ham=[1 - c for c in CODES], spam=CODES),
        r"no column of classes.*--label COLUMN",
    ),
    refused(
        "headline and abstract",
        table(headline=TEXTS, abstract=MANY[20:40], label=LABELS),
        BOTH.format("headline", "abstract"),
    ),
)

PAIRS = (
    *(
        refused(
            f"{one} and {two}", file("a.csv", {one: TEXTS, two: MANY[20:40], "label": LABELS}), BOTH.format(one, two)
        )
        for one, two in (
            ("premise", "hypothesis"),
            ("sentence1", "sentence2"),
            ("question1", "question2"),
            ("question", "sentence"),
        )
    ),
    read("premise and hypothesis, one chosen", table(**ASKED, label=LABELS), ALL, text="hypothesis"),
    refused(
        "entailment as numbers, in JSON Lines",
        file("a.jsonl", {**ASKED, "label": [i % 3 for i in range(20)]}),
        BOTH.format("premise", "hypothesis"),
    ),
)

FORMATS = (
    *(
        read(what, file(name, content), ALL)
        for what, name, content in (
            ("CSV", "a.csv", TABLE),
            ("TSV", "a.tsv", TABLE),
            ("JSON Lines", "a.jsonl", TABLE),
            (".ndjson", "a.ndjson", TABLE),
            ("JSON Lines named .json", "a.json", TABLE),
            ("a list in JSON", "a.json", json_list(TABLE)),
            ("JSON of pandas, by column", "a.json", json.dumps({k: dict(enumerate(v)) for k, v in TABLE.items()})),
            ("Parquet", "a.parquet", TABLE),
            (".csv.gz", "a.csv.gz", TABLE),
            (".jsonl.gz", "a.jsonl.gz", gzip.compress(lines('{{"text": "{text}", "label": "{label}"}}').encode())),
            ("semicolons", "a.csv", sheet(TABLE, ";")),
            ("tabs in .csv", "a.csv", sheet(TABLE, "\t")),
            ("bars", "a.csv", sheet(TABLE, "|")),
            ("Windows line ends", "a.csv", sheet(TABLE, end="\r\n")),
            ("UTF-16", "a.csv", sheet(TABLE).encode("utf-16")),
            ("UTF-8 with a mark", "a.csv", sheet(TABLE).encode("utf-8-sig")),
            ("tab-separated lines", "a.txt", lines("{text}\t{label}")),
            ("semicolons without a header in .txt", "train.txt", lines("{text};{label}")),
            ("fastText", "a.txt", lines("__label__{label} {text}")),
            ("TREC", "a.label", lines("{label} {text}")),
            ("no suffix: SMSSpamCollection", "SMSSpamCollection", lines("{label}\t{text}")),
        )
    ),
    read("no header", file("a.csv", sheet(TABLE, header=False)), ALL, "has no header, so its first row is an example"),
    read("no header, class first", file("a.tsv", lines("{label}\t{text}")), ALL, "has no header"),
    read(
        "no header, numbers first",
        file("a.csv", sheet({"id": range(20), "label": CODES, "text": TEXTS}, header=False)),
        NUMBERS,
        "has no header",
    ),
    read("no header, five columns", file("a.csv", sheet(TWEETS, header=False)), "'0' 12, '4' 8", "has no header"),
    read("Excel", excel, ALL),
    read("Excel with two sheets", two_sheets, ALL, "b.xlsx: the first sheet is read, without more"),
    read("quoted line ends and commas", table(text=[f'{t},\n"{t}"' for t in TEXTS], label=LABELS), ALL),
    read(
        "other scripts, HTML and emoji",
        table(text=[f"<b>😀 {i} نص 文字</b>" for i in range(20)], label=LABELS),
        ALL,
    ),
    refused(
        "invalid bytes",
        file("a.jsonl", b'{"text": "x", "label": "y"}\n{"text": "\xff", "label": "z"}\n'),
        r"a\.jsonl:2: byte 0xff is not valid UTF-8; save the file as UTF-8",
    ),
    refused(
        "UTF-16 without a mark", file("a.csv", sheet(TABLE).encode("utf-16-le")), r"a\.csv:1: a NUL byte; save.*UTF-16"
    ),
    refused("Excel named .csv", file("a.csv", b"PK\3\4"), "not a text file, but .*save the sheet"),
    refused(
        "Excel of 1997", file("a.xls", b"\xd0\xcf\x11\xe0"), r"not a table of a known format; save it as one \(\.csv"
    ),
    refused(
        "one JSON object", file("a.json", json.dumps({"data": listed(TABLE)})), "single JSON object; expected a list"
    ),
    refused("a list of texts in JSON", file("a.json", json.dumps(TEXTS)), "expected a list of objects, one a row"),
    refused("an empty file", file("a.csv", ""), "has no rows"),
    refused("a header alone", file("a.csv", "text,label\n"), "has no rows"),
    refused("a file that is not there", folder({}, "a.csv"), "no such file or folder"),
    refused("an empty folder", folder({}), r"no table here \(\.csv"),
)

MIXED = (
    read(
        "classes in several cases",
        file("a.csv", mixed("good", "Good", "GOOD", " good ", "bad", rows=60)),
        r"4 classes \(good 24, GOOD 12, Good 12, bad 12\)",
        "classes that differ only in case: 'GOOD', 'Good', 'good'",
    ),
    read(
        "words for no class",
        file("a.csv", sheet({"text": MANY[:26], "label": [*LABELS, "NaN", "NA", "N/A", "null", "<NA>", ""]})),
        ALL,
        "a.csv row 21: 'label' is empty",
        "a.csv row 26: 'label' is empty",
    ),
    read("a class none", table(text=TEXTS, label=["none"] * 12 + ["spam"] * 8), r"none 12, spam 8"),
    read("classes 0 and 1", table(text=TEXTS, label=CODES), NUMBERS),
    read("true and false", file("a.jsonl", {**TABLE, "label": [bool(c) for c in CODES]}), "False 12, True 8"),
    read("classes 0.0 and 1.0", table(text=TEXTS, label=[float(c) for c in CODES]), r"0\.0 12, 1\.0 8"),
    read("lists of one class", file("a.jsonl", {**TABLE, "label": [[label] for label in LABELS]}), ALL),
    refused(
        "lists of several classes",
        file("a.jsonl", mixed(["a", "b"], ["c"])),
        r"'label' is \['a', 'b'\]; one class a text",
    ),
    refused(
        "several classes in one cell",
        file("a.csv", mixed("a;b", "a", "b", "b;c", "c", rows=60)),
        "several classes are written as one, such as 'a;b'.*leave one of them",
    ),
    refused(
        "scores on a scale",
        file("a.csv", mixed(*(f"{i / 25}" for i in range(25)), rows=60)),
        "values on a scale are not learnt as classes; cut them into ranges",
    ),
    refused(
        "numbers of tickets",
        file("a.csv", mixed(*(f"T-{i}" for i in range(20)))),
        r"20 classes in 20 rows, such as 'T-0'",
    ),
    refused("one class", file("a.csv", mixed("ham")), r"only one class \(ham\); at least two are needed"),
    refused("no classes given yet", file("a.csv", mixed("")), r"only one class \(none\); at least two"),
)

LOST = (
    refused(
        "a comma without quotes",
        file("a.csv", "text,label\na, b,ham\nc,spam\n"),
        r"a\.csv:2: 3 values, but the header has 2; put quotes around",
    ),
    refused(
        "a quote without its end",
        file("a.csv", 'text,label\nx,ham\n"a, b,ham\nc, d,spam\n'),
        r"a\.csv:3: a quote is opened but not closed.*put quotes",
    ),
    read("single quotes in TSV", file("a.tsv", "text\tlabel\n" + lines('"{text}\t{label}')), ALL),
    read(
        "two quotes far apart in TSV",
        file("a.tsv", "text\tlabel\n" + lines("{text}\t{label}", {**TABLE, "text": QUOTED})),
        ALL,
    ),
    read("commas at the ends of lines", file("a.csv", "text,label\n" + lines("{text},{label},")), ALL),
    read(
        "one empty text",
        table(text=[*TEXTS, " "], label=[*LABELS, "ham"]),
        r"ham 12, spam 8",
        "text is empty",
    ),
    read("a number among texts", file("a.jsonl", {"text": [*TEXTS[:-1], 42], "label": LABELS}), ALL),
    read("numbers as texts", table(text=[f"{i}{i}" for i in range(20)], label=LABELS), ALL),
    read(
        "12 texts, five times each",
        table(text=MANY[:12] * 5, label=(["ham"] * 6 + ["spam"] * 6) * 5),
        r"train 7.*validation 1.*test 4.*2 classes \(6 rows each\)",
        "48 of 60 rows repeat another one and its class, and were left out",
    ),
    read(
        "one text of two classes",
        table(text=[*TEXTS, TEXTS[0]], label=[*LABELS, "spam"]),
        "ham 12, spam 9.*20 groups",
        "contents with several classes: 1, such as",
    ),
    refused("two rows", table(text=TEXTS[:2], label=["ham", "spam"]), "give more rows"),
)

KINDS: tuple[Kind, ...] = (*COLUMNS, *PAIRS, *FORMATS, *MIXED, *LOST)
