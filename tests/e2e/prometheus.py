"""A real Prometheus that scrapes one agent."""

import json
import pathlib
import signal
import urllib.parse
import urllib.request

from programs import wait_until
from support import EndToEnd

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"
RULES = sorted((DEPLOY / "prometheus").glob("rules/*.yaml")) + sorted((DEPLOY / "prometheus").glob("alerts/*.yaml"))

CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: {rules}
scrape_configs:
  - job_name: knell
    honor_labels: true
    static_configs: [{{targets: ["{target}"], labels: {labels}}}]
"""


class PrometheusServer:

    def __init__(self, url: str):
        self.url = url

    def ask(self, path: str, **parameters):
        """The data that a path of its API answers."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> float | None:
        """The value of an expression that gives one sample; None while it gives none."""
        result = self.ask("query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else None

    def await_value(self, expression: str, wanted: float) -> None:
        wait_until(lambda: self.query(expression) == wanted, f"{expression} to be {wanted:g}")


class PrometheusTest(EndToEnd):
    """What tests with a Prometheus share."""

    def start_prometheus(self, agent, rules: bool = False, **labels) -> PrometheusServer:
        """`rules`: with those of deploy/prometheus; `labels`: of the target, as service discovery attaches them."""
        config = self.directory / "prometheus.yml"
        config.write_text(CONFIG.format(target=urllib.parse.urlsplit(agent.url).netloc, labels=json.dumps(labels),
                                        rules=json.dumps([str(path) for path in RULES if rules])))
        server = self.start(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.directory}/data",
                             "--enable-feature=exemplar-storage",
                             "--web.listen-address=127.0.0.1:0"])
        address = server.await_line(r'msg="Listening on" address=(\S+)', "stderr")[1]
        server.await_line("Server is ready to receive web requests", "stderr")
        self.addCleanup(server.wait)
        self.addCleanup(server.signal, signal.SIGTERM)
        return PrometheusServer(f"http://{address}")
