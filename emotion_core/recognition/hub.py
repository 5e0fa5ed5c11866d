"""Files from the Hugging Face Hub: pinned by commit, verified by SHA-256, fetched with a time limit."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from ..errors import BundleError, EmotionError, HashMismatchError, HubError, ModelNotFoundError

T = TypeVar("T")

#: Time limit for fetching what was requested by name, in seconds.
PATIENCE: Final = 300.0
#: The same for a file of about 100 kB.
SMALL_PATIENCE: Final = 30.0
#: The same for the first file of a model: a Hub that takes connections and says nothing is given up then.
FIRST_PATIENCE: Final = 60.0
_REPOSITORY: Final = re.compile(r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*)(@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class HubRef:
    """A repository at a revision, and the SHA-256 its files must have."""

    repo_id: str
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision[:12]}" if self.revision else self.repo_id

    @classmethod
    def parse(cls, text: str) -> "HubRef | None":
        """Parse ``owner/repo`` or ``owner/repo@revision``; None for anything else."""
        match = _REPOSITORY.fullmatch(text.strip())
        return cls(match["repo"], match["revision"]) if match else None

    @classmethod
    def from_pin(cls, path: Path) -> "HubRef | None":
        """Read a pin file ``{"repo_id", "revision", "sha256": {file: hash}}``; None if absent."""
        if not path.is_file():
            return None
        try:
            raw = json.loads(path.read_text())
            pin = cls(str(raw["repo_id"]), str(raw["revision"]), {str(k): str(v) for k, v in raw["sha256"].items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"The pin file {path.name} is broken ({error}). Publish the model again.") from error
        if not re.fullmatch(r"[0-9a-f]{40}", pin.revision or "") or not pin.sha256:
            raise BundleError(f"The pin file {path.name} must name a whole commit and its files' hashes.")
        return pin


YUNET: Final = HubRef(
    "opencv/face_detection_yunet",
    "3cc26e7f1014a5ee5d74a42acee58bafc9d0a310",
    {"face_detection_yunet_2023mar.onnx": "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"},
)


def fetch(ref: HubRef, name: str) -> Path:
    """Download one file or take it from the cache; a cached file at a pinned commit needs no network.

    A file whose SHA-256 does not match is fetched once more, then refused.
    Raises ModelNotFoundError, HubError or HashMismatchError.
    """
    path = _download(ref, name, force=False)
    if not has_sha256(path.read_bytes(), ref.sha256.get(name)):
        path = _download(ref, name, force=True)
        if not has_sha256(path.read_bytes(), ref.sha256.get(name)):
            raise HashMismatchError(f"{ref} handed out a {name} with the wrong SHA-256; it is not used.")
    return path


def held(ref: HubRef, name: str) -> Path:
    """A file already in the cache with the right SHA-256; HubError if there is none. Never uses the network."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(ref.repo_id, name, revision=ref.revision)
    if not isinstance(path, str) or not Path(path).is_file():
        raise HubError(f"The Hub's cache has no {name} of {ref}.")
    if not has_sha256(Path(path).read_bytes(), ref.sha256.get(name)):
        raise HubError(f"The Hub's cache has a {name} of {ref} with the wrong SHA-256.")
    return Path(path)


def within(seconds: float, call: Callable[[], T]) -> T:
    """The call's result, or HubError once the time is up.

    The Hub's client retries a dead host for about 20 seconds and cannot be interrupted, so the
    call continues in its own thread; what it still fetches is there for the next start.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name="hub")
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise HubError(f"The Hugging Face Hub did not finish within {seconds:g} seconds.")
    return outcome[0]


def quiet_hub() -> None:
    """For programs: silence the client's messages about its retries; our notice says what matters."""
    from huggingface_hub import logging  # importing it sets a level, so import before setting ours

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def has_sha256(content: bytes, expected: str | None) -> bool:
    """Whether the content has the expected SHA-256; None: not known, so anything passes."""
    return expected is None or hashlib.sha256(content).hexdigest() == expected.lower()


def _download(ref: HubRef, name: str, force: bool) -> Path:
    # Imported here: a local bundle and detector need nothing from the Hub.
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(hf_hub_download(ref.repo_id, name, revision=ref.revision, force_download=force))
    except GatedRepoError as error:
        raise HubError(f"{ref.repo_id} is gated: accept its terms on the Hub and set HF_TOKEN.") from error
    except RepositoryNotFoundError as error:
        raise ModelNotFoundError(
            f"The Hub has no repository {ref.repo_id}, or it is private: check the name, or set HF_TOKEN."
        ) from error
    except RevisionNotFoundError as error:
        raise ModelNotFoundError(f"{ref.repo_id} has no revision {ref.revision}.") from error
    except LocalEntryNotFoundError as error:  # a subclass of EntryNotFoundError, so it must come first
        raise HubError(f"The Hub cannot be reached and its cache has no usable {name} of {ref}.") from error
    except EntryNotFoundError as error:
        raise ModelNotFoundError(f"{ref} has no file {name}.") from error
    except EmotionError:
        raise
    # The client passes on errors of its HTTP library and the file system.
    except Exception as error:
        raise HubError(f"{name} of {ref} could not be fetched ({type(error).__name__}).") from error
