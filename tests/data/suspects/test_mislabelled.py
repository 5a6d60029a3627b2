import numpy as np

from tlzoo.data.suspects.mislabelled import out_of_fold, reduced, suspected


def blobs(seed: int, apart: float, labels: np.ndarray) -> np.ndarray:
    centres = apart * np.random.default_rng(9).normal(size=(labels.max() + 1, 16))
    return np.asarray(centres[labels] + np.random.default_rng(seed).normal(size=(len(labels), 16)))


def test_flipped_labels_are_named_with_their_class_and_hardly_any_other() -> None:
    true = np.arange(300) % 3
    wrong = np.random.default_rng(1).choice(300, 15, replace=False)
    given = true.copy()
    given[wrong] = (true[wrong] + 1) % 3
    groups = [str(i) for i in range(300)]
    views = {str(seed): out_of_fold(reduced(blobs(seed, 1.5, true)), given, groups) for seed in (1, 2)}
    doubted = suspected(views, given)
    assert set(doubted) == set(wrong.tolist())
    assert all(rather == true[i] and score > 0.5 for i, (rather, score) in doubted.items())
    clean = {name: out_of_fold(reduced(blobs(int(name), 1.5, true)), true, groups) for name in views}
    assert len(suspected(clean, true)) <= 3


def test_a_view_that_sees_nothing_has_no_vote() -> None:
    true = np.arange(200) % 2
    given = true.copy()
    given[:10] = 1 - given[:10]
    groups = [str(i) for i in range(200)]
    good = {"good": out_of_fold(reduced(blobs(1, 2, true)), given, groups)}
    blind = out_of_fold(reduced(np.random.default_rng(3).normal(size=(200, 16))), given, groups)
    assert suspected(good | {"blind": blind}, given) == suspected(good, given)
    assert set(suspected(good, given)) == set(range(10))


def test_no_group_is_on_both_sides() -> None:
    """Of twins with opposite labels, one fitted on the other would be sure of the wrong class."""
    vectors = np.repeat(np.random.default_rng(0).normal(size=(60, 8)), 2, axis=0)
    labels = np.arange(120) % 2
    apart = out_of_fold(vectors, labels, [str(i // 2) for i in range(120)])
    assert apart.shape == (120, 2) and np.allclose(apart.sum(1), 1)
    assert np.allclose(apart[::2], apart[1::2]), "twins are held out together"
