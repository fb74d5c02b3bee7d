"""Real servers for tests: an OpenAI-compatible one, whose replies a callable makes, and `transformers serve`.

    with serving(lambda body: "Hello") as server:
        model = EndpointModel.connect("fake", base_url=server.base_url, api_key=None)
        model.complete(...)
        assert len(server.requests) == 1

Faults are plain callables as well, one for each request to come: `serving(reply, faults=[status(500)] * 2)`
fails twice and then is well; `serving(reply, always=stall())` never answers.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, cast

Reply = Callable[[dict[str, Any]], str]
"""Gets the body of a chat request; returns the text of the reply."""
Fault = Callable[["Exchange"], None]
"""Does in place of a reply what must not happen."""

PIECE = 4


class FakeServer(ThreadingHTTPServer):
    """An OpenAI-compatible server in this process; all its attributes can be changed while it runs.

    Attributes:
        reply: Makes the text of each reply.
        models: The names it has; the first is the one it serves.
        latency: Seconds before the first piece of a reply, counted for each request by itself.
        pace: Seconds between two pieces of a reply.
        faults: What happens to the requests to come, in turn; None lets one be well.
        always: What happens to every request that has none of `faults`.
        key: The API key it asks for; None lets everyone in.
        window: The window that it tells in `/v1/models` as `max_model_len`; None tells nothing.
        real_window: The window that it really has, in tokens of `count`; None has no end.
        forbidden: Words that its policy does not let through; None lets all through.
        schemas: What it does with `response_format`.
        usage: Whether it accepts `stream_options` and tells the tokens, ignores it, or refuses it.
        tokenize: Whose `/tokenize` it has.
        show: What Ollama's `/api/show` says; None has no such path.
        decisions: Whether it has the `/v1/systemone` of `transformers serve`.
        mute: Whether it says nothing at all to anything but chat requests.
        requests: Bodies of the chat requests that came, in their order, failed ones included.
        headers: Their headers, in lower case.
        paths: Every path that was asked for, of whatever kind.
        most_in_flight: Most chat requests that were there at the same time.
    """

    daemon_threads = False
    request_queue_size = 256

    def __init__(self, reply: Reply, port: int = 0) -> None:
        self.closing = threading.Event()
        self.reply = reply
        self.models: list[str] = ["fake"]
        self.latency, self.pace = 0.0, 0.0
        self.faults: list[Fault | None] = []
        self.always: Fault | None = None
        self.key: str | None = None
        self.window: int | None = None
        self.real_window: int | None = None
        self.forbidden: str | None = None
        self.schemas: Literal["enforced", "ignored", "refused"] = "ignored"
        self.usage: Literal["told", "ignored", "refused"] = "told"
        self.tokenize: Literal["vllm", "llama.cpp"] | None = None
        self.show: dict[str, Any] | None = None
        self.decisions = self.mute = False
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Exchange)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.always

    def wait_until(self, true: Callable[[], bool], seconds: float = 10.0) -> bool:
        """Whether it becomes true in that time, for what the server sees a little later than the client."""
        end = time.monotonic() + seconds
        while not true() and time.monotonic() < end:
            time.sleep(0.005)
        return true()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.lock:
            self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        with self.lock:
            for connection in self.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Exchange(BaseHTTPRequestHandler):
    """One connection to a `FakeServer`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeServer
    chunked = False

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.server.mute:
            stall(headers=False)(self)
        elif self.path == "/v1/models" and self.let_in():
            told = {} if self.server.window is None else {"max_model_len": self.server.window}
            models = [{"id": name, "object": "model", **told} for name in self.server.models]
            self.send_json(200, {"object": "list", "data": models})
        elif self.path != "/v1/models":
            self.send_json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/chat/completions":
            with self.server.lock:
                self.server.requests.append(body)
                self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.server.in_flight += 1
                self.server.most_in_flight = max(self.server.most_in_flight, self.server.in_flight)
            try:
                self.chat(body)
            finally:
                with self.server.lock:
                    self.server.in_flight -= 1
        elif self.server.mute:
            stall(headers=False)(self)
        elif self.path == "/tokenize" and self.server.tokenize is not None:
            field = "prompt" if self.server.tokenize == "vllm" else "content"
            text = body.get(field)
            if text is None and "messages" in body:
                text = "".join(f"<|{each['role']}|>{each['content']}" for each in body["messages"])
            tokens = list(range(count(text or "")))
            self.send_json(200, {"tokens": tokens} | ({"count": len(tokens)} if field == "prompt" else {}))
        elif self.path == "/api/show" and self.server.show is not None:
            self.send_json(200, self.server.show)
        elif self.path == "/v1/systemone" and self.server.decisions:
            self.decide(body)
        else:
            self.send_json(404, {"detail": "Not Found"})

    def chat(self, body: dict[str, Any]) -> None:
        if not self.let_in():
            return
        fault = self.server.next_fault()
        if fault is not None:
            fault(self)
            return
        if body["model"] not in self.server.models:
            self.refuse(404, f"The model `{body['model']}` does not exist.", "model_not_found")
            return
        prompt = sum(count(message["content"]) for message in body["messages"])
        limit = self.server.real_window
        if limit is not None and prompt + body.get("max_tokens", 0) > limit:
            self.refuse(400, TOO_LONG.format(limit=limit, prompt=prompt), None)
            return
        if self.server.forbidden is not None and any(
            self.server.forbidden in message["content"] for message in body["messages"]
        ):
            self.refuse(400, "The prompt was blocked by the content policy.", "content_policy_violation")
            return
        if "stream_options" in body and self.server.usage == "refused":
            self.refuse(422, "Unexpected fields in the request: {'stream_options'}", None)
            return
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        if schema is not None and self.server.schemas == "refused":
            self.refuse(400, "response_format is not supported", None)
            return
        text = self.server.reply(body)
        if schema is not None and self.server.schemas == "enforced":
            text = enforced(text, schema)
        if self.server.closing.wait(self.server.latency):
            return
        words = list(pieces(text))
        length = len(words) > body.get("max_tokens", len(words))
        words = words[: body.get("max_tokens", len(words))]
        usage = {"prompt_tokens": prompt, "completion_tokens": len(words)}
        usage["total_tokens"] = sum(usage.values())
        self.begin_stream()
        self.send_delta({"role": "assistant", "content": ""})
        for word in words:
            self.send_delta({"content": word})
            if self.server.pace and self.server.closing.wait(self.server.pace):
                return
        self.send_delta({}, finish="length" if length else "stop")
        if self.server.usage == "told" and body.get("stream_options", {}).get("include_usage"):
            self.send_event({"choices": [], "usage": usage})
        self.send_raw(b"data: [DONE]\n\n")
        self.end_stream()

    def decide(self, body: dict[str, Any]) -> None:
        """The option that the reply says, or else the first."""
        if "questions" not in body:
            self.send_json(422, {"detail": [{"loc": ["body", "questions"], "msg": "Field required"}]})
            return
        said = self.server.reply(body)
        answers = {
            name: {"type": "choice", "choice": said if said in options else options[0], "confidence": 1.0}
            for name, options in ((name, list(each["criteria"])) for name, each in body["questions"].items())
        }
        self.send_json(200, {"model": body["model"], "answers": answers, "usage": {"input_tokens": 1}})

    def let_in(self) -> bool:
        if self.server.key in (None, (self.headers["Authorization"] or "").removeprefix("Bearer ")):
            return True
        sent = self.headers["Authorization"]
        self.refuse(401, f"Incorrect API key provided: {sent}", "invalid_api_key")
        return False

    def refuse(self, code: int, message: str, kind: str | None) -> None:
        self.send_json(code, {"error": {"message": message, "type": "invalid_request_error", "code": kind}})

    def send_json(self, code: int, content: object, headers: Mapping[str, str] | None = None) -> None:
        self.send_body(code, json.dumps(content).encode(), "application/json", headers)

    def send_body(
        self, code: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(code)
        for name, value in ({"Content-Type": content_type} | dict(headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_raw(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def send_event(self, content: Mapping[str, Any]) -> None:
        event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fake", **content}
        self.send_raw(b"data: " + json.dumps(event).encode() + b"\n\n")

    def send_delta(self, delta: Mapping[str, Any], finish: str | None = None) -> None:
        self.send_event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        """Cut the connection in the middle of what is being sent."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


TOO_LONG = (
    "This model's maximum context length is {limit} tokens. However, you requested more: {prompt} in the "
    "messages. Please reduce the length of the messages or completion."
)


def count(text: str) -> int:
    """Tokens of a text for the fake server."""
    return -(-len(text) // PIECE)


def pieces(text: str) -> Iterator[str]:
    """The tokens in which a reply is sent."""
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def enforced(text: str, schema: Mapping[str, Any]) -> str:
    """The text if it fits the outline of the schema, and else the plainest thing that does."""
    try:
        value = json.loads(text)
    except ValueError:
        return json.dumps(plainest(schema))
    if "enum" in schema:
        fits = value in schema["enum"]
    else:
        fits = not schema.get("required") or (
            isinstance(value, dict) and set(schema["required"]) <= set(value) <= set(schema["properties"])
        )
    return text if fits else json.dumps(plainest(schema))


def plainest(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The smallest value that a schema allows."""
    root = schema if root is None else root
    if "$ref" in schema:
        return plainest(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return plainest(schema[choice][0], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: plainest(fields[name], root) for name in schema.get("required", fields)}
        case "array":
            return [plainest(schema["items"], root) for _ in range(schema.get("minItems", 0))]
        case "string":
            return "a" * schema.get("minLength", 0)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return None


# Faults.


def status(code: int, retry_after: str | None = None, message: str = "no") -> Fault:
    """Answers with that status."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda exchange: exchange.send_json(code, {"error": {"message": message}}, headers)


def stall(before: Sequence[str] = (), headers: bool = True) -> Fault:
    """Sends these pieces and then nothing more, with the connection open; not even headers if so wished."""

    def fault(exchange: Exchange) -> None:
        if headers:
            exchange.begin_stream()
            for piece in before:
                exchange.send_delta({"content": piece})
        while not exchange.server.closing.wait(0.02) and not gone(exchange.connection):
            continue
        exchange.hang_up()

    fault.stalls = True  # type: ignore[attr-defined]
    return fault


def cut(before: Sequence[str] = (), *, politely: bool = False) -> Fault:
    """Ends the connection after these pieces; politely ends the stream in good form, but with no ending."""

    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        for piece in before:
            exchange.send_delta({"content": piece})
        if politely:
            exchange.end_stream()
        else:
            exchange.hang_up()

    return fault


def trickle(text: str, seconds: float) -> Fault:
    """Sends that text again and again for ever, with a pause between two."""

    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        while not exchange.server.closing.wait(seconds):
            exchange.send_delta({"content": text})

    return fault


def events(*deltas: Mapping[str, Any], finish: str = "stop") -> Fault:
    """Sends these deltas as they are, then a good ending."""

    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        for delta in deltas:
            exchange.send_delta(delta)
        exchange.send_delta({}, finish=finish)
        exchange.send_raw(b"data: [DONE]\n\n")
        exchange.end_stream()

    return fault


def raw_events(*contents: bytes) -> Fault:
    """Sends a stream of exactly these bytes, each a `data:` line."""

    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        for content in contents:
            exchange.send_raw(b"data: " + content + b"\n\n")
        exchange.end_stream()

    return fault


def body(content: bytes, content_type: str, code: int = 200) -> Fault:
    """Answers with exactly this, whatever was asked."""
    return lambda exchange: exchange.send_body(code, content, content_type)


def gone(connection: socket.socket) -> bool:
    """Whether the other side has closed."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@contextmanager
def serving(
    reply: Reply = lambda body: "Hello there, reader.",
    *,
    faults: Sequence[Fault | None] = (),
    port: int = 0,
    **attributes: Any,
) -> Iterator[FakeServer]:
    """A fake server on that port, or a free one; `attributes` are those of `FakeServer`."""
    server = FakeServer(reply, port)
    server.faults = list(faults)
    for name, value in attributes.items():
        if not hasattr(server, name):
            raise TypeError(f"the server has no {name}")
        setattr(server, name, value)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])


@contextmanager
def transformers_serve(folder: Path, seconds: float = 180.0) -> Iterator[str]:
    """The base URL of a real `transformers serve`; the name of its model is the path of the folder."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--default-seed", "0"]
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile("w+") as log:
        environment |= {"HOME": home, "HF_HOME": home, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log, text=True)
        try:
            end = time.monotonic() + seconds
            while not healthy(f"http://127.0.0.1:{port}/health"):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise AssertionError(f"transformers serve does not start:\n{log.read()[-4000:]}")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def healthy(url: str) -> bool:
    """Whether that address answers with 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
