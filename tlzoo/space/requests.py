"""How large the body of a request may be: it is held in memory, and a Space answers anybody."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses requests whose body is too large, whether they say so or not, with 413.

    Uploads of files have a limit of their own, and are written to the disk as they come.
    """

    def __init__(self, app: ASGIApp, most: int, uploads: str) -> None:
        """Stand before a server.

        Args:
            app: It.
            most: Bytes of a body.
            uploads: How the path of what is uploaded ends.
        """
        self.app, self.most, self.uploads = app, most, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as far as it is small."""
        if scope["type"] != "http" or scope["path"].endswith(self.uploads):
            await self.app(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most:
                raise _TooLargeError
            return message

        named = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if not named.isdigit() or int(named) > self.most:
                raise _TooLargeError
            await self.app(scope, limited, send)
        except _TooLargeError:
            refusal = PlainTextResponse(f"The body of a request has at most {self.most:,} bytes.", 413)
            await refusal(scope, receive, send)


class _TooLargeError(Exception):
    """More came than is read."""
