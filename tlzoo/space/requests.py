"""Limit the size of a request's body, which is held in memory."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses requests whose body is too large with 413, whether or not they declare its size.

    Uploads of files have a limit of their own, and are written to the disk as they come.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, uploads: str) -> None:
        """Wrap an application.

        Args:
            app: The application.
            max_bytes: Maximum size of a body.
            uploads: End of the path of uploads, which are not limited.
        """
        self.app, self.max_bytes, self.uploads = app, max_bytes, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its body is too large."""
        if scope["type"] != "http" or scope["path"].endswith(self.uploads):
            await self.app(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.max_bytes:
                raise _TooLargeError
            return message

        named = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if not named.isdigit() or int(named) > self.max_bytes:
                raise _TooLargeError
            await self.app(scope, limited, send)
        except _TooLargeError:
            refusal = PlainTextResponse(f"The body of a request has at most {self.max_bytes:,} bytes.", 413)
            await refusal(scope, receive, send)


class _TooLargeError(Exception):
    """The body exceeds the limit."""
