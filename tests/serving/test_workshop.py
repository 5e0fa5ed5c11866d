"""The single bound on work: places and memory for all, decoders that can be killed, and the webcam's places."""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import numpy as np
import psutil
import pytest
from PIL import Image

from emotion_core import Settings
from emotion_core.errors import BusyError
from emotion_core.images import RGB
from emotion_core.recognition.sized_graphs import SizedGraphs
from emotion_core.serving.decoder import CPU_SECONDS
from emotion_core.serving.fair_clock import MOST_ADDRESSES, Work
from emotion_core.serving.places import EACH_WAITING, MOST_WAITING, Places
from emotion_core.serving.workshop import Workshop
from support.hostile_pictures import large_canvas, many_scans, saved, slow_notes
from support.waiting import until
from support.yunet_weights import like_yunet


def test_a_picture_that_takes_long_goes_on_as_a_heavy_one() -> None:
    """Whatever its header says: four of them held every place for fifteen seconds. Its address comes last then."""
    photo, slow = saved(Image.new("RGB", (640, 480)), "JPEG"), slow_notes(700)
    with closing(Workshop(Settings())) as shop:
        for data, address in ((photo, "honest"), (slow, "slow")):
            with shop.picture(data, address) as rgb:
                assert rgb.shape[2] == 3
                assert [work.heavy for work in shop.places._working] == [address == "slow"]
                if address == "slow":
                    assert shop.places._clock.owed("slow") > CPU_SECONDS / 2 > shop.places._clock.owed("honest")


def in_turn(
    addresses: Sequence[str], seconds: Callable[[str], float] = lambda _: 0.1, places: Places | None = None
) -> list[str]:
    """The order in which work gets the only free place, all of which came in this order while another had it.

    That of addresses whose names begin so is heavy.
    """
    places, order = places or Places(1, 100), list[str]()

    def work(address: str) -> None:
        with places.place(address, seconds=seconds(address), heavy=address.startswith("heavy")):
            order.append(address)
            time.sleep(0.01)

    with ThreadPoolExecutor(len(addresses)) as pool:
        with places.place(addresses[0]):
            calls = []
            for address in addresses:
                calls.append(pool.submit(work, address))
                until(lambda: len(places._line) == len(calls))
        for call in calls:
            call.result()
    return order


class TestPlaces:
    def test_an_address_with_much_work_waits_behind_itself(self) -> None:
        """One with a single picture comes before all further ones of another."""
        order = in_turn(["greedy"] * 5 + ["one"])
        assert order.index("one") == 0
        assert order.count("greedy") == 5

    def test_what_takes_little_overtakes_what_takes_long(self) -> None:
        """Ten addresses with large photos do not keep a small one waiting for ten of them."""
        large = [f"large {number}" for number in range(5)]
        assert in_turn([*large, "small"], lambda address: 0.1 if address == "small" else 0.5)[0] == "small"

    def test_what_takes_long_is_not_put_back_for_long(self) -> None:
        """A large photo does not wait until another address has had as much time with small ones."""
        order = in_turn(["small"] * 7 + ["large"], lambda address: 1.0 if address == "large" else 0.1)
        assert order.index("large") <= 2

    def test_what_nobody_else_wanted_is_not_owed(self) -> None:
        """A visitor who sent photos all along comes before the second picture of anybody who has just come."""
        places, order = Places(2, 100), list[str]()
        with places.place("other"):
            for _ in range(5):
                with places.place("steady"):
                    time.sleep(0.02)
            order = in_turn(["new", "new", "steady"], places=places)
        assert order.index("steady") < 2

    def test_heavy_and_light_work_come_in_turn(self) -> None:
        """And whose photos took much time owes none of it where large ones wait."""
        places = Places(1, 100)
        places.charge("heavy 1", 100)
        order = in_turn(["light 1", "light 2", "light 3", "heavy 1", "heavy 2"], places=places)
        assert order == ["heavy 1", "light 2", "heavy 2", "light 3", "light 1"]  # who has had the place before

    def test_who_waits_for_memory_is_one_of_those_who_share(self) -> None:
        """The clock goes on by each one's share: else an address with several large pictures would owe nothing."""
        places = Places(2, 100)

        def wait() -> None:
            with places.room(70, "other"):
                pass

        with ThreadPoolExecutor(1) as pool, places.room(70, "first"):
            with places.place("first", heavy=True):
                waits = pool.submit(wait)
                until(lambda: len(places._sizes) == 1)
                time.sleep(0.1)
            assert places._heavy_clock.owed("first") > 0.04
        waits.result()

    def test_what_took_longer_than_expected_is_owed(self) -> None:
        """And what was given up is not."""
        places = Places(1, 100)
        with ThreadPoolExecutor(2) as pool, places.place("slow", seconds=0.01):
            with pytest.raises(BusyError), places.place("hasty", 0.0, seconds=100):
                pass
            waits = pool.submit(places._enter, Work("keeps the server from resting", False, 50), 20)
            until(lambda: len(places._line) == 1)
            time.sleep(0.1)
        assert places._clock.start("slow") > 0.1
        assert places._clock.start("hasty") < 1
        waits.result()

    def test_only_so_many_addresses_are_remembered(self) -> None:
        places = Places(MOST_ADDRESSES + 10, 100)
        with ExitStack() as held:
            for number in range(MOST_ADDRESSES + 10):
                held.enter_context(places.place(str(number)))
            assert len(places._clock) == MOST_ADDRESSES
        assert len(places._clock) == 0

    def test_one_address_never_has_every_place(self) -> None:
        places, go_on = Places(3, 100), threading.Event()

        def work() -> None:
            with places.place("greedy"):
                go_on.wait(20)

        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(work) for _ in range(5)]
            time.sleep(0.2)
            start = time.monotonic()
            with places.place("one"):
                assert time.monotonic() - start < 1
            go_on.set()
            for call in calls:
                call.result()

    def test_waiting_is_bounded_in_number_and_in_time(self) -> None:
        places = Places(1, 100, patience=0.2)
        with places.place("a"):
            start = time.monotonic()
            with pytest.raises(BusyError, match="Try again"), places.place("b"):
                pass
            assert 0.1 < time.monotonic() - start < 2
            with ThreadPoolExecutor(EACH_WAITING + 1) as pool:
                waiting = [pool.submit(places._enter, Work("c", False, 0.1), 1.0) for _ in range(EACH_WAITING)]
                until(lambda: len(places._line) == EACH_WAITING)
                with pytest.raises(BusyError), places.place("c", 5.0):
                    pass
                for call in waiting:
                    call.cancel()
                # Nobody gets in while the place is held, and those who gave up left no trace.
                with pytest.raises(BusyError):
                    waiting[0].result()

    def test_memory_is_shared_too(self) -> None:
        places = Places(4, 100, patience=0.2)
        with places.room(70):
            with places.room(30), pytest.raises(BusyError), places.room(1):
                pass
            with pytest.raises(BusyError), places.room(1000):
                pass
        with places.room(1000):  # more than there is takes all of it
            pass

    def test_what_is_heavy_leaves_places_and_memory_to_what_is_light(self) -> None:
        """However many large pictures from however many addresses, a small one waits for none of them."""
        places = Places(4, 100, kept=20)
        inside, go_on = list[int](), threading.Event()

        def large(number: int) -> None:
            with places.room(30, f"large {number}"), places.place(f"large {number}", heavy=True):
                inside.append(number)
                go_on.wait(20)

        with ThreadPoolExecutor(6) as pool:
            calls = [pool.submit(large, number) for number in range(6)]
            until(lambda: len(inside) == 2 and len(places._line) == 1 and len(places._sizes) == 3)
            start = time.monotonic()
            with places.room(20, "light", heavy=False), places.place("light"):
                assert time.monotonic() - start < 1
            go_on.set()
            for call in calls:
                call.result()
        assert sorted(inside) == list(range(6))
        assert (places._used, places._heavy_used, places._working) == (0, 0, [])

    def test_shares_shrink_as_the_line_fills(self) -> None:
        """Ten addresses at their limits still leave waiting places for an eleventh."""
        places, refused = Places(1, 100), list[str]()

        def work(address: str) -> None:
            try:
                with places.place(address, 20):
                    pass
            except BusyError:
                refused.append(address)

        with ThreadPoolExecutor(90) as pool:
            with places.place("holder"):
                calls = [pool.submit(work, f"greedy {number % 10}") for number in range(80)]
                until(lambda: len(places._line) + len(refused) == 80)
                assert len(places._line) < MOST_WAITING
                calls.append(pool.submit(work, "eleventh"))
                until(lambda: any(ticket.address == "eleventh" for ticket in places._line))
            for call in calls:
                call.result()
        assert "eleventh" not in refused


def test_who_waits_for_memory_holds_no_place(astronaut: RGB) -> None:
    """With all memory taken and large pictures waiting for it, a small one overtakes them."""
    workshop = Workshop(Settings(concurrency=2))
    large, small = large_canvas(4_500, "PNG"), saved(Image.fromarray(astronaut), "JPEG")

    def wait_for_memory(number: int) -> None:
        with workshop.picture(large, f"large {number}"):
            pass

    with ThreadPoolExecutor(4) as pool:
        with workshop.places.room(workshop.places.memory):
            waiting = [pool.submit(wait_for_memory, number) for number in range(4)]
            until(lambda: len(workshop.places._sizes) == 4, 60)
            with workshop.picture(small, "small") as rgb:
                assert rgb.shape == astronaut.shape
        for call in waiting:
            call.result()
    workshop.close()


def test_heavy_pictures_come_one_at_a_time(astronaut: RGB) -> None:
    """Heavy pictures of little memory also come one at a time, and a light one passes by."""
    workshop = Workshop(Settings(concurrency=4))
    heavy, light = many_scans(60, 1_000, 1_000), saved(Image.fromarray(astronaut), "JPEG")
    inside, done = [], threading.Event()

    def look(number: int) -> None:
        with workshop.picture(heavy, f"heavy {number}"):
            inside.append(number)
            done.wait()

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(look, number) for number in range(3)]
        try:
            until(lambda: len(inside) == 1 and len(workshop.places._sizes) == 2, 60)
            with workshop.picture(light, "light") as rgb:
                assert rgb.shape == astronaut.shape
            assert len(inside) == 1
        finally:
            done.set()
        for call in calls:
            call.result()
    workshop.close()


def test_a_heavy_picture_finds_no_large_graph_and_leaves_none(astronaut: RGB) -> None:
    graphs, workshop = SizedGraphs(like_yunet(np.random.default_rng(1))), Workshop(Settings())
    wide = np.zeros((1, 64, 832, 4), np.uint8)
    graphs(wide)
    with workshop.picture(saved(Image.fromarray(astronaut), "JPEG")):
        assert graphs.held == [(64, 832)]
    with workshop.picture(large_canvas(4_000, "PNG")):
        assert graphs.held == []
        graphs(wide)
    assert graphs.held == []
    workshop.close()


@pytest.mark.skipif(sys.platform != "linux" or os.nice(0) > 9, reason="asks Linux how nice a process is, up to 19")
def test_decoders_give_way_to_the_server_and_heavy_ones_to_light_ones(astronaut: RGB) -> None:
    own, before, niceness = psutil.Process(), set[psutil.Process](), []
    with closing(Workshop(Settings())) as workshop:
        for photo in (saved(Image.fromarray(astronaut), "JPEG"), large_canvas(4_000, "PNG")):
            with workshop.picture(photo):
                [decoder] = {one for one in own.children(recursive=True) if one.nice() > own.nice()} - before
                niceness.append(decoder.nice() - own.nice())
                before.add(decoder)
    assert 0 < niceness[0] < niceness[1]
