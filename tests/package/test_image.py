"""The container image: what is in it, and that its agent sees what dies on the host."""

import pathlib
import shutil
import subprocess

from exposition import Exposition
from image import ImageTest
from programs import wait_until
from support import requires

PINS = pathlib.Path("/sys/fs/bpf/knell")


@requires("runc", "curl")
class Image(ImageTest):

    def check_sees_host(self, container) -> Exposition:
        """A death outside of the container, with its unit, which takes every capability that it was given but one."""
        unit = self.make_unit()
        self.die("exit", "3", unit=unit)

        def scrape():
            return Exposition(subprocess.run(["curl", "-sf", "http://127.0.0.1:9477/metrics"], capture_output=True, text=True,
                                             check=True).stdout)

        wait_until(lambda: scrape().sum("knell_process_exits_total", unit=unit.name, reason="error") == 1, "the death")
        self.assertNotIn(" error ", container.stderr)
        return scrape()

    def test_root_with_few_capabilities(self):
        container = self.start_container(uid=0)
        metrics = self.check_sees_host(container)
        self.assertEqual(metrics.values("knell_feature_info", feature="restart", hook=f"pinned in {PINS}"), [1])

    def test_another_user(self):
        """With ambient capabilities. Its directory among the pins is made for it."""
        PINS.mkdir()
        shutil.chown(PINS, 65532, 65532)
        metrics = self.check_sees_host(self.start_container(uid=65532))
        self.assertEqual(metrics.values("knell_feature_info", feature="restart", hook=f"pinned in {PINS}"), [1])

    def test_holds_one_program(self):
        programs = [path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file() and path.stat().st_mode & 0o111]
        self.assertEqual([str(path) for path in programs if ".so" not in path.name], ["usr/bin/knell"])
        shown = subprocess.run(["chroot", self.root, "/usr/bin/knell", "--version"], capture_output=True, text=True, check=False)
        self.assertRegex(shown.stdout, r"^knell \d")
        for library in [path for path in programs if ".so" in path.name]:
            self.assertTrue(str(library).startswith("lib"), library)
        self.assertGreater(len(list(self.root.glob("usr/share/doc/*/copyright"))), 5)
