"""A running `knell run`."""

import dataclasses
import http.client
import pathlib
import signal
import urllib.parse

from exposition import Exposition
from programs import KNELL, Program, wait_until


@dataclasses.dataclass
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Agent(Program):
    """Started, observing and serving once it is constructed."""

    def __init__(self, directory: pathlib.Path, config: str | None = None, wrapper=(), program=KNELL, **popen):
        """`config`: its configuration file's text, which names the port to listen on; without it, one is chosen.
        `wrapper`: a command line that ends by executing the agent in its place.

        Agents of one directory follow each other; those of others do not know of it."""
        self.config_path = directory / "knell.yaml"
        self.pin = pathlib.Path("/sys/fs/bpf", directory.name)
        self.config_path.write_text(self.with_pin(config or "listen: 127.0.0.1:0\n"))
        super().__init__([*wrapper, program, "run", "--config", self.config_path], directory, **popen)
        try:
            self.url = self.await_line(r"metrics on (http://\S+)/metrics$", "stderr")[1]
        except BaseException:
            self.kill()
            raise

    def with_pin(self, config: str) -> str:
        """A configuration that says where this agent's state is pinned, unless it says so itself."""
        return config if "state:" in config else f"{config}state: {{pin: {self.pin}}}\n"

    def kill(self) -> None:
        """Nothing of it stays in the kernel either."""
        super().kill()
        if self.pin.exists():
            for pins in self.pin.iterdir():
                for pin in pins.iterdir():
                    pin.unlink()
                pins.rmdir()
            self.pin.rmdir()

    def get(self, path: str, method: str = "GET") -> Response:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def scrape(self) -> Exposition:
        answer = self.get("/metrics")
        if answer.status != 200:
            raise AssertionError(f"/metrics: {answer.status}: {answer.text}")
        return Exposition(answer.text)

    def settle(self) -> None:
        """Returns when the loop has turned since: it is through with what it was telling."""
        answer = self.get("/healthz")
        if answer.status != 200:
            raise AssertionError(f"/healthz: {answer.status}: {answer.text}")

    def settled_scrape(self) -> Exposition:
        """A scrape in which all that was told before is told whole. One event moves several counters, and a scrape does
        not wait for the loop: it may come between two of them."""
        self.settle()
        return self.scrape()

    def await_sum(self, wanted: float, name: str, **labels) -> Exposition:
        """Waits until the sum over these series has reached `wanted`; a settled scrape from then."""
        latest = 0.0

        def reached():
            nonlocal latest
            latest = self.scrape().sum(name, **labels)
            return latest >= wanted

        try:
            wait_until(reached, f"{name}{labels} to reach {wanted:g}")
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {latest:g}") from None
        return self.settled_scrape()

    def await_series(self, **labels) -> Exposition:
        """Waits until the agent knows a workload with these labels; a settled scrape from then."""
        wait_until(lambda: self.scrape().values("knell_process_exits_total", **labels), f"series with {labels}")
        return self.settled_scrape()

    def stop(self) -> None:
        """SIGTERM: it must leave by itself, and say so."""
        self.signal(signal.SIGTERM)
        status = self.wait()
        if status != 0:
            raise AssertionError(f"{self}: status {status} after SIGTERM: {self.stderr}")
