"""Named data sets that consist of published files, which are fetched by their hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tlzoo import blobs
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

    files = files_of(name)
    listing = listed(str(DATASETS[name].loader), files)
    return whole(listing, read_checked(listing.kind))


def files_of(name: str) -> tuple[Blob, ...]:
    """The files of a data set, with its licence.

    Raises:
        InputError: There is no such data set.
    """
    with_files = [known for known, entry in DATASETS.items() if entry.files]
    if name not in with_files:
        raise unknown("data set of published files", name, with_files)
    return tuple(replace(file, license=DATASETS[name].license) for file in DATASETS[name].files)


def listed(loader: str, files: Sequence[Blob]) -> Listing:
    """The examples of a data set; its files are downloaded first where they are not on this machine.

    Args:
        loader: ``module:function``, which takes the paths of the files.
        files: The files.

    Raises:
        UnavailableError: As for :func:`published`.
    """
    listing: Listing = function_of(loader)(*map(blobs.fetch, files))
    return listing


def function_of(loader: str) -> Callable[..., Any]:
    """The function that ``module:function`` names, such as the loader of a named data set."""
    module, _, name = loader.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
