"""Which pictures of a video are analysed."""


class Slots:
    """Time is divided into slots of 1 / rate; the first picture in each is analysed, so the very first one is, too.

    rate: analysed pictures a second; None for all.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._slot = -1

    def begin(self, seconds: float) -> bool:
        """Whether the next picture, of this time since the first one, begins a slot."""
        before = self._slot
        self._slot = before + 1 if self._rate is None else int(seconds * self._rate + 1e-6)
        return self._slot != before
