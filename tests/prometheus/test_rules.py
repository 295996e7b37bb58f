"""What promtool does not check of deploy/prometheus: that nothing is left out."""

import os
import pathlib
import re
import subprocess
import unittest

import yaml

SOURCE = pathlib.Path(os.environ["KNELL_SOURCE"])
DEPLOY = SOURCE / "deploy" / "prometheus"
OBJECT = SOURCE / "deploy" / "kubernetes" / "components" / "prometheus-operator" / "prometheusrule.yaml"

GROUPS = [group for kind in ("rules", "alerts") for path in sorted((DEPLOY / kind).glob("*.yaml"))
          for group in yaml.safe_load(path.read_text())["groups"]]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


class Rules(unittest.TestCase):

    def test_alerts_tell_what_to_do(self):
        for name, rule in ALERTS.items():
            with self.subTest(name):
                self.assertIn(rule["labels"]["severity"], {"critical", "warning", "info"})
                self.assertIn("for", rule)
                self.assertTrue(rule["annotations"]["summary"] and rule["annotations"]["description"])
                self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbook.md#{name.lower()}")

    def test_the_runbook_has_a_section_for_each_alert(self):
        sections = re.findall(r"(?m)^### (Knell\w+)$", (SOURCE / "docs" / "runbook.md").read_text())
        self.assertCountEqual(sections, ALERTS)

    def test_alerts_are_seen_to_fire_and_to_be_silent(self):
        fired, silent = set(), set()
        for path in (DEPLOY / "tests").glob("*.yaml"):
            for case in yaml.safe_load(path.read_text())["tests"]:
                for check in case.get("alert_rule_test", []):
                    (fired if check.get("exp_alerts") else silent).add(check["alertname"])
        self.assertEqual((fired, silent), (set(ALERTS), set(ALERTS)))

    def test_recorded_series_are_tested(self):
        tested = "".join(path.read_text() for path in (DEPLOY / "tests").glob("*.yaml"))
        used = "".join(rule["expr"] for rule in ALERTS.values())
        for rule in RULES:
            if "record" in rule:
                self.assertIn(rule["record"], used + tested)

    def test_metrics_exist(self):
        page = (SOURCE / "docs" / "metrics.md").read_text()
        families = dict(re.findall(r"(?m)^\| (knell_\w+) \| (\w+) \|", page))
        histograms = {f"{name}_{part}" for name, kind in families.items() if kind == "histogram"
                      for part in ("bucket", "sum", "count")}
        for rule in RULES:
            names = set(re.findall(r"(?<![:\w])(knell_\w+)", rule["expr"]))
            self.assertLessEqual(names, families.keys() | histograms, rule)

    def test_the_operators_object_has_the_same_rules(self):
        written = subprocess.run([DEPLOY / "prometheusrule.sh"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(OBJECT.read_text(), written, "deploy/prometheus/prometheusrule.sh says how to write it")
        self.assertEqual(yaml.safe_load(written)["spec"]["groups"], GROUPS)
