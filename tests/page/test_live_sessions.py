"""Webcam sessions at scripted times: answers, the last half minute, who holds a place."""

import base64
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emotion_core import Box, ImageError, Settings
from emotion_core.page.live_view import MAX_ROWS, rolling_timeline
from emotion_core.page.webcam_tab import server_functions
from emotion_core.serving.live import IDLE_SECONDS, MAX_SIDE, LiveSession, LiveSessions
from emotion_core.serving.webcam import MAX_CHARACTERS, Webcam
from emotion_core.serving.workshop import Workshop
from emotion_core.tracking.recent import BIN_SECONDS, MAX_PEOPLE, WINDOW_SECONDS, RollingHistory
from support import clips
from support.scripted import HAPPY, LABELS, SAD, Clock, Scripted, frame, jpeg


class TestSession:
    @pytest.mark.parametrize(("work", "expected"), [(0.0, 0.1), (0.03, 0.1), (0.2, 0.4)])
    def test_rate_latency_and_rest(self, work: float, expected: float) -> None:
        """At most ten frames a second, and never more than half of the time."""
        clock = Clock()
        session = LiveSession(Scripted(clock, work).recognizer(), Workshop(Settings()), rolling_timeline, clock)
        assert session.answer(jpeg())["fps"] is None
        for _ in range(30):
            clock.now += 0.5 - work
            answer = session.answer(jpeg())
        assert answer["fps"] == pytest.approx(2, abs=0.05)
        assert answer["milliseconds"] == pytest.approx(1000 * work)
        assert answer["next_seconds"] == pytest.approx(expected)

    def test_what_is_said_and_drawn_comes_now_and_then(self) -> None:
        clock = Clock()
        scripted = Scripted(clock)
        session = LiveSession(scripted.recognizer(), Workshop(Settings()), rolling_timeline, clock)
        said, drawn = [], 0
        for _ in range(100):  # ten seconds
            scripted.in_view = clock.now < 104
            answer = session.answer(jpeg())
            said.append(answer["summary"])
            drawn += answer["timeline"] is not None
            clock.now += 0.1
        assert list(dict.fromkeys(said)) == ["1 face: person 1 happy.", "No face found."]
        assert drawn <= 10
        clock.now += 1
        assert "Person 1" in (session.answer(jpeg())["timeline"] or "")

    def test_people_keep_their_numbers_and_are_shown_at_once(self, recognizer: Any) -> None:
        clock = Clock()
        session = LiveSession(recognizer, Workshop(Settings()), rolling_timeline, clock)
        paths = {1: clips.across(10, 30), 2: clips.across(200, -10, 120)}
        seen = []
        for index in range(6):
            pixels, truth = clips.scene(paths, index * 0.1)
            faces = session.answer(jpeg(pixels))["frame"]["faces"]
            boxes = {face["person"]: Box(**face["box"]) for face in faces}
            seen.append({who: max(boxes, key=lambda it: boxes[it].overlap(truth[who])) for who in truth})
            clock.now += 0.1
        assert sorted(seen[0].values()) == [1, 2]
        assert seen == seen[:1] * 6

    def test_frames_that_no_page_sends(self) -> None:
        session = LiveSession(Scripted(Clock()).recognizer(), Workshop(Settings()), rolling_timeline)
        for bad in (b"", b"no picture", jpeg(np.zeros((40, MAX_SIDE + 1, 3), np.uint8))):
            with pytest.raises(ImageError):
                session.answer(bad)


class TestHistory:
    def test_spans_hold_means_over_time(self) -> None:
        history = RollingHistory()
        for time, shares in ((0.0, HAPPY), (0.25, SAD), (0.5, SAD), (0.6, HAPPY)):
            history.add(frame(time, {7: shares}))
        [recent] = history.people()
        assert recent.person == 7
        assert recent.seconds_seen == pytest.approx(0.6)
        np.testing.assert_allclose(recent.bins[0], [0.5, 0.5, 0])
        np.testing.assert_allclose(recent.bins[1], SAD)

    def test_a_pause_is_not_credited(self) -> None:
        history = RollingHistory()
        history.add(frame(0, {1: HAPPY}))
        history.add(frame(20, {1: SAD}))
        history.add(frame(20.5, {1: SAD}))
        [recent] = history.people()
        assert recent.seconds_seen == pytest.approx(2)
        assert set(recent.bins) == {0, 1, 2, 40}

    def test_it_stays_small(self) -> None:
        history = RollingHistory()
        for index in range(1200):  # two minutes, with a false face of a new number in every frame
            history.add(frame(index / 10, {1: HAPPY, 100 + index: SAD}))
        people = history.people()
        assert len(people) == MAX_PEOPLE
        assert all(len(recent.bins) <= WINDOW_SECONDS / BIN_SECONDS + 1 for recent in people)
        assert people[0].seconds_seen == pytest.approx(WINDOW_SECONDS, abs=1)
        drawn = rolling_timeline(people, LABELS, 120)
        assert drawn.count("<figure>") == 1
        assert len(drawn) < 8000

    def test_the_chart(self) -> None:
        history = RollingHistory()
        for index in range(40):
            history.add(frame(index / 4, {person: SAD if person % 2 else HAPPY for person in range(1, 9)}))
        drawn = rolling_timeline(history.people(), ("<b>", *LABELS[1:]), 10)
        assert drawn.count("<figure>") == MAX_ROWS
        assert "mostly sad" in drawn
        assert "<b>, " not in drawn  # labels come from bundles and must be escaped
        assert "longer than a second" in rolling_timeline([], LABELS, 10)


class TestSessions:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def sessions(self, clock: Clock) -> LiveSessions:
        catalogue: Any = SimpleNamespace(get=lambda model, detector: Scripted(clock).recognizer())  # noqa: ARG005
        settings = Settings(webcam_visitors=2, webcam_seconds=600)
        return LiveSessions(catalogue, Workshop(settings), settings, rolling_timeline, clock)

    def test_places_are_given_back(self, sessions: LiveSessions, clock: Clock) -> None:
        first, second = sessions.open(), sessions.open()
        assert first is not None
        assert second is not None
        assert sessions.open() is None
        sessions.close(first[0])
        sessions.close(first[0])
        third = sessions.open()
        assert third is not None
        assert sessions.get(first[0]) is None
        clock.now += IDLE_SECONDS - 1
        assert sessions.get(third[0]) is third[1]
        clock.now += 2  # the second has been silent since
        assert sessions.open() is not None
        assert sessions.get(second[0]) is None

    def test_nobody_is_put_out_while_being_answered(self, sessions: LiveSessions, clock: Clock) -> None:
        opened = sessions.open()
        assert opened is not None
        with opened[1].busy:
            clock.now += 2 * IDLE_SECONDS
            sessions.sweep()
            assert len(sessions) == 1
        sessions.sweep()
        assert len(sessions) == 0

    def test_what_the_page_may_call(self, sessions: LiveSessions, clock: Clock) -> None:
        join, send, leave = server_functions(Webcam(sessions), Workshop(Settings()))
        opened = join({"model": None, "detector": None})
        assert [label["name"] for label in opened["labels"]] == list(LABELS)
        picture = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()
        sent = {"token": opened["token"], "picture": picture}
        assert send(sent)["frame"]["faces"][0]["emotion"] == "happy"
        session = sessions.get(opened["token"])
        assert session is not None
        with session.busy:  # a second frame while the first is being answered is not kept for later
            assert send(sent) == {"busy": True}
        join({})
        assert "All 2 places" in join({})["wait"]
        leave(opened["token"])
        assert send(sent) == {"gone": True}
        again = join({})
        clock.now += 601
        assert "10 minutes" in send({**sent, "token": again["token"]})["stop"]
        assert len(sessions) == 1

    def test_what_no_page_sends(self, sessions: LiveSessions) -> None:
        join, send, leave = server_functions(Webcam(sessions), Workshop(Settings()))
        odd: tuple[Any, ...] = (None, 3, [], "x", {}, {"token": 5}, {"token": ["x"]})
        for nonsense in odd:
            assert send(nonsense) == {"gone": True}
            leave(nonsense)
        for picture in (
            None,
            5,
            "",
            "data:,x",
            "data:image/jpeg;base64,%%%",
            "data:;base64,a",
            "A" * (MAX_CHARACTERS + 1),
        ):
            token = join("nonsense")["token"]
            assert "stop" in send({"token": token, "picture": picture})
        assert len(sessions) == 0

    def test_a_model_that_is_not_there(self, recognizer: Any) -> None:
        from emotion_core.recognition.catalogue import Catalogue

        workshop = Workshop(Settings())
        sessions = LiveSessions(Catalogue(recognizer), workshop, Settings(), rolling_timeline)
        join, _, _ = server_functions(Webcam(sessions), workshop)
        assert "no model of that name" in join({"model": "x"})["stop"]
        assert "no detector of that name" in join({"detector": "x"})["stop"]
