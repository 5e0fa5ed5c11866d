"""Limits on what Gradio 6.31 keeps for each visitor.

It keeps a configuration of the whole page for every session name a caller sends, every answer that nobody
fetched, the progress of every upload, and the name of every file. None of it is needed for long, and the
caller controls all of it.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from copy import copy
from pathlib import Path
from typing import Any, Final

import gradio as gr
from fastapi import Request
from gradio import blocks, queueing, route_utils, routes, state_holder, utils
from gradio.route_utils import GradioMultiPartParser
from starlette.formparsers import MultiPartException

from ..serving.refusals import place_of
from ..serving.request_heads import has_many_parameters
from ..serving.workshop import Workshop
from .album_part import MOST_PHOTOS
from .fair_queue import FairQueue
from .quiet_queue import QuietQueue
from .uploads import file_begins, receive_uploads_apart

log = logging.getLogger(__name__)

#: Sessions whose state is kept, and sessions with answers waiting to be fetched.
SESSIONS: Final = 500
#: How long an answer waits to be fetched, in seconds.
FETCH_SECONDS: Final = 60.0
#: Messages that wait to be fetched. An event brings four or more, its answer some kilobytes; who waits fetches each.
MOST_UNFETCHED: Final = 4000
#: Bytes of a text field in a form.
MAX_FIELD: Final = 100_000
#: Files of a form: Gradio takes a thousand, the page sends an album of ``MOST_PHOTOS``, or says that it is too large.
MAX_FILES: Final = MOST_PHOTOS + 10
#: Texts of a form: the page sends none.
MAX_FIELDS: Final = 10
#: Uploads whose progress is kept.
UPLOADS: Final = 200


class LightState(state_holder.SessionState):
    """A session's state without a copy of the page's configuration, which only deep links need; we serve none."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values = {}
        self.state_data = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        """As in Gradio, without the configuration."""
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


def _bound_fields() -> None:
    """Refuse a text over ``MAX_FIELD`` bytes, and many texts: Gradio's parser keeps them in memory, however long.

    Also a part whose header has very many parameters, before they are parsed, and more than ``MAX_FILES`` files, each
    of which it would keep open and then move.
    """
    take, begin = GradioMultiPartParser.on_part_data, GradioMultiPartParser.on_headers_finished

    def on_headers_finished(self: GradioMultiPartParser) -> None:
        if has_many_parameters(self._current_part.content_disposition or b""):
            raise MultiPartException("A part's header has too many parameters.")
        self.max_files, self.max_fields = min(self.max_files, MAX_FILES), min(self.max_fields, MAX_FIELDS)
        begin(self)
        if self._current_part.file is not None:
            file_begins()

    def on_part_data(self: GradioMultiPartParser, data: bytes, start: int, end: int) -> None:
        part = self._current_part
        if part.file is None and len(part.data) + end - start > MAX_FIELD:
            raise MultiPartException(f"A text of the form is over the maximum allowed size of {MAX_FIELD} bytes.")
        take(self, data, start, end)

    if take.__name__ != "bounded":
        on_part_data.__name__ = "bounded"
        GradioMultiPartParser.on_part_data = on_part_data  # type: ignore[method-assign]
        GradioMultiPartParser.on_headers_finished = on_headers_finished  # type: ignore[method-assign]


class _Traceback:
    """In place of ``traceback`` in Gradio: its errors quote all values of a call, a photo's among them."""

    @staticmethod
    def print_exc() -> None:
        """Log the place of the error that is being handled."""
        error = sys.exc_info()[1]
        if error is not None:
            log.error("A call failed with %s.", place_of(error))


class GradioBounds:
    """Limits a mounted page; call ``tidy`` regularly, from any thread."""

    def __init__(
        self, page: gr.Blocks, app: Any, workshop: Workshop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._page, self._app, self._clock = page, app, clock
        queue: Any = page._queue
        self._queue = queue
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Session -> number of unfetched messages, and since when that number has not changed.
        self._unfetched: dict[str, tuple[int, float]] = {}
        # Callers without a session get a new state on each call.
        for module in (state_holder, route_utils, blocks):
            module.SessionState = LightState  # type: ignore[attr-defined]
        app.state_holder.capacity = SESSIONS
        _bound_fields()
        receive_uploads_apart()
        for module in (routes, queueing, route_utils):
            module.traceback = _Traceback  # type: ignore[attr-defined]
        # Gradio guards each call of a function against plots; the first time it imports Matplotlib, on the event loop.
        utils.MatplotlibBackendMananger = nullcontext  # type: ignore[assignment,misc]
        self._queue.pending_messages_per_session.max_size = SESSIONS
        # Visitor statistics, which are not served: after each event they build a table of all events.
        self._queue.ANALYTICS_MAX_EVENTS = 1
        self._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
        self._quiet = QuietQueue(queue)
        self._fair = FairQueue(queue, workshop.address_of)
        self._push, self._queue.push = self._queue.push, self._push_if_few
        self._send, self._queue.send_message = self._queue.send_message, self._send_if_kept

    async def _push_if_few(self, body: Any, request: Request, username: str | None) -> Any:
        self._loop = asyncio.get_running_loop()
        if self._fair.is_full_for(request.scope):
            return False, "Too many of your requests are waiting. Try again when they have been answered.", "queue_full"
        await self._forget_most()
        # What was sent is in ``body``; the request, which the event keeps, would hold it twice more while it waits.
        request.__dict__.pop("_body", None)
        request.__dict__.pop("_json", None)
        try:
            return await self._push(body=body, request=request, username=username)
        finally:
            self._quiet.wake()

    def _send_if_kept(self, event: Any, event_message: Any) -> None:
        # Of a session that was forgotten while its event waited, Gradio's loop would end, and its queue for everybody.
        if event.session_hash in self._queue.pending_messages_per_session:
            self._send(event, event_message)

    def tidy(self) -> None:
        """Forget what nobody will fetch any more."""
        for files in self._page.temp_file_sets:  # here, as it takes long to look for many
            files.difference_update([file for file in list(files) if not Path(file).exists()])
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.forget(), self._loop)

    async def forget(self) -> None:
        """The same, on the page's own event loop."""
        now = self._clock()
        ready, pending = self._queue.pending_messages_per_session, self._queue.pending_event_ids_session
        alive = self._queue.event_ids_to_events.keys()
        for session in list(self._unfetched):
            if session not in ready:
                del self._unfetched[session]
        for session in [name for name in pending if name not in ready]:
            self._forget_session(session)
        for session, messages in list(ready.items()):
            size, since = self._unfetched.get(session, (-1, now))
            if messages.qsize() != size:
                self._unfetched[session] = (messages.qsize(), now)
            elif now - since > FETCH_SECONDS and alive.isdisjoint(pending.get(session, ())):
                await self._queue.clean_events(session_hash=session)
                self._forget_session(session)
        await self._forget_most()
        self._forget_uploads()

    async def _forget_most(self) -> None:
        """While too many messages wait, forget the session with the most: one whose number grows is not idle."""
        ready = self._queue.pending_messages_per_session
        while sum(messages.qsize() for messages in ready.values()) > MOST_UNFETCHED:
            session = max(ready, key=lambda name: ready[name].qsize())
            await self._queue.clean_events(session_hash=session)
            self._forget_session(session)

    def _forget_session(self, session: str) -> None:
        self._queue.pending_messages_per_session.pop(session, None)
        for event in self._queue.pending_event_ids_session.pop(session, ()):
            self._queue.event_ids_to_events.pop(event, None)
            self._app.iterators_to_reset.discard(event)
        self._page.pending_diff_streams.pop(session, None)
        self._unfetched.pop(session, None)

    def _forget_uploads(self) -> None:
        uploads: Any = routes.file_upload_statuses
        for known in (uploads._statuses, uploads._signals):
            for name in list(known)[: max(0, len(known) - UPLOADS)]:
                del known[name]
