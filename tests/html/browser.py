"""Drives headless Chromium over a pair of pipes: the DevTools protocol, with the standard library alone."""

import base64
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60  # seconds for one answer


def find():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser with one page, in a profile of its own."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="html-test-")
        to_browser, self.writing = os.pipe()
        self.reading, from_browser = os.pipe()
        # The browser reads from its descriptor 3 and writes to 4; the shell puts them there.
        shell = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        arguments = [
            find(),
            "--headless",
            "--no-sandbox",  # which does not work in most containers
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            "--force-color-profile=srgb",
            f"--user-data-dir={self.profile}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        self.process = subprocess.Popen(
            ["bash", "-c", shell, *arguments],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.count = 0
        self.messages = queue.Queue()
        self.events = []
        threading.Thread(target=self._read, daemon=True).start()
        target = next(t for t in self.call("Target.getTargets", session=None)["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True}, session=None)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", {"enabled": True})

    def _read(self):
        rest = b""
        while True:
            read = os.read(self.reading, 1 << 20)
            if not read:
                self.messages.put(None)
                return
            *whole, rest = (rest + read).split(b"\0")
            for message in whole:
                self.messages.put(json.loads(message))

    def _next(self):
        message = self.messages.get(timeout=PATIENCE)
        if message is None:
            raise RuntimeError("the browser has ended")
        if "method" in message:
            self.events.append(message)
        return message

    def call(self, method, parameters=None, session=""):
        """Calls a method of the protocol and returns its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session or self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def opens(self, path, fragment=""):
        """Loads a file and waits until it is there. Returns the URLs that were asked for on the way."""
        self.call("Page.navigate", {"url": "about:blank"})
        self.events.clear()
        page = self.call("Page.navigate", {"url": f"file://{path}{fragment}"})["loaderId"]

        def is_there(event):
            # The empty page before it is loaded as well, and that may be told late.
            about = event["params"]
            return event["method"] == "Page.lifecycleEvent" and (about["name"], about["loaderId"]) == ("load", page)

        while not any(is_there(event) for event in self.events):
            self._next()
        return self.requests()

    def requests(self):
        """The URLs asked for since the page was opened."""
        time.sleep(0.2)
        while not self.messages.empty():
            self._next()
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self):
        """What the console has got since the page was opened: errors, and what the page's policy has stopped."""
        found = []
        for event in self.events:
            if event["method"] == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(event["params"]["exceptionDetails"]))
        return found

    def evaluate(self, script):
        """The value of an expression in the page; promises are waited for."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", asked)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def clicks(self, selector):
        """Clicks the middle of an element, as a mouse would."""
        place = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            asked = {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", asked)

    def presses(self, key, text=""):
        """Presses a key; one that writes something has that as its text."""
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, ord(key[0].upper()))
        asked = {"key": key, "windowsVirtualKeyCode": code}
        text = "\r" if key == "Enter" else text
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **asked})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **asked})

    def writes(self, text):
        """Types a text where the focus is, and waits until the page has taken it in."""
        self.call("Input.insertText", {"text": text})
        self.evaluate("new Promise(done => setTimeout(done, 300))")

    def is_wide(self, width, height=900):
        """Gives the page a size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)

    def prefers(self, scheme):
        """Light or dark, as the system would have it."""
        self.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def saves(self, path):
        """A picture of what is in sight."""
        picture = self.call("Page.captureScreenshot", {"format": "png"})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))

    def closes(self):
        """Ends the browser, by its own process alone."""
        try:
            self.call("Browser.close", session=None)
            self.process.wait(timeout=10)
        except (RuntimeError, queue.Empty, subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait()
        os.close(self.writing)
        shutil.rmtree(self.profile, ignore_errors=True)
