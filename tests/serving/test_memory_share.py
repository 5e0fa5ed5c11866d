"""Memory for photos that are sent to the page: how much of it there is, and whose."""

import contextlib

import pytest

from emotion_core.serving.arrival import Arrival
from emotion_core.serving.decoder_process import Measure
from emotion_core.serving.memory_share import MemoryShare
from emotion_core.serving.refusals import ApiError
from emotion_core.serving.workshop import is_heavy


def test_however_many_come_there_is_something_left_for_a_small_one() -> None:
    share = MemoryShare(120_000_000)
    with contextlib.ExitStack() as held:
        refused = 0
        for number in range(10):
            try:
                held.enter_context(share.held(str(number), Arrival()))(49_000_000)
            except ApiError:
                refused += 1
        assert refused == 9
        for number in range(10):
            with contextlib.suppress(ApiError):
                held.enter_context(share.held(f"more {number}", Arrival()))(20_000_000)
        held.enter_context(share.held("honest", Arrival()))(10_000_000)
    with share.held("somebody", Arrival()) as come:
        come(60_000_000)
    assert not share._held


def test_an_address_has_half_of_what_the_others_leave() -> None:
    share = MemoryShare(100)
    with (
        share.held("one", Arrival()) as first,
        share.held("one", Arrival()) as second,
        share.held("two", Arrival()) as other,
    ):
        first(30)
        second(20)
        with pytest.raises(ApiError):
            second(21)
        other(25)
        with pytest.raises(ApiError):
            other(26)


def test_what_a_body_grows_by_is_counted_once() -> None:
    share = MemoryShare(100)
    with share.held("one", Arrival()) as come:
        for size in range(51):
            come(size)
        with pytest.raises(ApiError):
            come(51)


def test_a_long_file_is_heavy_whatever_it_shows() -> None:
    assert not is_heavy(Measure(4000, 3000, 84_000_000, 12_000_000, 6_000_000))
    assert is_heavy(Measure(4300, 3300, 99_000_000, 14_000_000, 16_000_000))


def test_what_was_cut_off_holds_nothing_more() -> None:
    """A piece of it may have come before, and wait for its turn."""
    share, slow = MemoryShare(100), Arrival()
    slow._late = 2.0
    with share.held("one", slow) as first:
        first(50)
        with share.held("two", Arrival()) as other:
            other(30)
        with pytest.raises(ApiError):
            first(51)
    assert not share._held
