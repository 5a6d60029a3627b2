"""XML files of annotations, read without entities and other declarations that may do harm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_BEGINNING = 4096
"""Bytes of a file in which its first element is looked for."""


def root_of(file: Path) -> str:
    """The name of a file's first element, by its beginning; empty if there is none."""
    try:
        with file.open("rb") as content:
            match = _ROOT.search(content.read(_BEGINNING))
    except OSError:
        return ""
    return match[1].decode() if match else ""


def elements(file: Path) -> Element:
    """The first element of an XML file.

    Raises:
        InputError: It cannot be read, is no XML, or declares entities.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    try:
        root: Element | None = parse(file).getroot()
    except ParseError as error:
        raise InputError(f"{file}: is not valid XML: {error}") from None
    except DefusedXmlException:
        raise InputError(f"{file}: declares entities, which are not read") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from None
    assert root is not None
    return root


def number(element: Element, path: str, where: str) -> float:
    """The number in an element below another one.

    Raises:
        InputError: There is none; names its place.
    """
    text = (element.findtext(path) or "").strip()
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {path.replace('/', ' ')} is {text or 'missing'!r}; expected a number") from None
