"""What events are shipped to: each listens on the loopback where the configurations of deploy/logs expect it."""

import http.server
import json
import re
import socketserver
import threading
import typing

from programs import Program


class Message(typing.NamedTuple):
    """One event that arrived."""
    node: str
    text: str  # JSON
    stream: dict[str, str] = {}  # Loki's labels
    nanoseconds: int = 0  # Loki's time


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, handler):
        super().__init__(("127.0.0.1", port), handler)
        self.messages: list[Message] = []
        self.refused: list[str] = []  # what was no message
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class SyslogReceiver(_Server):
    """RFC 5424 in the octet-counted frames of RFC 6587."""

    def __init__(self):
        super().__init__(601, _Frames)


class _Frames(socketserver.StreamRequestHandler):
    _MESSAGE = re.compile(r"<30>1 \S+ (?P<node>\S+) knell - - - (?P<text>.*)\n?")

    def handle(self):
        while length := self._length():
            text = self.rfile.read(length).decode()
            if message := self._MESSAGE.fullmatch(text):
                self.server.messages.append(Message(**message.groupdict()))
            else:
                self.server.refused.append(text)

    def _length(self) -> int:
        digits = b""
        while (byte := self.rfile.read(1)).isdigit():
            digits += byte
        return int(digits or 0)


class Loki(_Server):
    """Its push API, as strict as Loki's: https://grafana.com/docs/loki/latest/reference/loki-http-api/"""

    def __init__(self):
        super().__init__(3100, _Push)


class _Push(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            assert (self.path, self.headers["Content-Type"]) == ("/loki/api/v1/push", "application/json")
            messages = [message for stream in json.loads(body)["streams"] for message in self._messages(**stream)]
        except (AssertionError, KeyError, TypeError, ValueError) as wrong:
            self.server.refused.append(f"{self.path} {self.headers} {wrong!r}: {body}")
            self._answer(400)
        else:
            self.server.messages += messages
            self._answer(204)

    def log_message(self, *_):
        pass

    @staticmethod
    def _messages(stream: dict, values: list):
        assert stream and all(isinstance(value, str) and value for value in stream.values())
        for nanoseconds, line in values:
            yield Message(json.loads(line)["node"], line, stream, int(nanoseconds))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Kafka:
    """The broker that librdkafka has for tests, in a consumer of its own."""

    def __init__(self, start: typing.Callable[..., Program]):
        self._kcat = start(["kcat", "-C", "-q", "-u", "-b", "unused", "-X", "test.mock.num.brokers=1", "-t", "knell"])
        self.address = self._kcat.await_line(r"replaced with (127\.0\.0\.1:\d+)", "stderr")[1]
        self.refused: list[str] = []

    @property
    def messages(self) -> list[Message]:
        return [Message(json.loads(line)["node"], line) for line in self._kcat.stdout.split("\n")[:-1]]
