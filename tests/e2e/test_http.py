"""The agent's HTTP server: what it serves, and what it refuses."""

import html
import http.client
import re
import socket
import threading
import urllib.parse

from programs import wait_until
from support import EndToEnd, requires


@requires()
class Http(EndToEnd):

    def test_metrics_name_their_format(self):
        answer = self.start_agent().get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertIn("text/plain", answer.headers["Content-Type"])
        self.assertIn("version=0.0.4", answer.headers["Content-Type"])

    def test_routes(self):
        agent = self.start_agent()
        for path, method, status in [
            ("/healthz", "GET", 200),
            ("/readyz", "GET", 200),
            ("/", "GET", 200),
            ("/page.css", "GET", 200),
            ("/page.js", "GET", 200),
            ("/metrics", "HEAD", 200),
            ("/healthz", "HEAD", 200),
            ("/metrics/", "GET", 404),
            ("/nothing", "GET", 404),
            ("/../../etc/passwd", "GET", 404),
            ("/metrics", "POST", 405),
            ("/metrics", "PUT", 405),
            ("/", "DELETE", 405),
        ]:
            with self.subTest(method=method, path=path):
                answer = agent.get(path, method)
                self.assertEqual(answer.status, status, answer.text)
                if method == "HEAD":
                    self.assertEqual(answer.body, b"")
                if status == 405:
                    self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_page_shows_features_and_the_latest_deaths(self):
        agent = self.start_agent()

        def find_victim():
            """The page and the victim's row in it. It may be too late, after fifty deaths of others: then None."""
            victim = self.kill_victim("rename", "<b>&e2e")
            try:
                return wait_until(lambda: self.find_row(agent.get("/").text, victim.pid), "its row", seconds=2)
            except AssertionError:
                return None

        page, row = wait_until(find_victim, "a victim on the page")
        self.assertIn("text/html", agent.get("/").headers["Content-Type"])
        self.assertIn("default-src 'none'", agent.get("/").headers["Content-Security-Policy"])
        self.assertIn(html.escape("<b>&e2e"), row)
        self.assertNotIn("<b>&e2e", page)
        self.assertIn('signal</b> SIGKILL', row)
        for feature in ["exit", "signal", "fork", "exec", "oom_scope", "watch", "event_loop", "attribution"]:
            self.assertIn(f'<th scope="row">{feature}</th>', page)

    @staticmethod
    def find_row(page: str, pid: int):
        row = re.search(rf'<tr data-key="{pid}-.*?</tr>', page, re.DOTALL)
        return (page, row[0]) if row else None

    def test_answers_while_clients_misbehave(self):
        agent = self.start_agent()
        address = (urllib.parse.urlsplit(agent.url).hostname, urllib.parse.urlsplit(agent.url).port)

        def send(request: bytes) -> bytes:
            with socket.create_connection(address, timeout=20) as peer:
                peer.sendall(request)
                try:
                    return peer.recv(64)
                except ConnectionResetError:
                    return b""

        for name, request in {
            "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
            "endless header": b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (1 << 20),
            "endless path": b"GET /" + b"x" * (1 << 20),
            "no host": b"GET /metrics HTTP/1.1\r\n\r\n",
        }.items():
            with self.subTest(name):
                self.assertNotIn(b" 200 ", send(request))
                self.assertEqual(agent.get("/healthz").status, 200)

    def test_bounds_connections(self):
        agent = self.start_agent()
        address = (urllib.parse.urlsplit(agent.url).hostname, urllib.parse.urlsplit(agent.url).port)
        before = agent.scrape().value("process_open_fds")
        idle = [socket.create_connection(address) for _ in range(64)]
        self.addCleanup(lambda: [peer.close() for peer in idle])
        # The eight that it holds for one address at most, and it takes no more from them.
        wait_until(lambda: len([peer for peer in idle if self.is_closed(peer)]) >= 64 - 8, "connections to be refused")
        for peer in idle:
            peer.close()
        wait_until(lambda: self.serves(agent), "the agent to serve again")
        self.assertLessEqual(agent.scrape().value("process_open_fds"), before + 8)

    @staticmethod
    def is_closed(peer: socket.socket) -> bool:
        peer.setblocking(False)
        try:
            return peer.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    @staticmethod
    def serves(agent) -> bool:
        try:
            return agent.get("/healthz").status == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    def test_many_scrapes_at_once(self):
        agent = self.start_agent()
        failures = []

        def scrape():
            try:
                for _ in range(10):
                    agent.scrape()
            except (AssertionError, OSError, http.client.HTTPException) as error:
                failures.append(error)

        threads = [threading.Thread(target=scrape) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
