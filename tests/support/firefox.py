"""Firefox as shipped by Debian, driven through WebDriver BiDi, which it supports natively."""

import base64
import contextlib
import io
import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from PIL import Image
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from emotion_core.images import RGB
from support.waiting import until

FIREFOX: Final = shutil.which("firefox-esr") or shutil.which("firefox")
_PREFERENCES: Final = {
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
#: Replaces the camera with a canvas on which the portrait sways, so that pixels take the same path as a camera's.
_CAMERA: Final = """() => {
  if (!navigator.mediaDevices) return;  // no page yet
  const bytes = Uint8Array.from(atob("PORTRAIT"), (letter) => letter.charCodeAt(0));
  navigator.mediaDevices.getUserMedia = async () => {
    const portrait = await createImageBitmap(new Blob([bytes]));
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
    const pen = canvas.getContext("2d");
    setInterval(() => {
      pen.fillRect(0, 0, 640, 480);
      pen.drawImage(portrait, 90 + 60 * Math.sin(performance.now() / 600), 10, 460, 460);
    }, 33);
    return canvas.captureStream(30);
  };
}"""


class Firefox:
    """One page of a running Firefox."""

    def __init__(self, line: Connection) -> None:
        self._line, self._numbers = line, itertools.count(1)
        self.heard: list[dict[str, Any]] = []
        self.ask("session.new", capabilities={})
        self.context = self.ask("browsingContext.create", type="tab")["context"]
        self.ask("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's result; events received meanwhile are added to ``heard``."""
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._line.recv(timeout=240))
            if message.get("id") == number:
                assert message["type"] == "success", message
                return dict(message["result"])
            self.heard.append(message)

    def instead_of_a_camera(self, portrait: RGB) -> None:
        """Replace the camera on pages opened from now on."""
        file = io.BytesIO()
        Image.fromarray(portrait).save(file, "PNG")
        script = _CAMERA.replace("PORTRAIT", base64.b64encode(file.getvalue()).decode())
        self.ask("script.addPreloadScript", functionDeclaration=script)

    def goto(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        result = self.ask(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def wait_for(self, expression: str, seconds: float = 120) -> None:
        """Wait until the expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"{expression}: {self.evaluate('document.body.innerText')[:2000]}"
            time.sleep(0.2)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("browsingContext.captureScreenshot", context=self.context)["data"]))

    def requests(self) -> list[dict[str, Any]]:
        """The network requests reported so far."""
        self.evaluate("1")  # once it is answered, all earlier events have been received
        return [
            message["params"]["request"] for message in self.heard if message["method"] == "network.beforeRequestSent"
        ]


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """A new Firefox with an empty profile."""
    assert FIREFOX is not None
    profile, told = folder / "profile", folder / "firefox.log"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with told.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"})
    try:
        until(lambda: "BiDi listening on" in told.read_text(), 120, process)
        [address] = re.findall(r"BiDi listening on (ws://\S+)", told.read_text())
        with connect(f"{address}/session", max_size=None, open_timeout=60) as line:
            yield Firefox(line)
    finally:
        process.terminate()
        process.wait(60)
