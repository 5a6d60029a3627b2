"""The tasks; a registry of dotted names, resolved on use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tlzoo.errors import UnavailableError
from tlzoo.vocabulary import task_facts

if TYPE_CHECKING:
    from tlzoo.core.task import Task

_MODULES = {
    "audio-classification": "tlzoo.tasks.classification:AudioClassification",
    "image-classification": "tlzoo.tasks.classification:ImageClassification",
    "text-classification": "tlzoo.tasks.classification:TextClassification",
    "text-embedding": "tlzoo.tasks.text_embedding:TextEmbedding",
    "face-detection": "tlzoo.tasks.detection:FaceDetection",
    "object-detection": "tlzoo.tasks.detection:ObjectDetection",
    "image-segmentation": "tlzoo.tasks.image_segmentation:Segmentation",
    "video-classification": "tlzoo.tasks.classification:VideoClassification",
    "video-generation": "tlzoo.tasks.video_generation:VideoGeneration",
    "audio-embedding": "tlzoo.tasks.audio_embedding:AudioEmbedding",
    "pitch-extraction": "tlzoo.tasks.pitch_extraction:PitchExtraction",
    "pose-estimation": "tlzoo.tasks.pose_estimation:Pose",
    "speech-recognition": "tlzoo.tasks.speech_recognition:SpeechRecognition",
    "question-answering": "tlzoo.tasks.question_answering:QuestionAnswering",
    "language-modeling": "tlzoo.tasks.language_modeling:Cloze",
    "text-generation": "tlzoo.tasks.text_generation:Replies",
}
_OF_KIND = {("language-modeling", "dna"): "tlzoo.tasks.dna_tracks:Tracks"}
"""Where a task takes several kinds of input, and is not the same for all."""


def is_built(name: str) -> bool:
    """Whether the harness can run the task yet."""
    task_facts(name)
    return name in _MODULES


def task_type(name: str, kind: str | None = None) -> type[Task]:
    """The class of a task.

    Args:
        name: The task.
        kind: The kind of input; by default that of the task's domain.

    Raises:
        InputError: There is no such task.
        UnavailableError: The task is in the vocabulary, but this version cannot run it.
    """
    if not is_built(name):
        raise UnavailableError(f"task {name!r} cannot be run by this version; runnable: {', '.join(sorted(_MODULES))}")
    module, _, attribute = _OF_KIND.get((name, kind or ""), _MODULES[name]).partition(":")
    return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
