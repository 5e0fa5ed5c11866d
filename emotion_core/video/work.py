"""Long-running work that reports its progress and returns a result."""

from collections.abc import Generator
from types import TracebackType
from typing import Generic, Self, TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


class Work(Generator[Step, None, Result], Generic[Step, Result]):
    """Iterating does the work and yields its steps; ``result`` does the rest and returns the outcome.

    Closing it, or leaving its ``with`` block, ends unfinished work. In a generator,
    ``result = yield from work`` passes the steps on.
    """

    def __init__(self, steps: Generator[Step, None, Result]) -> None:
        self._steps = steps
        self._results: list[Result] = []

    def send(self, value: None) -> Step:
        """The next step; StopIteration with the result at the end."""
        try:
            return self._steps.send(value)
        except StopIteration as stop:
            if not self._results and stop.value is not None:  # None: closed, or already exhausted
                self._results.append(stop.value)
            raise

    def throw(self, *error: object) -> Step:
        """Raise an error inside the work, which ends it."""
        return self._steps.throw(*error)  # type: ignore[call-overload, no-any-return]

    def close(self) -> None:
        """End the work and delete unfinished files; does nothing if it has ended."""
        self._steps.close()

    def result(self) -> Result:
        """The outcome; RuntimeError if the work was ended before it was done."""
        for _ in self:
            pass
        if not self._results:
            raise RuntimeError("The work was ended before it was done; it has no result.")
        return self._results[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
