"""Who is next in Gradio's queue, and how much of it one visitor may have.

Gradio 6.31 takes the events of a function in the order in which they came: a dozen of one address, each of some
seconds, keep everybody else waiting, and events without a limit of their own take all of its threads.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..serving.door import has_share
from ..serving.video_queue import MOST_ON_THE_PAGE

#: Events that may wait: of one address; of all, beyond which only the first of an address may; and of all.
EACH_WAITING: Final = 12
FURTHER_WAITING: Final = 48
MOST_WAITING: Final = 64
#: Addresses of which is remembered when they had their last turn.
MOST_ADDRESSES: Final = 1000


class FairQueue:
    """Chooses the next event of a page's queue: of the address with the fewest at work, then of the least recent one.

    No address has more than half of a function's places. Functions without a limit are those of videos, which wait for
    their turn in threads: as many run as may be in line, so that who comes after them is told so at once. address_of:
    of an ASGI scope.
    """

    def __init__(self, queue: Any, address_of: Callable[[Any], str]) -> None:
        self._queue, self._address_of = queue, address_of
        #: Address -> time.monotonic() of its last turn, the longest ago first.
        self._last_turns: dict[str, float] = {}
        queue.get_events = self.next_events

    def is_full_for(self, scope: Any) -> bool:
        """Whether as many events of this caller wait as may. An address's first has room when others have none."""
        address = self._address_of(scope)
        waiting = [self._of(event) for line in self._lines() for event in line.queue]
        mine = waiting.count(address)
        return mine > 0 and not has_share(mine, len(waiting), EACH_WAITING, FURTHER_WAITING)

    def next_events(self) -> tuple[list[Any], bool, str] | None:
        """In place of Gradio's ``get_events``: the event to begin, taken out of its line, or None."""
        working = Counter[str]()
        here = Counter[tuple[str, str]]()
        for event in (event for job in self._queue.active_jobs if job for event in job):
            working[self._of(event)] += 1
            here[event.concurrency_id, self._of(event)] += 1
        best = None
        for line in self._lines():
            most = line.concurrency_limit or MOST_ON_THE_PAGE
            if not line.queue or line.current_concurrency >= most:
                continue
            seen = set[str]()
            for event in line.queue:
                address = self._of(event)
                if address in seen or here[line.concurrency_id, address] >= max(1, most // 2):
                    continue
                seen.add(address)
                rank = (working[address], self._last_turns.get(address, 0.0))
                if best is None or rank < best[0]:
                    best = rank, address, event, line
        if best is None:
            return None
        _, address, event, line = best
        line.queue.remove(event)
        self._remember(address)
        return [event], False, line.concurrency_id

    def _remember(self, address: str) -> None:
        self._last_turns.pop(address, None)
        if len(self._last_turns) >= MOST_ADDRESSES:
            del self._last_turns[next(iter(self._last_turns))]
        self._last_turns[address] = time.monotonic()

    def _lines(self) -> Iterator[Any]:
        return iter(list(self._queue.event_queue_per_concurrency_id.values()))

    def _of(self, event: Any) -> str:
        return self._address_of(event.request.scope)
