"""Server output with a limit: an attack must not fill the disk with log lines about it."""

import io
import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

#: Characters at once, and per second from then on: some 20 MB a day at most.
BURST: Final = 200_000
RATE: Final = 250.0


class BoundedOutput(io.TextIOBase):
    """A text stream that limits its rate, and says how much it left out. Safe to share between threads."""

    def __init__(
        self,
        stream: TextIO,
        burst: int = BURST,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._stream, self._burst, self._rate, self._clock = stream, burst, rate, clock
        self._left, self._at = float(burst), clock()
        self._omitted = 0
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Write the text, or count it as left out."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
            # After a gap, wait until there is room for more than a few words.
            if len(text) > self._left or (self._omitted and self._left < self._burst / 100):
                self._omitted += len(text)
                return len(text)
            if self._omitted:
                self._stream.write(f"[{self._omitted} characters were left out]\n")
                self._omitted = 0
            self._left -= len(text)
            self._stream.write(text)
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """The stream's own."""
        return self._stream.errors

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """The stream's own."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Always."""
        return True
