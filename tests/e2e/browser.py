"""A real browser without a screen: Chromium over a pipe, spoken to in the DevTools protocol."""

import fcntl
import json
import os
import pathlib
import select
import time

from programs import PATIENCE, Program

# Requests of its own would look like the page's, and no test talks to other machines.
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-breakpad", "--disable-component-update", "--disable-default-apps",
    "--disable-extensions", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe",
]
# Where it reads its orders and writes its answers.
_ORDERS, _ANSWERS = 3, 4


class Browser(Program):
    """One page of one window. `events` are what it told since it opened: requests, console messages, exceptions."""

    def __init__(self, directory: pathlib.Path):
        orders_out, orders_in = os.pipe()
        answers_out, answers_in = os.pipe()
        # Beyond the two numbers, so that neither is overwritten by the other.
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (orders_out, answers_in)]

        def give():
            os.dup2(theirs[0], _ORDERS)
            os.dup2(theirs[1], _ANSWERS)

        try:
            super().__init__(["chromium", *_FLAGS, f"--user-data-dir={directory / 'chromium'}"], directory,
                             preexec_fn=give, pass_fds=(_ORDERS, _ANSWERS), env=os.environ | {"HOME": str(directory)})
        finally:
            for fd in (orders_out, answers_in, *theirs):
                os.close(fd)
        self._orders, self._answers = orders_in, answers_out
        self._unread = b""
        self._count = 0
        self._session: dict = {}
        self.events: list[dict] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters) -> dict:
        self._count += 1
        order = {"id": self._count, "method": method, "params": parameters, **self._session}
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while (message := self._receive(deadline)).get("id") != self._count:
            self.events.append(message)
        if "error" in message:
            raise AssertionError(f"{method}: {message['error']}")
        return message["result"]

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.evaluate("new Promise(done => document.readyState === 'complete' ? done() : onload = done)")

    def evaluate(self, expression: str):
        """The value of JavaScript, awaited when it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def look(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """How the page is seen from now on."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def of_kind(self, method: str) -> list[dict]:
        return [event["params"] for event in self.events if event.get("method") == method]

    def kill(self) -> None:
        """It closes by itself, with all of its processes: one that is left would still write into its directory."""
        try:
            self._session = {}
            self.call("Browser.close")
            self.wait()
        except (AssertionError, OSError):  # it is gone already, or stuck
            pass
        super().kill()
        for fd in (self._orders, self._answers):
            os.close(fd)

    def _receive(self, deadline: float) -> dict:
        while b"\0" not in self._unread:
            if not select.select([self._answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{self} is silent: {self.stderr[-2000:]}")
            read = os.read(self._answers, 1 << 16)
            if not read:
                raise AssertionError(f"{self} ended: {self.stderr[-2000:]}")
            self._unread += read
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)
