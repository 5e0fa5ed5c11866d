"""Live pictures: a session per visitor, and the places that visitors share.

One frame of a session is processed at a time, and the visitor sends the next when the last is
answered: the newest frame is answered, nothing queues, and the rate adapts to the server and the
connection. ``next_seconds`` tells the visitor how long to leave between two frames.
"""

import secrets
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from typing_extensions import TypedDict

from ..recognition.catalogue import Catalogue
from ..recognition.recognizer import EmotionRecognizer
from ..results import NO_FACE
from ..settings import Settings
from ..tracking.face_search import FaceFollower
from ..tracking.recent import Recent, RollingHistory
from ..tracking.stream import StreamAnalyzer, TrackedFrame, TrackedFrameDict
from ..tracking.tracker import FaceTracker
from .workshop import Workshop, small_picture

#: Most frames per second of one visitor: faces change, and eyes follow, no faster.
MOST_FPS: Final = 10
#: The time between two frames is at least this many times the work on one: a slow or busy server gets
#: fewer requests, and each visitor waits for it at most half of the time.
REST: Final = 2.0
#: Windows for the rate in seconds, and for the latency in frames.
_RATE_SECONDS: Final = 2.0
_LATENCY_FRAMES: Final = 9
#: Least time between two: the summary is read aloud and the timeline is long.
SUMMARY_SECONDS: Final = 3.0
TIMELINE_SECONDS: Final = 1.0
#: The page scales a camera's frame down; larger ones do not come from it.
MAX_SIDE: Final = 1280
#: Longest side, in pixels, of the copy used to detect faces: those in front of a camera are large.
DETECTION_SIDE: Final = 480
#: A place whose visitor has sent nothing for this long is freed.
IDLE_SECONDS: Final = 10.0
#: Places that one address may always have: a household has more than one camera.
LEAST_EACH: Final = 2

#: Recent people, labels, and the current time in seconds -> the timeline as the page shows it.
DrawTimeline: TypeAlias = Callable[[Sequence[Recent], Sequence[str], float], str]


class LiveDict(TypedDict):
    """The answer to one frame.

    fps: recent frames answered per second, None at first. milliseconds: the server's work on a frame,
    median of the last few. next_seconds: to leave between the start of this frame and the next.
    timeline: HTML, or None to keep the last one.
    """

    frame: TrackedFrameDict
    fps: float | None
    milliseconds: float
    next_seconds: float
    summary: str
    timeline: str | None


class LiveSession:
    """One visitor's stream. Holds no picture except the one being analysed.

    draw: makes the timeline, as the page shows it. clock: monotonic, in seconds. address: the
    visitor's. closing: the visitor has left, and the session ends when its last frame is done.
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        workshop: Workshop,
        draw: DrawTimeline,
        clock: Callable[[], float] = time.monotonic,
        address: str = "",
    ) -> None:
        self.address, self.closing, self._workshop = address, False, workshop
        self.labels = recognizer.config.labels
        self.began = self.last_seen = clock()
        self.busy = threading.Lock()
        self._clock, self._draw_timeline = clock, draw
        # Confirmed at once: in a live picture a face that is marked late looks like one that was missed.
        follower = FaceFollower(recognizer.detector, DETECTION_SIDE)
        self._analyzer = StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0), follower=follower)
        self._history = RollingHistory()
        self._answered: deque[float] = deque(maxlen=round(2 * MOST_FPS * _RATE_SECONDS))
        self._work: deque[float] = deque(maxlen=_LATENCY_FRAMES)
        self._summary, self._summary_at = "", -SUMMARY_SECONDS
        self._timeline_at = -TIMELINE_SECONDS

    def answer(self, picture: bytes) -> LiveDict:
        """Analyse the next frame, an image file; ImageError if it cannot be used, BusyError if it gets no turn."""
        with self._workshop.turn(self.address):
            start = self._clock()
            now = start - self.began
            frame = self._analyzer.analyze(small_picture(picture, MAX_SIDE), now)
        self._history.add(frame)
        summary, timeline = self._summarize(frame), self._draw(now)
        end = self._clock()
        self._answered.append(end)
        self._work.append(end - start)
        work = statistics.median(self._work)
        return {
            "frame": frame.to_dict(),
            "fps": self._rate(end),
            "milliseconds": round(1000 * work, 1),
            "next_seconds": round(max(1 / MOST_FPS, REST * work), 3),
            "summary": summary,
            "timeline": timeline,
        }

    def _rate(self, now: float) -> float | None:
        recent = [moment for moment in self._answered if now - moment <= _RATE_SECONDS]
        return round((len(recent) - 1) / (now - recent[0]), 1) if len(recent) > 1 and now > recent[0] else None

    def _summarize(self, frame: TrackedFrame) -> str:
        if frame.time_seconds - self._summary_at >= SUMMARY_SECONDS:
            self._summary, self._summary_at = summary_of(frame), frame.time_seconds
        return self._summary

    def _draw(self, now: float) -> str | None:
        if now - self._timeline_at < TIMELINE_SECONDS:
            return None
        self._timeline_at = now
        return self._draw_timeline(self._history.people(), self.labels, now)


def summary_of(frame: TrackedFrame) -> str:
    """One line to be read aloud: who is visible, and what their faces seem to express."""
    if not frame.faces:
        return f"{NO_FACE}."
    parts = [
        f"person {face.person} {face.smoothed.emotion}" for face in sorted(frame.faces, key=lambda one: one.person)
    ]
    count = "1 face" if len(parts) == 1 else f"{len(parts)} faces"
    return f"{count}: {', '.join(parts)}."


class LiveSessions:
    """The places of a server's visitors. Safe to share between threads.

    workshop: gives frames their turn. settings: how many visitors there may be, and for how long.
    draw: makes their timelines. One address has at most half of the places.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        workshop: Workshop,
        settings: Settings,
        draw: DrawTimeline,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self.seconds = settings.webcam_visitors, settings.webcam_seconds
        self.each = max(LEAST_EACH, self.most // 2)
        self._catalogue, self._workshop, self._draw, self._clock = catalogue, workshop, draw, clock
        self._sessions: dict[str, LiveSession] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._sweep_for_ever, daemon=True, name="live-sweeper").start()

    def __len__(self) -> int:
        """Places taken."""
        return len(self._sessions)

    def open(
        self, model: str | None = None, detector: str | None = None, address: str = ""
    ) -> tuple[str, LiveSession] | None:
        """A place and its secret token; None when all are taken, or all that one address may have.

        Raises an EmotionError when there is no such model or detector.
        """
        self.sweep()
        recognizer = self._catalogue.get(model, detector)  # may take a while, so not under the lock
        with self._lock:
            mine = sum(session.address == address for session in self._sessions.values())
            if len(self._sessions) >= self.most or mine >= self.each:
                return None
            token = secrets.token_urlsafe(18)
            session = self._sessions[token] = LiveSession(recognizer, self._workshop, self._draw, self._clock, address)
            return token, session

    def get(self, token: str) -> LiveSession | None:
        """The session of that token, or None if there never was one, it is closed or its visitor has left."""
        with self._lock:
            session = self._sessions.get(token)
            if session is None or session.closing:
                return None
            session.last_seen = self._clock()
            return session

    def is_over(self, session: LiveSession) -> bool:
        """Whether the session's time is up."""
        return self._clock() - session.began > self.seconds

    def close(self, token: str) -> None:
        """Give the place back, once a frame in progress is done; does nothing if it was given back before."""
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return
            session.closing = True
            if not session.busy.locked():
                del self._sessions[token]

    def done(self, token: str, session: LiveSession) -> None:
        """The work on one of its frames has ended."""
        session.busy.release()
        if session.closing:
            self.close(token)

    def sweep(self) -> None:
        """Take back the places of visitors who left without closing them."""
        limit = self._clock() - IDLE_SECONDS
        with self._lock:
            for token, session in list(self._sessions.items()):
                if session.last_seen < limit and not session.busy.locked():
                    del self._sessions[token]

    def _sweep_for_ever(self) -> None:
        while True:
            time.sleep(IDLE_SECONDS / 4)
            self.sweep()
