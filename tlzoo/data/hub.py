"""Data sets of the Hugging Face Hub."""

from __future__ import annotations

from typing import Any

from tlzoo.data.dataset import Listing, storage
from tlzoo.data.folder import GROUP_COLUMNS, LABEL_COLUMNS
from tlzoo.errors import InputError, UnavailableError


def revision(repo: str, wanted: str | None = None) -> str:
    """The commit that a data set's revision stands for; a request of seconds, no download.

    Raises:
        UnavailableError: The Hub does not answer, or has no such data set.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        info = HfApi().dataset_info(repo, revision=wanted, timeout=5)
    except HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else "no"
        raise UnavailableError(f"hub:{repo}{f'@{wanted}' if wanted else ''}: the Hub answered {code}") from None
    except (httpx.HTTPError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UnavailableError(f"hub:{repo}: the Hugging Face Hub does not answer ({reason})") from None
    return str(info.sha)


def listing(
    repo: str, commit: str, kind: str, *, config: str | None = None, label: str | None = None, group: str | None = None
) -> Listing:
    """Download a data set and list its examples.

    Args:
        repo: Repository id.
        commit: Revision.
        kind: Kind of the input: the first column of that feature is taken.
        config: Configuration, where the data set has several.
        label: Label column; guessed by default.
        group: Group column; guessed by default.

    Raises:
        InputError: No column fits.
    """
    from datasets import Audio, ClassLabel, DatasetDict, Image, Value, load_dataset

    loaded: DatasetDict = load_dataset(repo, config, revision=commit)
    features: dict[str, Any] = next(iter(loaded.values())).features
    wanted = {"audio": Audio, "image": Image}.get(kind, Value)
    where = f"hub:{repo}"
    source = next((name for name, f in features.items() if isinstance(f, wanted)), None)
    label = label or next((c for c in LABEL_COLUMNS if c in features), None)
    if source is None or label is None or label not in features:
        missing = f"{kind} column" if source is None else "label column"
        raise InputError(f"{where}: no {missing}; columns: {', '.join(features)}")
    group = group or next((c for c in GROUP_COLUMNS if c in features), None)
    found = Listing(kind, [], [], [], [] if group else None, [] if len(loaded) > 1 else None)
    found.notices.append(f"{where}: {kind} from column {source!r}, label from column {label!r}")
    for split, rows in loaded.items():
        rows = rows.cast_column(source, storage(kind))
        names = features[label].names if isinstance(features[label], ClassLabel) else None
        found.inputs += rows[source][:]
        found.labels += [names[v] if names else str(v) for v in rows[label]]
        found.names += [f"{split}/{i}" for i in range(len(rows))]
        if found.groups is not None:
            found.groups += [str(v) for v in rows[group]]
        if found.splits is not None:
            found.splits += [split] * len(rows)
    return found
