"""Hours of what may go wrong, in rounds: storms, freezes, restarts, reloads, bad clients. After each the books balance, and
nothing has grown. KNELL_SOAK_SECONDS says for how long; scripts/soak.sh sets it."""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import threading
import time
import urllib.parse

from programs import wait_until
from support import EndToEnd, requires

SECONDS = float(os.environ.get("KNELL_SOAK_SECONDS", "120"))
STORM = 5_000
SLEEPERS = 500
STUCK_CLIENTS = 20
# The ring and the spill overflow in the rounds in which the agent does not run.
CONFIG = "listen: 127.0.0.1:0\nring: {size: 256KiB}\n"

# After its first rounds an agent may grow by this much: the heap's arenas and the tables settle late.
ROUNDS_TO_SETTLE = 4
MAY_GROW_KIB = 8 << 10


@requires()
class Soak(EndToEnd):

    def setUp(self):
        super().setUp()
        self.unit = self.make_unit()
        self.restart()

    def restart(self) -> None:
        self.agent = self.start_agent(CONFIG)
        self.rounds_of_agent = 0
        self.settled = None
        self.told_before = 0

    # What is done to it. Each lets a known number of processes of our unit end, and returns it.

    def storm(self) -> int:
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.assertEqual(storm.wait(300), 0)
        return STORM + 1

    def frozen(self) -> int:
        storm = self.start_victim("storm", str(STORM), unit=self.unit)
        self.agent.signal(signal.SIGSTOP)
        time.sleep(1)
        self.agent.signal(signal.SIGCONT)
        self.assertEqual(storm.wait(300), 0)
        return STORM + 1

    def scraped(self) -> int:
        over = threading.Event()

        def scrape():
            while not over.is_set():
                self.agent.get("/metrics")

        scrapers = [threading.Thread(target=scrape) for _ in range(2)]
        for scraper in scrapers:
            scraper.start()
        try:
            return self.storm()
        finally:
            over.set()
            for scraper in scrapers:
                scraper.join()

    def stuck_clients(self) -> int:
        address = urllib.parse.urlsplit(self.agent.url)
        clients = [socket.create_connection((address.hostname, address.port), timeout=10) for _ in range(STUCK_CLIENTS)]
        try:
            for client in clients:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
            return self.storm()
        finally:
            for client in clients:
                client.close()
            wait_until(self.answers, "an answer when they are gone")

    def answers(self) -> bool:
        try:
            return self.agent.get("/healthz").status == 200
        except ConnectionError:  # the server has not seen all of them go
            return False

    def reloaded(self) -> int:
        for text in ["colour: red\n", CONFIG + "watch: {min_age: 50ms}\n", CONFIG]:
            self.agent.config_path.write_text(self.agent.with_pin(text))
            self.agent.signal(signal.SIGHUP)
            self.agent.get("/healthz")  # the loop has turned: it was taken up
        return self.storm()

    def watched(self) -> int:
        sleepers = self.start_sleepers(SLEEPERS, self.unit)
        wait_until(lambda: self.agent.scrape().value("knell_watches", state="alive") >= SLEEPERS, "them to be watched")
        sleepers.stdin.close()
        self.assertEqual(sleepers.wait(), 0)
        return SLEEPERS + 1

    def killed(self) -> int:
        self.agent.signal(signal.SIGKILL)
        self.agent.wait()
        ended = self.storm()
        self.restart()
        return ended

    def stopped(self) -> int:
        self.agent.stop()
        ended = self.storm()
        self.restart()
        return ended

    # What holds after each round.

    def check_books(self, ended: int) -> None:
        self.told_before += ended
        metrics = self.agent.await_sum(self.told_before, "knell_process_exits_total", unit=self.unit.name)
        self.assertEqual(metrics.sum("knell_process_exits_total", unit=self.unit.name), self.told_before)
        self.assertEqual(metrics.value("knell_exits_seen_total"),
                         metrics.value("knell_exits_delivered_total") + metrics.value("knell_exits_spilled_total"))
        for family in ["knell_exits_unaccounted_total", "knell_decode_errors_total"]:
            self.assertEqual(metrics.value(family), 0, family)
        wait_until(lambda: self.agent.scrape().sum("knell_zombies", unit=self.unit.name) == 0, "no zombie to be left")

    def check_size(self) -> tuple[int, int]:
        """Resident memory in KiB, and descriptors that are no watches."""
        process = pathlib.Path(f"/proc/{self.agent.pid}")
        memory = self.agent.resident_kib()

        def descriptors() -> int:
            links = []
            for entry in (process / "fd").iterdir():
                with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                    links.append(os.readlink(entry))
            return sum(not re.search(r"pidfd|socket:", link) for link in links)

        self.rounds_of_agent += 1
        if self.rounds_of_agent == ROUNDS_TO_SETTLE:
            self.settled = (memory, descriptors())
        if self.settled:
            self.assertLess(memory, self.settled[0] + MAY_GROW_KIB, "memory grows")
            wait_until(lambda: descriptors() <= self.settled[1], f"descriptors to be {self.settled[1]} again")
        return memory, descriptors()

    def test_nothing_is_lost_and_nothing_grows(self):
        cycle = [self.storm, self.frozen, self.scraped, self.stuck_clients, self.reloaded, self.watched]
        ends = itertools.cycle([self.killed, self.stopped])
        rounds = itertools.chain.from_iterable([*cycle * 2, end] for end in ends)
        deadline, exits = time.monotonic() + SECONDS, 0
        for number in itertools.count(1):
            what = next(rounds)
            ended = what()
            self.check_books(ended)
            memory, descriptors = self.check_size()
            exits += ended
            print(f"round {number}: {what.__name__}: {ended} exits, {memory} KiB, {descriptors} descriptors", flush=True)
            if time.monotonic() > deadline:
                break
        print(f"{number} rounds, {exits} exits: each counted once")
