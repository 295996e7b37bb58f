"""The landing page in a real browser."""

import signal
import urllib.parse

from browser import Browser
from programs import wait_until
from support import EndToEnd, requires

# The kernel keeps 15 bytes of a name.
HOSTILE = ["<img src=//x>", "</table><b>", "&lt;\"'`${1}"]
# Of a row: three cells, and what is in them.
ELEMENTS = 10


@requires("chromium")
class Page(EndToEnd):

    def setUp(self):
        super().setUp()
        self.agent = self.start_agent()
        self.browser = Browser(self.directory)
        self.addCleanup(self.browser.kill)

    def open_page(self) -> None:
        self.browser.open(f"{self.agent.url}/")

    def row(self, pid: int) -> str | None:
        """What a reader sees of this death among the kills and crashes."""
        return self.browser.evaluate(f"document.querySelector('#abnormal [data-key^=\"{pid}-\"]')?.innerText")

    def see(self, kill):
        """The program that `kill()` killed, and its row. Fifty deaths of others hide it: then it kills another one."""

        def attempt():
            victim = kill()
            try:
                return victim, wait_until(lambda: self.row(victim.pid), "its row", seconds=6)
            except AssertionError:
                return None

        return wait_until(attempt, "a death on the page")

    def test_a_death_appears_by_itself(self):
        self.open_page()
        self.browser.evaluate("document.marked = true")
        self.assertEqual(self.browser.evaluate("document.getElementById('state').textContent"), "live")
        unit = self.make_unit()
        victim, row = self.see(lambda: self.kill_victim("sleep", unit=unit))
        for part in [str(victim.pid), unit.name, "signal", "SIGKILL", "by parent"]:
            self.assertIn(part, row)
        for _ in range(20):  # a table of those who die most
            self.kill_victim("sleep", unit=unit)
        text = wait_until(lambda: self.kills_of(unit.name), "the unit among the killed")
        self.assertEqual(text.split()[:-1], [unit.name, "parent", "SIGKILL"])
        self.assertTrue(self.browser.evaluate("document.marked"), "the page was loaded again")
        self.assert_nothing_else_happened()

    def kills_of(self, unit: str) -> str | None:
        rows = "Array.from(document.querySelectorAll('#kills tr'), row => row.innerText)"
        return next((row for row in self.browser.evaluate(rows) if row.startswith(unit)), None)

    def test_names_stay_text(self):
        self.open_page()
        for name in HOSTILE:
            with self.subTest(name):
                victim, _ = self.see(lambda name=name: self.kill_victim("rename", name))
                row = f"#abnormal [data-key^=\"{victim.pid}-\"]"
                self.assertEqual(self.browser.evaluate(f"document.querySelector('{row} .name').textContent"), name)
                self.assertEqual(self.browser.evaluate(f"document.querySelectorAll('{row} *').length"), ELEMENTS)
        self.open_page()  # the same, in what the browser itself parses
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('img').length"), 0)
        self.assert_nothing_else_happened()

    def test_fits_phones_and_wide_screens(self):
        for name in ["x" * 15, "worker"]:
            self.kill_victim("rename", name, unit=self.make_unit(f"{'long-' * 20}{name}.service"))
        self.open_page()
        for width in [400, 700, 1000, 1400]:
            for scheme in ["light", "dark"]:
                with self.subTest(width=width, scheme=scheme):
                    self.browser.look(width, scheme=scheme)
                    self.assertEqual(self.browser.evaluate(_TOO_WIDE), [])
                    self.assertGreaterEqual(self.browser.evaluate(_LEAST_CONTRAST), 4.5)  # WCAG 2, AA

    def test_tells_that_it_is_old(self):
        self.open_page()
        self.agent.signal(signal.SIGTERM)
        self.agent.wait()
        state = "document.getElementById('state').textContent"
        wait_until(lambda: "no answer since" in self.browser.evaluate(state), "the page to say so")
        self.assertTrue(self.browser.evaluate("document.body.classList.contains('stale')"))

    def test_stands_still_when_asked_to(self):
        self.open_page()
        self.browser.evaluate("document.getElementById('pause').click()")
        before = self.browser.evaluate("document.querySelector('main').innerHTML")
        pid = self.kill_victim("sleep").pid
        wait_until(lambda: f'data-key="{pid}-' in self.agent.get("/").text, "the agent to know of it")
        self.assertEqual(self.browser.evaluate("document.getElementById('state').textContent"), "paused")
        self.assertEqual(self.browser.evaluate("document.querySelector('main').innerHTML"), before)
        self.browser.evaluate("document.getElementById('pause').click()")
        wait_until(lambda: self.row(pid), "the page to go on")

    def test_is_whole_without_script(self):
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        pid = self.kill_victim("sleep").pid
        wait_until(lambda: f'data-key="{pid}-' in self.agent.get("/").text, "the agent to know of it")
        self.browser.call("Page.navigate", url=f"{self.agent.url}/")
        wait_until(lambda: self.row(pid), "its row")
        self.assertTrue(self.browser.evaluate("document.getElementById('pause').hidden"))
        self.assert_nothing_else_happened()

    def assert_nothing_else_happened(self):
        """No complaint in the console, and no request to anybody but the agent."""
        entries = [event["entry"]["text"] for event in self.browser.of_kind("Log.entryAdded")]
        for kind in ["Runtime.exceptionThrown", "Runtime.consoleAPICalled"]:
            entries += map(str, self.browser.of_kind(kind))
        self.assertEqual(entries, [])
        asked = [event["request"]["url"] for event in self.browser.of_kind("Network.requestWillBeSent")]
        self.assertEqual({urllib.parse.urlsplit(url)[:2] for url in asked}, {urllib.parse.urlsplit(self.agent.url)[:2]})


# What cannot be seen whole without scrolling sideways. The table of features may, in a part of its own.
_TOO_WIDE = """
Array.from(document.querySelectorAll('html, section, section *'))
  .filter((element) => element.scrollWidth > Math.max(element.clientWidth, 1) && getComputedStyle(element).display !== 'inline')
  .map((element) => `${element.tagName}.${element.className} ${element.scrollWidth} > ${element.clientWidth}`)
"""

# Of any text against what it stands on, as WCAG 2 reckons it from the luminance of both.
_LEAST_CONTRAST = """
(() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
    }
  };
  const contrast = (element) => {
    const style = getComputedStyle(element);
    const [dark, light] = [style[element instanceof SVGElement ? 'fill' : 'color'], background(element)]
      .map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  document.getAnimations().forEach((animation) => animation.finish());
  const hasText = (element) => Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
  return Math.min(...Array.from(document.querySelectorAll('body *:not(title)')).filter(hasText).map(contrast));
})()
"""
