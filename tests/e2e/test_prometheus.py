"""A real Prometheus scrapes the agent and answers questions about what died."""

import signal
import time

from programs import wait_until
from prometheus import PrometheusTest
from support import requires


@requires("prometheus")
class Prometheus(PrometheusTest):

    def test_scrapes_and_answers(self):
        agent, unit = self.start_agent(), self.make_unit()
        victim = self.start_ready("sleep", unit=unit)
        agent.await_series(unit=unit.name)
        prometheus = self.start_prometheus(agent)
        deaths = f'knell_process_exits_total{{job="knell",unit="{unit.name}",reason="signal"}}'

        prometheus.await_value('up{job="knell"}', 1)
        # The counter was there before the first death, so the first death is an increase.
        prometheus.await_value(deaths, 0)
        victim.signal(signal.SIGKILL)
        prometheus.await_value(deaths, 1)
        self.assertGreater(prometheus.query(f"increase({deaths}[1m])"), 0)
        self.assertEqual(prometheus.query(f'sum(knell_process_exits_total{{unit="{unit.name}"}})'), 1)

        agent.stop()
        prometheus.await_value('up{job="knell"}', 0)

    def test_an_exemplar_names_the_process(self):
        """Prometheus asks for OpenMetrics, which has them."""
        agent, unit = self.start_agent(), self.make_unit()
        self.start_ready("sleep", unit=unit)
        agent.await_series(unit=unit.name)
        prometheus = self.start_prometheus(agent)
        death = f'knell_process_exits_total{{unit="{unit.name}",reason="crash"}}'
        prometheus.await_value(death, 0)
        before = time.time()
        victim = self.start_victim("segv", unit=unit)
        victim.wait()
        prometheus.await_value(death, 1)

        def exemplars():
            found = prometheus.ask("query_exemplars", query=death, start=before - 60, end=time.time() + 60)
            return [exemplar for series in found for exemplar in series["exemplars"]]

        wait_until(exemplars, "an exemplar")
        (exemplar,) = exemplars()
        self.assertEqual(exemplar["labels"], {"pid": str(victim.pid), "comm": "die"})
        self.assertAlmostEqual(exemplar["timestamp"], before, delta=10)
        created = death.replace("_total", "_created")
        self.assertLess(prometheus.query(created), before)
        # The names of buckets are those of the text format.
        self.assertIsNotNone(prometheus.query('knell_exit_reaction_seconds_bucket{le="1e-06"}'))
