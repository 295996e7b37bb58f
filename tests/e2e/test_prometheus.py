"""A real Prometheus scrapes the agent and answers questions about what died."""

import json
import signal
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
                             "--web.listen-address=127.0.0.1:0"])
        address = server.await_line(r'msg="Listening on" address=(\S+)', "stderr")[1]
        server.await_line("Server is ready to receive web requests", "stderr")
        self.addCleanup(server.wait)
        self.addCleanup(server.signal, signal.SIGTERM)
        return f"http://{address}"

    @staticmethod
    def query(prometheus: str, expression: str) -> float | None:
        """The value of an expression that gives one sample; None while it gives none."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
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
