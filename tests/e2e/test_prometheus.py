"""A real Prometheus scrapes the agent and answers questions about what died."""

import json
import signal
import time
import urllib.parse
import urllib.request

from programs import wait_until
from support import EndToEnd, requires

CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: knell
    static_configs: [{{targets: ["{target}"]}}]
"""


@requires("prometheus")
class Prometheus(EndToEnd):

    def start_prometheus(self, agent) -> str:
        """Its URL."""
        config = self.directory / "prometheus.yml"
        config.write_text(CONFIG.format(target=urllib.parse.urlsplit(agent.url).netloc))
        server = self.start(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.directory}/data",
                             "--enable-feature=exemplar-storage",
                             "--web.listen-address=127.0.0.1:0"])
        address = server.await_line(r'msg="Listening on" address=(\S+)', "stderr")[1]
        server.await_line("Server is ready to receive web requests", "stderr")
        self.addCleanup(server.wait)
        self.addCleanup(server.signal, signal.SIGTERM)
        return f"http://{address}"

    @staticmethod
    def ask(prometheus: str, endpoint: str, **parameters):
        """The data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{prometheus}/api/v1/{endpoint}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, prometheus: str, expression: str) -> float | None:
        """The value of an expression that gives one sample; None while it gives none."""
        result = self.ask(prometheus, "query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else None

    def await_value(self, prometheus: str, expression: str, wanted: float) -> None:
        wait_until(lambda: self.query(prometheus, expression) == wanted, f"{expression} to be {wanted:g}")

    def test_scrapes_and_answers(self):
        agent, unit = self.start_agent(), self.make_unit()
        victim = self.start_victim("sleep", unit=unit)
        victim.await_line("^ready$")
        agent.await_series(unit=unit.name)
        prometheus = self.start_prometheus(agent)
        deaths = f'knell_process_exits_total{{job="knell",unit="{unit.name}",reason="signal"}}'

        self.await_value(prometheus, 'up{job="knell"}', 1)
        # The counter was there before the first death, so the first death is an increase.
        self.await_value(prometheus, deaths, 0)
        victim.signal(signal.SIGKILL)
        self.await_value(prometheus, deaths, 1)
        self.assertGreater(self.query(prometheus, f"increase({deaths}[1m])"), 0)
        self.assertEqual(self.query(prometheus, f'sum(knell_process_exits_total{{unit="{unit.name}"}})'), 1)

        agent.stop()
        self.await_value(prometheus, 'up{job="knell"}', 0)

    def test_an_exemplar_names_the_process(self):
        """Prometheus asks for OpenMetrics, which has them."""
        agent, unit = self.start_agent(), self.make_unit()
        self.start_victim("sleep", unit=unit).await_line("^ready$")
        agent.await_series(unit=unit.name)
        prometheus = self.start_prometheus(agent)
        death = f'knell_process_exits_total{{unit="{unit.name}",reason="crash"}}'
        self.await_value(prometheus, death, 0)
        before = time.time()
        victim = self.start_victim("segv", unit=unit)
        victim.wait()
        self.await_value(prometheus, death, 1)

        def exemplars():
            found = self.ask(prometheus, "query_exemplars", query=death, start=before - 60, end=time.time() + 60)
            return [exemplar for series in found for exemplar in series["exemplars"]]

        wait_until(exemplars, "an exemplar")
        (exemplar,) = exemplars()
        self.assertEqual(exemplar["labels"], {"pid": str(victim.pid), "comm": "die"})
        self.assertAlmostEqual(exemplar["timestamp"], before, delta=10)
        created = death.replace("_total", "_created")
        self.assertLess(self.query(prometheus, created), before)
        # The names of buckets are those of the text format.
        self.assertIsNotNone(self.query(prometheus, 'knell_exit_reaction_seconds_bucket{le="1e-06"}'))
