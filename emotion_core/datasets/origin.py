"""Where a data set came from, as a model card must tell it: recorded when it is read, never guessed later."""

from dataclasses import asdict, dataclass
from typing import Any, Final

#: Who divided the faces into those to learn from, to choose by and to be measured on.
OFFICIAL: Final = "official"  # the set's authors
GIVEN: Final = "given"  # whoever laid out the folder or the table
MADE: Final = "made"  # this program, by content
#: What the truth is.
LABELS: Final = "labels"
VOTES: Final = "votes"


@dataclass(frozen=True)
class Origin:
    """name: of the set, or of the folder. splits: ``official``, ``given`` or ``made``. truth: ``labels``
    or ``votes``. sought: faces were found and cut out of photos, as serving does; else pictures were
    taken as they are.
    """

    name: str = "data of its own"
    splits: str = GIVEN
    truth: str = LABELS
    sought: bool = False

    def as_json(self) -> dict[str, Any]:
        """As recorded with a run."""
        return asdict(self)
