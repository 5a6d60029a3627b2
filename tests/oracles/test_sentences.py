"""Files of rated pairs are read as they are published."""

import pytest

from tlzoo.oracles.sentences import PAIRS, Pair

LINES: dict[str, tuple[list[str], list[Pair]]] = {
    "stsbenchmark": (
        [
            "main-captions\tMSRvid\t2012test\t0024\t2.500\tA girl is styling her hair.\tA girl is brushing her hair.",
            'main-forums\tanswers\t2015\t0031\t4.000\tThey said "yes".\tYes, they said.\thttp://a.org\thttp://b.org',
        ],
        [
            ("A girl is styling her hair.", "A girl is brushing her hair.", 2.5),
            ('They said "yes".', "Yes, they said.", 4.0),
        ],
    ),
    "sick-r": (
        [
            "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment",
            "6\tThere is no boy\tA group of kids\t3.3\tNEUTRAL",
        ],
        [("There is no boy", "A group of kids", 3.3)],
    ),
    "sts13": (["0.6\tone thing\tanother thing"], [("one thing", "another thing", 0.6)]),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_and_scores(name: str) -> None:
    lines, pairs = LINES[name]
    assert list(PAIRS[name][1](lines)) == pairs
