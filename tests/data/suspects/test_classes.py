from tlzoo.data.suspects.classes import sizes


def test_large_and_small_classes_are_named() -> None:
    assert [each.message for each in sizes({"cat": 90, "dog": 30})] == []
    assert [each.message for each in sizes({"cat": 900, "dog": 100, "cow": 9})] == [
        "cat has 900 examples, 100 times as many as cow (9)",
        "class cow has 9",
    ]
    assert list(sizes({})) == []
