"""What people call files and columns."""

SUFFIXES = {
    "audio": frozenset(
        (
            *(".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au"),
            *(".m4a", ".aac", ".wma", ".webm", ".mp4", ".m4b", ".3gp", ".amr"),
        )
    ),
    "image": frozenset(
        (
            *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
            *(".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif"),
        )
    ),
    "video": frozenset(
        (
            *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".gif"),
            *(".3gp", ".ts", ".flv", ".wmv", ".mts", ".m2ts", ".ogv"),
        )
    ),
    "text": frozenset({".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"}),
}
"""Suffixes of files by kind of input."""
LABEL_COLUMNS = (
    "label",
    "labels",
    "class",
    "category",
    "target",
    "label_text",
    "class_label",
    "gold_label",
    "sentiment",
    "airline_sentiment",
    "intent",
    "emotion",
    "topic",
    "tag",
    "rating",
    "stars",
    "y",
)
GROUP_COLUMNS = (
    "group",
    "speaker",
    "speaker_id",
    "voice",
    "subject",
    "document",
    "scene",
    "patient",
    "patient_id",
    "subject_id",
    "participant",
    "participant_id",
    "session",
    "session_id",
)
FILE_COLUMNS = (
    *("file_name", "filename", "file", "path", "filepath", "image", "audio", "video", "image_path", "audio_path"),
    *("video_path", "image_name", "image_file", "audio_file", "img_path", "image_filename", "audio_filepath"),
    *("wav_filename", "fname"),
)
"""Columns that may name the file of a row."""
SPLIT_COLUMNS = ("split", "subset", "set", "partition")
"""Columns that may name the split of a row."""
