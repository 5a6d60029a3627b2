"""Kinds of pictures and of videos."""

from functools import partial

from tests.data.kinds import made, photographs, scenes
from tests.data.kinds.kind import Kind
from tests.data.kinds.made import ROWS, SPLITS, TWO, also, cut_off, files, sound, suffixes, video, written
from tests.data.kinds.photographs import tree
from tests.data.kinds.scenes import TEN
from tests.data.kinds.written import reads, refuses

FILMS, CLIPS = "video-classification", "video-generation"
VIDEOS = (
    reads(FILMS, "class folders", made.two(video, ".mp4"), TWO),
    reads(FILMS, "many formats", suffixes(video, " ".join([*made.FILMS, ".mkv .gif"])), r"2 classes \(12 rows each\)"),
    reads(FILMS, "folders train and test", made.divided(video, ".mkv", "train/{}", "test/{}"), SPLITS),
    reads(FILMS, "metadata.csv", made.table("metadata.csv", "video,label", "{i},{kind}", "{i}.mkv", video), ROWS),
    reads(
        FILMS,
        "sounds, texts and broken files",
        also(
            made.tree({"ants": 10, "bees": 9}, ".mkv", video),
            lambda home: sound(home, "ants/voice.mp4"),
            written("ants/1.mkv", "no video"),
            written("ants/2.mkv", ""),
            cut_off("ants/3.mkv", 0.1),
        ),
        "bees 9, ants 7",
        "^ants/voice.mp4: no video in it",
        r"^ants/1\.mkv: not readable as video",
        r"^ants/2\.mkv: an empty file",
        r"^ants/3\.mkv: ",
    ),
    refuses(
        FILMS,
        "folders of frames",
        tree({"ants/one": 4, "bees/two": 4}),
        r"no video files .* with a label; there are others, by suffix: \.png 8",
    ),
    reads(CLIPS, "videos", files("{i}.mp4", video, 10), TEN),
    reads(
        CLIPS,
        "folders of splits",
        files("{split}/{i}.mkv", partial(video, count=35), 8),
        "train.*test 8 rows; 8 groups",
    ),
    refuses(
        CLIPS,
        "short videos",
        files("{i}.mkv", partial(video, count=9), 8),
        r"no video of 16 frames or more; 0\.mkv: shorter than 16 frames",
    ),
)
KINDS: tuple[Kind, ...] = (*photographs.KINDS, *scenes.KINDS, *VIDEOS)
