"""The protocol between a page's script and the server for a camera's frames: one JSON value each way.

    open:   {"model", "detector"}, names or null -> {"token", "labels"}, {"wait"} or {"stop"}
    frame:  {"token", "picture"}, a data address -> a LiveDict, {"gone"}, {"busy"} or {"stop"}
    close:  the token

"wait" and "stop" are messages for the visitor; after "stop" the place is given back. "gone": the place does not
exist, or no longer does. "busy": the previous frame is still being answered, or the server has no turn for this one.
"""

from typing import Any, Final

from ..data_uris import from_base64
from ..errors import BusyError, EmotionError, ImageError
from .live import LiveSessions

#: Length of a frame in base64: 640x480 pixels are some 50 kB.
MAX_CHARACTERS: Final = 1_000_000


class Webcam:
    """The protocol; every value comes from the network and is checked."""

    def __init__(self, sessions: LiveSessions) -> None:
        self._sessions = sessions

    def open(self, choice: Any, address: str = "") -> dict[str, Any]:
        """Open a place; the answer includes the names of its labels. address: the visitor's."""
        try:
            opened = self._sessions.open(_text(choice, "model"), _text(choice, "detector"), address)
        except EmotionError as error:
            return {"stop": str(error)}
        if opened is None:
            most = self._sessions.most
            return {"wait": f"All {most} places are taken. Your stream starts by itself as soon as one is free."}
        token, session = opened
        return {"token": token, "labels": list(session.labels)}

    def frame(self, sent: Any) -> dict[str, Any]:
        """The answer to a frame."""
        token = _text(sent, "token") or ""
        session = self._sessions.get(token)
        if session is None:
            return {"gone": True}
        if self._sessions.is_over(session):
            self._sessions.close(token)
            return {"stop": f"The {minutes(self._sessions.seconds)} of this stream are over. Start again to continue."}
        if not session.busy.acquire(blocking=False):
            return {"busy": True}
        try:
            return dict(session.answer(picture_of(sent)))
        except BusyError:
            return {"busy": True}
        except EmotionError as error:
            self._sessions.close(token)
            return {"stop": str(error)}
        finally:
            self._sessions.done(token, session)

    def close(self, token: Any) -> None:
        """Give the place back."""
        self._sessions.close(str(token))


def picture_of(value: Any) -> bytes:
    """The bytes of a data URL; b"", which no decoder accepts, for anything else."""
    address = _text(value, "picture") or ""
    try:
        return from_base64(address) if len(address) <= MAX_CHARACTERS else b""
    except ImageError:
        return b""


def minutes(seconds: float) -> str:
    """``10 minutes`` or ``45 seconds``."""
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _text(value: Any, key: str) -> str | None:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
