"""A small chat endpoint on loopback, for tests: what it answers is scripted, and what it was asked is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tlzoo.adapters.chat_api.endpoint import Endpoint, Price


@dataclass(frozen=True)
class Reply:
    """One answer of the endpoint.

    Attributes:
        status: HTTP status.
        body: Sent as JSON; a string as HTML.
        headers: More headers.
        seconds: How long it takes.
        drip: Seconds between two bytes of the body.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    drip: float = 0.0


def completion(text: Any, usage: tuple[int, int] | None = None, **more: Any) -> Reply:
    """An answer in words; ``usage`` is its tokens of prompt and completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m-2", "choices": [choice]}
    if usage:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return Reply(body=body, **more)


def refusal(status: int, message: str, code: str | None = None, param: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI words it."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def newer_model(body: dict[str, Any]) -> Reply:
    """What a model that reasons answers: it refuses older parameters as OpenAI does, and reasons within its limit."""
    if "max_tokens" in body:
        told = "Unsupported parameter: 'max_tokens' is not supported with this model."
        return refusal(400, f"{told} Use 'max_completion_tokens' instead.", "unsupported_parameter", "max_tokens")
    if body.get("temperature", 1) != 1:
        told = "Unsupported value: 'temperature' does not support 0 with this model."
        return refusal(400, f"{told} Only the default (1) value is supported.", "unsupported_value", "temperature")
    reasoning = 0 if body.get("reasoning_effort") == "none" else 300
    spent = min(reasoning, body["max_completion_tokens"])
    reply = completion("whale" if spent == reasoning else "", (20, spent + 1))
    reply.body["usage"]["completion_tokens_details"] = {"reasoning_tokens": spent}
    reply.body["choices"][0]["finish_reason"] = "stop" if spent == reasoning else "length"
    return reply


class Chat:
    """The server; use it in a ``with`` statement.

    Attributes:
        replies: Answers to everybody, one after the other, the last one for ever.
        answer: Instead of them: the answer to a request's body.
        requests: Bodies of the requests so far.
        times: When each came.
        keys: What they had for authorization.
        most: Most requests that were under way together.
    """

    def __init__(self, *replies: Reply, answer: Callable[[dict[str, Any]], Reply] | None = None) -> None:
        self.replies, self.answer = list(replies), answer
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: set[str] = set()
        self.most = self._busy = 0
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    reply = outer.answer(body) if outer.answer else outer.replies[min(outer.asked, len(replies) - 1)]
                    outer.requests.append(body)
                    outer.times.append(time.monotonic())
                    outer.keys.add(self.headers["Authorization"])
                    outer._busy += 1
                    outer.most = max(outer.most, outer._busy)
                try:
                    time.sleep(reply.seconds)
                    self.reply(reply)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # nobody waits any more
                finally:
                    with lock:
                        outer._busy -= 1

            def reply(self, reply: Reply) -> None:
                data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
                kind = "text/html" if isinstance(reply.body, str) else "application/json"
                self.send_response(reply.status)
                for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | reply.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                for start in range(len(data)) if reply.drip else ():
                    time.sleep(reply.drip)
                    self.wfile.write(data[start : start + 1])
                if not reply.drip:
                    self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def asked(self) -> int:
        return len(self.requests)

    def endpoint(self, price: Price | None = None) -> Endpoint:
        """Where it is; its model is ``m``."""
        return Endpoint(self.url, "m", official=False, price=price)

    def __enter__(self) -> Chat:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
