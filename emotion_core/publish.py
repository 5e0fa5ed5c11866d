"""Publishing to the Hugging Face Hub: a bundle as a model repository, this app as a Space.

A published model is pinned: its commit and its files' SHA-256 go into the pin file, which tells the
app what to load, and a Space what to fetch before it starts.
"""

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from .errors import BundleError, HubError, ModelNotFoundError, OutputError
from .files import sha256_of
from .labels import FER2013
from .recognition.bundle import CARD, GRAPH, KERAS, SERVABLE, WEIGHTS, Bundle
from .recognition.bundle_card import check_card
from .recognition.bundle_config import CONFIG
from .recognition.hub import HubRef
from .recognition.resolve import PIN, fetch_bundle

ROOT: Final = Path(__file__).parents[1]
#: A Space's folder for the browser runtime: next to `app.py`, which looks there.
BROWSER_RUNTIME: Final = "browser-runtime"
#: The tracked files that a Space gets, and the exceptions: weights that it preloads from the Hub, and
#: what only training needs.
FOR_SPACE: Final = ("app.py", "LICENSE", "requirements.txt", "emotion_core")
NOT_FOR_SPACE: Final = ("bundles", "datasets", "training", "reports", "bulk", PIN.name)
#: A Space is behind one proxy of the Hub, which identifies visitors in X-Forwarded-For.
SPACE_VARIABLES: Final = {"EMOTION_TRUSTED_PROXIES": "1"}


@dataclass(frozen=True)
class Upload:
    """What will be uploaded where; files are relative to the folder."""

    repo_id: str
    kind: Literal["model", "space"]
    folder: Path
    files: tuple[str, ...]

    def listing(self) -> str:
        """One line per file with its size in bytes, and the total."""
        sizes = {name: (self.folder / name).stat().st_size for name in self.files}
        lines = [f"{size:>12,}  {name}" for name, size in sizes.items()]
        return "\n".join(
            [*lines, f"{sum(sizes.values()):>12,}  in {len(sizes)} files for the {self.kind} {self.repo_id}"]
        )


def model_upload(bundle: str | Path, repo_id: str) -> Upload:
    """A bundle's files, after checking their hashes and that the card states this bundle's figures.

    Raises BundleError if the card is missing or contradicts the config, ModelNotFoundError for an invalid name.
    """
    _check_name(repo_id)
    opened = Bundle.open(bundle)
    folder = opened.folder
    names = tuple(name for name in (CONFIG, CARD, *SERVABLE) if (folder / name).is_file())
    if CARD not in names:
        raise BundleError(f"{folder.name!r} has no {CARD}: a model is published with its card.")
    check_card((folder / CARD).read_text(), opened.config)
    return Upload(repo_id, "model", folder, names)


def publish_model(upload: Upload, private: bool = False, pin_file: Path = PIN) -> HubRef:
    """Create the repository if needed, upload, and write the pin. Raises HubError."""
    commit = _send(upload, private, f"Publish {upload.folder.name}")
    hashes = {name: sha256_of(upload.folder / name) for name in upload.files}
    pin = HubRef(upload.repo_id, commit, hashes)
    try:
        pin_file.write_text(_pin_text(pin))
    except OSError as error:
        message = f"Published, but {pin_file.name} cannot be written. Save it as:\n{_pin_text(pin)}"
        raise OutputError(message, pin_file) from error
    return pin


@contextlib.contextmanager
def space_upload(
    repo_id: str,
    model: str | None = None,
    root: Path = ROOT,
    pin_file: Path = PIN,
    browser_runtime: Path | None = None,
) -> Iterator[Upload]:
    """The app's files in a temporary folder, pinned to a model on the Hub that the Space preloads.

    model: ``owner/repo[@revision]``, pinned at its current commit; by default the pin file's model.
    browser_runtime: the folder with which visitors' browsers can run the model, included if given.
    Raises ModelNotFoundError if there is no pin, HubError if the model cannot be fetched.
    """
    _check_name(repo_id)
    if not (root / "app.py").is_file():
        raise ModelNotFoundError("A Space is published from a clone of the repository: there is no app.py here.")
    pin = _pin_of(model) if model else HubRef.from_pin(pin_file)
    if pin is None:
        raise ModelNotFoundError(
            "No model is pinned. Publish one first (python -m emotion_core publish model BUNDLE OWNER/NAME), "
            "or name one that is on the Hub with --model OWNER/NAME."
        )
    with tempfile.TemporaryDirectory(prefix="emotion-space-") as name:
        folder = Path(name)
        for file in _listed(root):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, folder / file)
        (folder / "emotion_core" / PIN.name).write_text(_pin_text(pin))
        if browser_runtime is not None:
            shutil.copytree(browser_runtime, folder / BROWSER_RUNTIME)
            _take_smallest(root, folder)
        (folder / CARD).write_text(space_readme((root / CARD).read_text(), pin))
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        yield Upload(repo_id, "space", folder, tuple(files))


def _take_smallest(root: Path, folder: Path) -> None:
    """Add the smallest embedded bundle of seven labels: the browser's first result need not wait for a large one."""
    bundles = [path.parent for path in (root / "emotion_core" / "bundles").glob(f"*/{GRAPH}")]
    usual = [bundle for bundle in bundles if Bundle.open(bundle).config.labels == FER2013]
    for bundle in sorted(usual, key=lambda bundle: (bundle / GRAPH).stat().st_size)[:1]:
        (folder / bundle.relative_to(root)).mkdir(parents=True)
        for name in (CONFIG, GRAPH, CARD):
            shutil.copy(bundle / name, folder / bundle.relative_to(root) / name)


def _listed(root: Path) -> list[str]:
    """The app's files tracked by git, as on disk, and no untracked ones."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--", *FOR_SPACE],
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ModelNotFoundError(
            "A Space is published from a clone of the repository: git cannot list its files here."
        ) from error
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [name for name in names if not set(NOT_FOR_SPACE) & set(name.split("/")) and (root / name).is_file()]


def publish_space(upload: Upload, private: bool = False) -> str:
    """Create the Space if needed and upload; returns the commit. Modules deleted here are deleted there.

    Variables that a Space needs are set unless its owner has set them.
    """
    return _send(upload, private, "Publish the app", delete=["emotion_core/*", f"{BROWSER_RUNTIME}/*"])


def space_readme(readme: str, pin: HubRef) -> str:
    """The README with the pinned model in its front matter: listed, and preloaded before the app starts."""
    from huggingface_hub import SpaceCard

    card = SpaceCard(readme)
    [graph] = [name for name in SERVABLE if name in pin.sha256][:1]
    preload = f"{pin.repo_id} {CONFIG},{graph} {pin.revision}"
    others = [name for name in card.data.get("models", []) if name != pin.repo_id]
    card.data["models"] = [pin.repo_id, *others]
    card.data["preload_from_hub"] = [preload, *card.data.get("preload_from_hub", [])]
    return str(card)


def _pin_of(model: str) -> HubRef:
    """Pins the files of a repository that serving needs, at its current commit."""
    ref = HubRef.parse(model)
    if ref is None:
        raise ModelNotFoundError(f"{model!r} is not a repository: give OWNER/NAME or OWNER/NAME@revision.")
    folder = fetch_bundle(ref).folder
    names = [name for name in (CONFIG, GRAPH, KERAS, WEIGHTS) if (folder / name).is_file()]
    hashes = {name: sha256_of(folder / name) for name in names}
    return replace(ref, revision=folder.name, sha256=hashes)


def _pin_text(pin: HubRef) -> str:
    content = {"repo_id": pin.repo_id, "revision": pin.revision, "sha256": dict(pin.sha256)}
    return json.dumps(content, indent=1) + "\n"


def _check_name(repo_id: str) -> None:
    ref = HubRef.parse(repo_id)
    if ref is None or ref.revision:
        raise ModelNotFoundError(f"{repo_id!r} is not a repository's name: give OWNER/NAME.")


def _send(upload: Upload, private: bool, message: str, delete: list[str] | None = None) -> str:
    """Create the repository if missing and upload the files; returns the commit. Raises HubError."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if get_token() is None:
        raise HubError("You are not logged in: run 'hf auth login', or set HF_TOKEN to a token that may write.")
    api = HfApi()
    try:
        api.create_repo(
            upload.repo_id,
            repo_type=upload.kind,
            space_sdk="gradio" if upload.kind == "space" else None,
            private=private or None,  # None: the owner's default
            exist_ok=True,
        )
        if upload.kind == "space":
            known = api.get_space_variables(upload.repo_id)
            for name in SPACE_VARIABLES.keys() - known.keys():
                api.add_space_variable(upload.repo_id, name, SPACE_VARIABLES[name])
        commit = api.upload_folder(
            repo_id=upload.repo_id,
            repo_type=upload.kind,
            folder_path=upload.folder,
            allow_patterns=list(upload.files),
            delete_patterns=delete,
            commit_message=message,
        )
    except HfHubHTTPError as error:
        status = error.response.status_code
        owner = upload.repo_id.partition("/")[0]
        reasons = {
            401: "the token is not valid. Log in again with 'hf auth login', or renew HF_TOKEN.",
            402: "the Hub asks for a paid plan.",
            403: f"the token may not write for {owner}. Use one with write permission for that name.",
        }
        raise HubError(f"{upload.repo_id}: {reasons.get(status, f'the Hub answered {status}. Try again.')}") from error
    except ValueError as error:  # raised by the client for a refused card or a malformed response
        raise HubError(f"{upload.repo_id} was refused: {error}") from error
    # The client passes on errors of its HTTP library and the file system.
    except Exception as error:
        raise HubError(f"{upload.repo_id} could not be uploaded ({type(error).__name__}). Try again.") from error
    return str(commit.oid)
