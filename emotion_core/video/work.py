"""Long work that reports how far it is and in the end has a result."""

from collections.abc import Generator
from types import TracebackType
from typing import Generic, Self, TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


class Work(Generator[Step, None, Result], Generic[Step, Result]):
    """Iterating does the work and tells its steps; ``result`` does what is left and returns the outcome.

    Closing it, or leaving its ``with`` block, ends work that is not done. In a generator,
    ``result = yield from work`` hands the steps on.
    """

    def __init__(self, steps: Generator[Step, None, Result]) -> None:
        self._steps = steps
        self._results: list[Result] = []

    def send(self, value: None) -> Step:
        """The next step; StopIteration with the result at the end."""
        try:
            return self._steps.send(value)
        except StopIteration as stop:
            if not self._results and stop.value is not None:  # None: closed, or asked once more
                self._results.append(stop.value)
            raise

    def throw(self, *error: object) -> Step:
        """Raise an error where the work stands, which ends it."""
        return self._steps.throw(*error)  # type: ignore[call-overload, no-any-return]

    def close(self) -> None:
        """End the work and delete what is unfinished; nothing happens if it has ended."""
        self._steps.close()

    def result(self) -> Result:
        """The outcome; RuntimeError when the work was ended before it was done."""
        for _ in self:
            pass
        if not self._results:
            raise RuntimeError("The work was ended before it was done; it has no result.")
        return self._results[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
