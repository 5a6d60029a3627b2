"""A published classifier gives here what its own library gives."""

from tests.support.published import or_skip
from tlzoo.oracles import ORACLES
from tlzoo.oracles.check import check
from tlzoo.oracles.pictures import same_top1


def test_mobilenet_names_every_photograph_as_torchvision_does() -> None:
    with or_skip():
        assert same_top1("mobilenet", "v2") == [1.0]
    assert check("mobilenet-v2-top1").state == "reproduced"
    assert ORACLES["mobilenet-v2-top1"].published == 1.0
