"""A headless Chromium that tests drive as a person would: pointer, touch, keys; and what its pages say."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One page of a browser, spoken to by the DevTools protocol through two pipes."""

    def __init__(self, profile: Path) -> None:
        ends = [*os.pipe(), *os.pipe()]
        # above the numbers that Chromium has them by: 3 to read from, 4 to write to
        theirs_in, self._out, self._in, theirs_out = (
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends
        )
        self._process = subprocess.Popen(
            ["chromium", *QUIET, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=lambda: (os.dup2(theirs_in, 3), os.dup2(theirs_out, 4)),
            pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (*ends, theirs_in, theirs_out):
            os.close(end)
        self._buffer, self._number, self._session = b"", 0, ""
        self._events: list[dict[str, Any]] = []
        self.said: list[str] = []
        """what the page complained of: errors, warnings, failed requests"""
        pages = self.call("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in pages if each["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _received(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 20)
            if not part:
                raise EOFError("the browser has ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        content: dict[str, Any] = json.loads(message)
        return content

    def _noted(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        if event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.said.append(json.dumps(told))
        if event.get("method") == "Network.requestWillBeSent":
            url = told["request"]["url"]
            if not url.startswith(("file:", "data:", "blob:", "about:")):
                self.said.append(f"asked for {url}")
        self._events.append(event)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._received()).get("id") != self._number:
            self._noted(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, path: Path) -> None:
        """Show a file, until it is loaded."""
        self._events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._noted(self._received())

    def window(self, width: int, height: int = 900, dark: bool = False, touch: bool = False) -> None:
        """The size of the window, in pixels of the page, and the looks that the reader prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        # the page has its new layout before anything is clicked on
        self.wait_for(f"innerWidth === {width}")

    def ask(self, script: str) -> Any:
        """The value of an expression on the page, waited for if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression on the page is true; 10 s at most."""
        polled = f"""new Promise((done) => {{
            const end = Date.now() + 10000;
            (function look() {{
                if ({script}) done(true);
                else if (Date.now() > end) done(false);
                else setTimeout(look, 20);
            }})();
        }})"""
        assert self.ask(polled), script

    def place(self, selector: str, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
        """A point of an element, scrolled into view, as shares of its size; where that is in the window."""
        found = json.dumps(selector)
        left, top, width, height = self.ask(
            f"(() => {{ const e = document.querySelector({found}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()"
        )
        return left + x * width, top + y * height

    def pointer(self, kind: str, x: float, y: float, **more: Any) -> None:
        """An event of the mouse: `mouseMoved`, `mousePressed`, `mouseReleased`."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector: str, x: float = 0.5, y: float = 0.5) -> None:
        """Click on an element."""
        at = self.place(selector, x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.pointer(kind, *at, button="left", clickCount=1)

    def drag(self, selector: str, across: float, down: float) -> None:
        """Press in the middle of an element, move by so many pixels, let go."""
        x, y = self.place(selector)
        self.pointer("mousePressed", x, y, button="left", clickCount=1)
        for share in (0.25, 0.5, 0.75, 1):
            self.pointer("mouseMoved", x + share * across, y + share * down, button="left", buttons=1)
        self.pointer("mouseReleased", x + across, y + down, button="left", clickCount=1)

    def swipe(self, selector: str, across: float) -> None:
        """A finger across an element."""
        x, y = self.place(selector)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for share in (0.25, 0.5, 0.75, 1):
            at = {"x": x + share * across, "y": y}
            self.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[at])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str, code: int = 0) -> None:
        """Press a key; what has no letter needs its `code`."""
        letter = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **letter)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def choose(self, selector: str, value: str) -> None:
        """Pick an option of a list by its value."""
        found, wanted = json.dumps(selector), json.dumps(value)
        self.ask(
            f"(() => {{ const e = document.querySelector({found}); e.value = {wanted};"
            " e.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def picture(self, path: Path, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as PNG."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._in)
        os.close(self._out)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with its own profile, for as long as the block lasts."""
    one = Browser(profile)
    try:
        yield one
    finally:
        one.close()
