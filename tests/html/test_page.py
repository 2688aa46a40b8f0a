"""The page of `-o html` in a real browser: what it asks for, what runs in it, and what its controls do."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from browser import Browser

# An object, its content and its template, each of which would run a script if it could.
HOSTILE = "</script><img src=https://example.com/x.png onerror=\"document.title='ran'\"><svg onload=\"document.title='ran'\">"
BIG = 3000
LONGEST_LOAD = 60  # seconds, for the big page on a busy machine: what is quadratic takes longer


def config_map(name, **data):
    """A ConfigMap in JSON, which is YAML."""
    labels = {"app": "test"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": data}


def manifests():
    """Two manifests with an object changed, added and removed, one of them hostile."""
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
    old = [
        config_map("settings", colour="a shade of red", size="small"),
        config_map(HOSTILE, text=HOSTILE + "\nold\n"),
        config_map("gone", only="here"),
        {**deployment, "spec": {"replicas": 1}},
    ]
    new = [
        config_map("settings", colour="a shade of blue", size="small"),
        config_map(HOSTILE, text=HOSTILE + "\nnew\n"),
        config_map("fresh", only="there"),
        {**deployment, "spec": {"replicas": 3}},
    ]
    source = "# Source: " + HOSTILE + "\n"
    return ["---\n".join(source + json.dumps(one) + "\n" for one in side) for side in (old, new)]


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = cls.writes("page", *manifests())
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.closes()
        cls.folder.cleanup()

    @classmethod
    def writes(cls, name, old, new):
        """Writes the page of two manifests, and returns its path."""
        folder = pathlib.Path(cls.folder.name)
        for side, text in (("old", old), ("new", new)):
            (folder / f"{name}-{side}.yaml").write_text(text)
        line = [os.environ["PROGRAM"], "revdiff", "manifest", f"{name}-old.yaml", f"{name}-new.yaml", "-o", "html"]
        page = subprocess.run(line, cwd=folder, check=True, capture_output=True).stdout
        (folder / f"{name}.html").write_bytes(page)
        return folder / f"{name}.html"

    def setUp(self):
        self.browser.is_wide(1400)
        self.browser.prefers("light")
        self.browser.opens(self.path)
        self.browser.evaluate("localStorage.clear()")
        self.asked = self.browser.opens(self.path)

    def value(self, script):
        return self.browser.evaluate(script)

    def shown(self):
        """The names of the objects in sight, in their order."""
        names = "[...document.querySelectorAll('#objects .object')].filter(e => e.checkVisibility())"
        return self.value(names + ".map(e => e.querySelector('.name').textContent)")

    def colour(self, selector, of="backgroundColor"):
        return self.value(f"getComputedStyle(document.querySelector('{selector}')).{of}")

    def test_nothing_is_asked_for_but_the_page(self):
        for button in ("#expand", "[data-shows=split]", "#theme"):
            self.browser.clicks(button)
        self.assertEqual(self.browser.requests(), [f"file://{self.path}"])
        self.assertEqual(self.browser.complaints(), [])

    def test_hostile_names_are_shown_and_run_nothing(self):
        self.browser.clicks("#expand")
        self.assertIn("ConfigMap/" + HOSTILE, self.shown())
        self.assertIn(HOSTILE, self.value("document.querySelector('#objects').textContent"))
        self.assertNotEqual(self.value("document.title"), "ran")
        self.assertEqual(self.value("document.querySelectorAll('img, svg, iframe, object, embed').length"), 0)
        self.assertEqual(self.value("document.scripts.length"), 1)

    def test_the_policy_stops_what_escaping_would_have_let_through(self):
        self.value(
            "document.querySelector('main').insertAdjacentHTML('beforeend', `<img src='https://example.com/x.png'"
            " onerror='document.title=\"ran\"'><b id=styled style='color:red'>x</b>`)"
        )
        self.value(
            "(() => { const s = document.createElement('script'); s.textContent = 'document.title=\"ran\"';"
            " document.body.append(s); })()"
        )
        self.value("new Promise(done => setTimeout(done, 300))")
        self.assertNotEqual(self.value("document.title"), "ran")
        self.assertNotEqual(self.colour("#styled", "color"), "rgb(255, 0, 0)")
        stopped = " ".join(self.browser.complaints())
        for directive in ("img-src", "script-src", "style-src"):
            self.assertIn(directive, stopped)

    def test_objects_are_folded_and_open_with_the_keyboard_alone(self):
        opened = "document.querySelectorAll('#objects .object[open]').length"
        self.assertEqual(self.value(opened), 0)
        self.browser.presses("j", "j")
        self.assertEqual(self.value("document.activeElement.localName"), "summary")
        self.browser.presses("Enter")
        self.assertEqual(self.value(opened), 1)
        self.browser.presses("/", "/")
        self.assertEqual(self.value("document.activeElement.id"), "search")
        self.browser.writes("nothing like this")
        self.browser.presses("Escape")
        self.assertEqual(self.value("document.querySelector('#search').value"), "")
        self.assertEqual(len(self.shown()), 5)

    def test_every_control_can_be_reached_with_tab(self):
        reached = set()
        for _ in range(40):
            self.browser.presses("Tab")
            reached.add(self.value("document.activeElement.id || document.activeElement.dataset.shows"
                                   " || document.activeElement.value || document.activeElement.localName"))
        wanted = {"search", "unified", "split", "expand", "theme", "changed", "added", "removed", "summary", "a"}
        self.assertEqual(wanted - reached, set())

    def test_search_finds_names_and_content(self):
        self.browser.clicks("#search")
        self.browser.writes("SETTINGS blue")
        self.assertEqual(self.shown(), ["ConfigMap/settings"])
        self.assertEqual(self.value("document.querySelector('#status').textContent"), "1 of 5 shown")
        links = "[...document.querySelectorAll('nav a[href^=\"#r\"]')].filter(e => e.checkVisibility()).length"
        self.assertEqual(self.value(links), 1)
        self.browser.writes(" and no such word")
        self.assertEqual(self.shown(), [])
        self.assertTrue(self.value("document.querySelector('#none').checkVisibility()"))

    def test_the_counts_filter(self):
        self.assertEqual(len(self.shown()), 5)
        self.browser.clicks("label:has([value=changed])")
        self.assertEqual(sorted(self.shown()), ["ConfigMap/fresh", "ConfigMap/gone"])
        self.browser.clicks("label:has([value=removed])")
        self.assertEqual(self.shown(), ["ConfigMap/fresh"])
        self.browser.clicks("label:has([value=changed])")
        self.assertEqual(len(self.shown()), 4)

    def test_lines_stand_below_or_beside_each_other(self):
        self.browser.opens(self.path, "#" + self.value("[...document.querySelectorAll('#objects .object')]"
                                                       ".find(e => e.textContent.includes('shade')).id"))
        box = ("(selector => { const r = document.querySelector('.object[open] ' + selector).getBoundingClientRect();"
               " return [r.x, r.y]; })")
        removed, added = self.value(f"{box}('.d')"), self.value(f"{box}('.i')")
        self.assertEqual(removed[0], added[0])
        self.assertLess(removed[1], added[1])
        self.browser.clicks("[data-shows=split]")
        removed, added = self.value(f"{box}('.d')"), self.value(f"{box}('.i')")
        self.assertLess(removed[0], added[0])
        self.assertEqual(removed[1], added[1])
        # What did not change stands on both sides, in one row.
        same, twin = self.value(f"{box}('.c')"), self.value(f"{box}('.twin')")
        self.assertLess(same[0], twin[0])
        self.assertEqual(same[1], twin[1])
        self.browser.clicks("[data-shows=unified]")
        self.assertFalse(self.value("document.querySelector('.object[open] .twin').checkVisibility()"))

    def test_it_is_dark_where_the_system_is_and_where_the_reader_wants_it(self):
        def brightness():
            return sum(int(part) for part in self.colour("body").strip("rgb()").split(","))

        self.assertGreater(brightness(), 600)
        self.browser.prefers("dark")
        self.assertLess(brightness(), 150)
        self.browser.clicks("#theme")  # light, whatever the system says
        self.assertGreater(brightness(), 600)
        self.browser.prefers("light")
        self.browser.clicks("#theme")  # dark
        self.assertLess(brightness(), 150)
        self.browser.opens(self.path)
        self.assertLess(brightness(), 150, "the choice is remembered")

    def test_text_has_enough_contrast_in_both_themes(self):
        script = """(() => {
            const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
            const light = colour => { const [r, g, b] = numbers(colour).map(c => c / 255)
                .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126*r + 0.7152*g + 0.0722*b; };
            const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                if ((numbers(c)[3] ?? 1) > 0) return c; } return 'rgb(255, 255, 255)'; };
            return [...document.querySelectorAll('h1, h2, .chip, .note, .name, .lines span, .d code, .i code, mark, nav a, td, th')]
                .filter(e => e.checkVisibility()).map(e => {
                    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
                    return [e.className || e.localName, (a + 0.05) / (b + 0.05)];
                }).filter(([, ratio]) => ratio < 4.5);
        })()"""
        self.browser.clicks("#expand")
        for scheme in ("light", "dark"):
            self.browser.prefers(scheme)
            self.assertEqual(self.value(script), [], scheme)

    def test_no_width_makes_the_page_scroll_sideways(self):
        self.browser.clicks("#expand")
        for width in (320, 420, 800, 1000, 1400, 2400):
            self.browser.is_wide(width)
            self.assertLessEqual(self.value("document.documentElement.scrollWidth"), width)

    def test_the_bar_stays_in_sight(self):
        self.browser.is_wide(1400, 300)
        self.browser.clicks("#expand")
        self.value("window.scrollTo(0, 100000)")
        self.assertGreater(self.value("window.scrollY"), 100)
        self.assertEqual(self.value("document.querySelector('.bar').getBoundingClientRect().y"), 0)

    def test_without_its_script_the_page_can_still_be_read(self):
        self.browser.call("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            self.browser.opens(self.path)
            self.browser.call("DOM.enable")
            document = self.browser.call("DOM.getDocument", {"depth": -1})["root"]["nodeId"]
            find = {"nodeId": document, "selector": ".tools"}
            tools = self.browser.call("DOM.querySelector", find)["nodeId"]
            with self.assertRaises(RuntimeError, msg="controls that do nothing are not shown"):
                self.browser.call("DOM.getBoxModel", {"nodeId": tools})
            summary = self.browser.call("DOM.querySelector", {"nodeId": document, "selector": "#objects summary"})
            self.assertIn("model", self.browser.call("DOM.getBoxModel", {"nodeId": summary["nodeId"]}))
        finally:
            self.browser.call("Emulation.setScriptExecutionDisabled", {"value": False})

    def test_thousands_of_objects(self):
        def side(word):
            objects = [config_map(f"object-{at}", **{f"key{key}": f"{word} {at}" for key in range(5)}) for at in range(BIG)]
            return "---\n".join(json.dumps(one) + "\n" for one in objects)

        path = self.writes("big", side("old"), side("new"))
        started = time.monotonic()
        self.browser.opens(path)
        self.assertLess(time.monotonic() - started, LONGEST_LOAD, "it loads")
        # The longest time for which the page does not answer, in milliseconds, with a search, a switch, and all opened.
        timed = "(act => { const t = performance.now(); act(); document.body.offsetHeight; return performance.now() - t; })"
        search = f"{timed}(() => {{ search.value = 'object-2999'; apply(); }})"
        self.assertLess(self.value(search), 20_000)
        self.assertEqual(self.shown(), ["ConfigMap/object-2999"])
        self.assertLess(self.value(f"{timed}(() => {{ search.value = ''; apply(); }})"), 20_000)
        self.assertLess(self.value(f"{timed}(() => setView('split'))"), 20_000)
        self.value("expand.click()")
        wait = "(async () => { while (document.querySelector('#objects .object:not([open])')) await new Promise(requestAnimationFrame); })()"
        self.value(wait)
        self.assertLess(self.value(f"{timed}(() => window.scrollTo(0, 1000000))"), 20_000)
