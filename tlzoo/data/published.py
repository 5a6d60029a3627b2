"""Named data sets that consist of published files, which are fetched by their hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tlzoo import blobs, terminal
from tlzoo.blobs import Blob
from tlzoo.data.named import DATASETS
from tlzoo.errors import unknown

if TYPE_CHECKING:
    from datasets import DatasetDict

    from tlzoo.data.dataset import Listing


def published(name: str) -> DatasetDict:
    """All rows of a data set, in its own splits and order: nothing is drawn or left out.

    For the protocols of others, whose numbers are to be reproduced; what this project draws is
    :func:`tlzoo.data.catalogue.load`.

    Args:
        name: A data set with ``files`` in ``tlzoo.data.named``.

    Returns:
        Rows in the task's features by split; all of them ``train`` where the data were published without splits.

    Raises:
        InputError: There is no such data set.
        UnavailableError: A file is not available; one line names it and every place that was tried.
    """
    from tlzoo.data.dataset import whole
    from tlzoo.data.media.inputs import read_checked

    with_files = [known for known, entry in DATASETS.items() if entry.files]
    if name not in with_files:
        raise unknown("data set of published files", name, with_files)
    entry = DATASETS[name]
    listing = listed(name, str(entry.loader), entry.files, entry.license)
    return whole(listing, read_checked(listing.kind))


def listed(name: str, loader: str, files: Sequence[Blob], license: str) -> Listing:  # noqa: A002
    """The examples of a data set. What is not on this machine is fetched, and a line says before how much that is.

    Args:
        name: What the line calls the data set.
        loader: ``module:function``, which takes the paths of the files.
        files: The files.
        license: Their licence.

    Raises:
        UnavailableError: As for :func:`published`.
    """
    absent = [file for file in files if blobs.cached(file) is None]
    if absent:
        size = sum(file.bytes or 0 for file in absent) / 1e6
        terminal.say(f"{name}: {size:.1f} MB to fetch, {', '.join(file.name for file in absent)}; licence {license}")
    listing: Listing = function_of(loader)(*map(blobs.fetch, files))
    return listing


def function_of(loader: str) -> Callable[..., Any]:
    """The function that the loader of a named data set names."""
    module, _, name = loader.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
