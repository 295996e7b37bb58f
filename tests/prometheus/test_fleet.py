"""deploy/prometheus/fleet in real servers: two shards of many nodes, a server that they are federated in, and one that they write
to. The nodes are one agent that is scraped under many names."""

import json
import os
import pathlib
import re
import signal
import urllib.parse

import yaml

from programs import wait_until
from prometheus import PrometheusServer, PrometheusTest
from support import requires

FLEET = pathlib.Path(os.environ["KNELL_SOURCE"], "deploy", "prometheus", "fleet")
NODES = [f"node-{number}" for number in range(12)]
SHARDS = 2
RECORDED = "namespace:knell_process_exits:rate5m"


def all_names(server: PrometheusServer) -> set[str]:
    return set(server.ask("label/__name__/values"))


@requires("prometheus")
class Fleet(PrometheusTest):

    def serve(self, name: str, config: str, *options: str) -> str:
        """A server with this configuration; its address."""
        path = self.directory / f"{name}.yaml"
        path.write_text(re.sub(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", config)
                        .replace("../", f"{FLEET.parent}/"))
        server = self.start(["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.directory}/{name}",
                             "--web.listen-address=127.0.0.1:0", *options])
        address = server.await_line(r'msg="Listening on" address=(\S+)', "stderr")[1]
        server.await_line("Server is ready to receive web requests", "stderr")
        self.addCleanup(server.wait)
        self.addCleanup(server.signal, signal.SIGTERM)
        return address

    def shard(self, number: int, agent: str, receiver: str) -> str:
        """The configuration of one of them. Debian's Prometheus knows no Kubernetes: what its discovery would say is given."""
        config = yaml.safe_load((FLEET / "shard.yaml").read_text())
        (job,) = config["scrape_configs"]
        job.pop("kubernetes_sd_configs")
        job["static_configs"] = [{"targets": [agent], "labels": {
            "__meta_kubernetes_pod_label_app_kubernetes_io_name": "knell", "__meta_kubernetes_pod_container_port_name": "metrics",
            "__meta_kubernetes_pod_node_name": node}} for node in NODES]
        return (json.dumps(config).replace('"modulus": 5', f'"modulus": {SHARDS}').replace('"regex": "0"', f'"regex": "{number}"')
                .replace('"shard": "0"', f'"shard": "{number}"').replace("https://metrics.example", f"http://{receiver}")
                .replace('_interval": "30s"', '_interval": "1s"').replace('_interval": "1m"', '_interval": "1s"'))

    def test_what_is_recorded_leaves_and_nothing_else(self):
        agent, unit = self.start_agent(), self.make_unit()
        receiver = self.serve("receiver", "global: {}\n", "--web.enable-remote-write-receiver")
        shards = [self.serve(f"shard{number}", self.shard(number, urllib.parse.urlsplit(agent.url).netloc, receiver))
                  for number in range(SHARDS)]
        federation = yaml.safe_load((FLEET / "global.yaml").read_text())
        federation["scrape_configs"][0]["static_configs"] = [{"targets": shards}]
        federation = self.serve("global", yaml.safe_dump(federation))
        self.die("exit", "1", unit=unit)

        def scraped() -> list[str]:
            """The nodes of all shards, once for each that scrapes it."""
            return [series["metric"]["instance"] for address in shards
                    for series in PrometheusServer(f"http://{address}").ask("query", query="up == 1")["result"]]

        wait_until(lambda: len(scraped()) >= len(NODES), "all nodes to be scraped")
        self.assertCountEqual(scraped(), NODES)

        for sink in [PrometheusServer(f"http://{receiver}"), PrometheusServer(f"http://{federation}")]:
            wait_until(lambda: sink.query(f"count(count by (shard) ({RECORDED}{{cluster='example'}}))") == SHARDS,
                       "what all shards recorded")
            ours = {name for name in all_names(sink) if "knell" in name}
            self.assertEqual({name for name in ours if not re.match("(namespace|cluster):", name)}, set())
            # What two shards recorded of one namespace is one again.
            self.assertEqual(sink.query(f"count(sum without (shard) ({RECORDED}{{namespace='', reason='error'}}))"), 1)
