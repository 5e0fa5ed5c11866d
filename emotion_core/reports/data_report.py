"""A data set's contents and defects, in figures and as a picture."""

from collections import defaultdict
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..datasets.faces import SPLITS, FaceData

_ROW: Final = 12  # faces of a class on the contact sheet
_MARGIN: Final = 150


def describe(data: FaceData) -> dict[str, Any]:
    """Counts per class and split, twins by hash, contradictory labels, skipped files.

    ``duplicates``: faces that repeat an earlier one in the same split; ``twins``: faces of the
    other splits that are byte-identical to a training face; ``contradictions``: byte-identical
    faces with more than one label.
    """
    hashes = np.array(data.hashes())
    train = set(hashes[data.split == "train"])
    labels_of: dict[str, set[int]] = defaultdict(set)
    for digest, label in zip(hashes, data.emotion, strict=True):
        labels_of[digest].add(int(label))
    present = [split for split in SPLITS if (data.split == split).any()]
    parts = {split: hashes[data.split == split] for split in present}
    return {
        "faces": len(data),
        "shape": list(data.faces.shape[1:]),
        "sha256": data.digest(),
        "counts": {
            split: dict(
                zip(
                    data.labels,
                    np.bincount(data.emotion[data.split == split], minlength=len(data.labels)).tolist(),
                    strict=True,
                )
            )
            for split in present
        },
        "duplicates": {split: len(part) - len(set(part)) for split, part in parts.items()},
        "twins": {split: sum(d in train for d in part) for split, part in parts.items() if split != "train"},
        "contradictions": int(sum(len(labels_of[digest]) > 1 for digest in hashes)),
        "blank": int((data.faces.reshape(len(data), -1).std(axis=1) < 1).sum()),
        "without_votes": None if data.votes is None else int((~data.votes.any(axis=1)).sum()),
        "skipped": list(data.skipped),
    }


def as_text(report: dict[str, Any]) -> str:
    """The report as a table and a few lines."""
    counts = report["counts"]
    labels = list(next(iter(counts.values())))
    width = max(map(len, labels))
    lines = [f"{report['faces']} faces of {'x'.join(map(str, report['shape']))}, SHA-256 {report['sha256'][:16]}", ""]
    lines += [" " * width + "".join(f"{split:>10}" for split in counts)]
    lines += [f"{label:{width}}" + "".join(f"{counts[split][label]:>10}" for split in counts) for label in labels]
    lines += [f"{'':{width}}" + "".join(f"{sum(counts[split].values()):>10}" for split in counts), ""]
    lines += [f"{count} of {split} repeat an earlier one of it" for split, count in report["duplicates"].items()]
    lines += [f"{count} of {split} are also training faces (twins)" for split, count in report["twins"].items()]
    lines += [f"{report['contradictions']} faces have a twin with another label", f"{report['blank']} faces are blank"]
    if report["without_votes"] is not None:
        lines += [f"{report['without_votes']} faces that the FER+ voters could not name"]
    lines += [f"Skipped files: {len(report['skipped'])}", *(f"  {line}" for line in report["skipped"])]
    return "\n".join(lines)


def contact_sheet(data: FaceData, seed: int = 0) -> Image.Image:
    """A row of faces for every class, drawn at random from the training split."""
    part = data.of("train")
    side = part.faces.shape[1]
    sheet = Image.new("RGB", (_MARGIN + _ROW * (side + 2), len(data.labels) * (side + 2)), "white")
    pen, rng = ImageDraw.Draw(sheet), np.random.default_rng(seed)
    font = ImageFont.load_default(14)
    for row, label in enumerate(data.labels):
        members = np.flatnonzero(part.emotion == row)
        pen.text((4, row * (side + 2) + side // 2 - 8), f"{label} ({len(members)})", fill="black", font=font)
        for column, index in enumerate(rng.permutation(members)[:_ROW]):
            face = part.faces[index]
            tile = Image.fromarray(face[..., 0] if face.shape[-1] == 1 else face)
            sheet.paste(tile, (_MARGIN + column * (side + 2), row * (side + 2)))
    return sheet
