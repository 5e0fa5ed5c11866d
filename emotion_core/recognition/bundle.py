"""A model as one artefact: a folder with the same layout in the repository, after training and on the Hub.

    config.json        labels, input, temperature, metrics, how it was trained, file hashes
    model.tflite       the graph for serving: raw crops in, logits out
    model.weights.h5   float16 weights, for fine-tuning and re-exporting
    README.md          the model card

A folder with ``config.json`` and only Keras weights (``model.weights.h5`` or ``model.keras``)
is a bundle too, served more slowly by TensorFlow. No other file in the folder is ever read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import BundleError, HashMismatchError
from .bundle_config import CONFIG, BundleConfig
from .hub import has_sha256

GRAPH: Final = "model.tflite"
WEIGHTS: Final = "model.weights.h5"
KERAS: Final = "model.keras"
CARD: Final = "README.md"
#: In order of preference for serving.
SERVABLE: Final = (GRAPH, KERAS, WEIGHTS)
EMBEDDED: Final = Path(__file__).parents[1] / "bundles"
DEFAULT: Final = "fer2013-resnet50v2"


@dataclass(frozen=True)
class Bundle:
    """A checked bundle in a local folder."""

    #: The bundle's folder.
    folder: Path
    #: The parsed ``config.json``.
    config: BundleConfig
    #: The source, as shown on the page.
    origin: str

    @classmethod
    def open(cls, folder: str | Path, origin: str | None = None) -> "Bundle":
        """Read the config and check the SHA-256 of every listed file that is present.

        Raises BundleError if there is no config or nothing to serve, and HashMismatchError
        if a file's hash differs from the config's.

        >>> Bundle.open(EMBEDDED / "fer2013-resnet50v2").config.labels
        ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
        """
        folder = Path(folder)
        path = folder / CONFIG
        if not path.is_file():
            raise BundleError(f"{folder.name!r} has no {CONFIG}: it is not a model bundle.")
        bundle = cls(folder, BundleConfig.from_json(path.read_bytes()), origin or folder.name)
        for name in (GRAPH, KERAS, WEIGHTS, CARD):
            if (folder / name).is_file():
                check_sha256((folder / name).read_bytes(), bundle.config.files.get(name), name)
        bundle.serves_from()
        return bundle

    def serves_from(self) -> str:
        """The name of the file to serve from; BundleError if there is none."""
        for name in SERVABLE:
            if (self.folder / name).is_file():
                return name
        raise BundleError(f"{self.origin} has none of {', '.join(SERVABLE)}: there is nothing to serve.")


def check_sha256(content: bytes, expected: str | None, name: str) -> None:
    """Raise HashMismatchError unless the content's SHA-256 is the expected one (None: not known)."""
    if not has_sha256(content, expected):
        raise HashMismatchError(
            f"{name} is not the file that the bundle's config tells of: its SHA-256 differs. Delete it and fetch it "
            "again or, in a bundle of your own, undo what was changed in it."
        )


def embedded(name: str = DEFAULT) -> Bundle | None:
    """The bundle of that name inside the package, or None."""
    folder = EMBEDDED / name
    return Bundle.open(folder, f"{name} (embedded)") if (folder / CONFIG).is_file() else None
