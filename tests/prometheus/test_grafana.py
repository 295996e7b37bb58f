"""deploy/grafana/knell.json as Grafana reads it."""

import itertools
import json
import os
import pathlib
import re
import subprocess
import unittest

GRAFANA = pathlib.Path(os.environ["KNELL_SOURCE"]) / "deploy" / "grafana"
TEXT = (GRAFANA / "knell.json").read_text()
DASHBOARD = json.loads(TEXT)
PANELS = DASHBOARD["panels"]


class Grafana(unittest.TestCase):

    def test_the_copy_is_what_the_script_prints(self):
        printed = subprocess.run([GRAFANA / "dashboard.py"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(TEXT, printed, "deploy/grafana/dashboard.py says how to write it")

    def test_panels_have_numbers_and_places_of_their_own(self):
        self.assertEqual(len({panel["id"] for panel in PANELS}), len(PANELS))
        for one, other in itertools.combinations([panel["gridPos"] for panel in PANELS], 2):
            apart = (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                     or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"])
            self.assertTrue(apart and one["x"] + one["w"] <= 24, (one, other))

    def test_panels_say_what_they_show(self):
        for panel in PANELS:
            if panel["type"] != "row":
                self.assertTrue(panel["title"] and panel["description"] and panel["targets"], panel)

    def test_variables_are_defined(self):
        defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
        used = set(re.findall(r"\$\{?(\w+)", TEXT)) - {"__rate_interval", "__range", "__all"}
        self.assertEqual(used, defined)
