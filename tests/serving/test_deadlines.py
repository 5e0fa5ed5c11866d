"""One thread ends what takes too long, and sleeps while nothing has a deadline."""

import threading
import time

from emotion_core.serving.deadlines import LOOK_SECONDS, Deadlines
from support.waiting import until


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "deadlines"]


def test_only_what_is_late_is_ended() -> None:
    deadlines, ended, before = Deadlines(), list[str](), len(watchers())
    start = time.monotonic()
    with deadlines.within(60, lambda: ended.append("in time")), deadlines.within(0.3, lambda: ended.append("late")):
        until(lambda: bool(ended))
    assert 0.3 <= time.monotonic() - start < 0.3 + 10 * LOOK_SECONDS
    time.sleep(2 * LOOK_SECONDS)
    for _ in range(1_000):
        with deadlines.within(0.05, lambda: ended.append("over")):
            pass
    time.sleep(2 * LOOK_SECONDS)
    assert ended == ["late"]
    assert len(watchers()) == before + 1, "one thread for all"


def test_it_wakes_again_and_goes_on_when_ending_fails() -> None:
    deadlines, ended = Deadlines(), list[int]()

    def end() -> None:
        ended.append(1)
        raise ProcessLookupError

    for count in (1, 2):
        time.sleep(2 * LOOK_SECONDS)  # asleep by now
        with deadlines.within(0, end):
            until(lambda count=count: len(ended) == count)  # type: ignore[misc]
