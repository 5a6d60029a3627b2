import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tlzoo.cli.predictions import PART_ROWS, PredictionFile
from tlzoo.core.predictions import ClassScores
from tlzoo.errors import InputError
from tlzoo.run.predict import Predicted

SCORED = ClassScores("a", 0.75, {"a": 0.75, "b, c": 0.25})
GIVEN = [
    Predicted({"input": "table row 1"}, SCORED, columns={"id": 7, "label": "good", "price": 1}),
    Predicted({"input": 'wörd "1"'}, error="cannot be read"),
    Predicted({"input": "table row 2"}, SCORED, columns={"id": 8, "label": None, "price": 2.5, "is_new": True}),
]


def written(path: Path, predictions: list[Predicted] = GIVEN) -> Path:
    with PredictionFile(path) as file:
        for each in predictions:
            file.add(each, each.to_json())
        assert not list(path.parent.iterdir()), "a killed command leaves no half file"
        file.write()
    return path


def test_rows_of_json_are_as_they_are_printed_with_the_columns_of_the_table(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in written(tmp_path / "p.jsonl").read_text().splitlines()]
    assert rows[1] == GIVEN[1].to_json()
    assert rows[0] == {"id": 7, "given_label": "good", "price": 1, **GIVEN[0].to_json()}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_has_all_columns_in_the_order_in_which_they_come(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"p{suffix}")
    table: Any = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    names = ["id", "given_label", "price", "input", "label", "score", "scores", "error", "is_new"]
    assert list(table.columns) == names
    assert table["input"].tolist() == [each.facts["input"] for each in GIVEN]
    assert table["price"].dropna().tolist() == [1.0, 2.5]
    assert json.loads(table["scores"][0]) == {"a": 0.75, "b, c": 0.25}
    assert table["error"].isna().tolist() == [True, False, True]


def test_types_of_parquet_are_those_of_the_values(tmp_path: Path) -> None:
    schema = pq.read_schema(written(tmp_path / "p.parquet"))
    names = ("id", "given_label", "price", "score", "is_new")
    assert [str(schema.field(name).type) for name in names] == ["int64", "string", "double", "double", "bool"]


def test_parquet_is_written_in_parts(tmp_path: Path) -> None:
    many = [Predicted({"input": str(i)}, SCORED) for i in range(2 * PART_ROWS + 1)]
    file = pq.ParquetFile(written(tmp_path / "p.parquet", many))
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [PART_ROWS, PART_ROWS, 1]
    assert file.read()["input"].to_pylist() == [each.facts["input"] for each in many]


def test_a_file_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    with PredictionFile(tmp_path / "none" / "p.csv") as file:
        file.add(GIVEN[0], GIVEN[0].to_json())
        with pytest.raises(InputError, match=r"--out .*p.csv: cannot be written: No such file or directory"):
            file.write()
    with pytest.raises(InputError, match=r"expected a file named \.csv, \.parquet, \.jsonl"):
        PredictionFile(tmp_path / "p.txt")


def test_a_csv_is_read_by_the_standard_library(tmp_path: Path) -> None:
    with written(tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["is_new"] for row in rows] == ["", "", "True"]
    assert rows[1]["input"] == 'wörd "1"' and rows[1]["score"] == ""
