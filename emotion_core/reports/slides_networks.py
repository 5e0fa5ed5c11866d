"""The presentation's pages on the networks and their training."""

from collections.abc import Sequence

from ..recognition.bundle_config import BundleConfig
from ..training.card_use import hours_in_words
from . import charts as plots
from .deck import Deck
from .records import FINISHED, epochs_of
from .slides_results import chart


def networks(deck: Deck, runs: Sequence[BundleConfig], best: BundleConfig) -> None:
    """The recorded networks, and the curves of the one that is told of."""
    rows = []
    for run in runs:
        form = run.export["forms"][run.export["form"]]
        stages = run.training["stages"]
        rows.append(
            [
                run.name,
                str(len(run.labels)),
                f"{run.image_size} px",
                f"{run.training['parameters'] / 1e6:.2f} M",
                f"{form['megabytes']:.1f} MB",
                f"{epochs_of(run)} in {len(stages)} stage{'s' if len(stages) > 1 else ''}"
                + (", unfinished" if epochs_of(run) < FINISHED else ""),
                f"{run.training['hours']:g} h",
            ]
        )
    header = ["network", "classes", "input", "weights", "as served", "epochs", "trained for"]
    deck.page(
        "The networks",
        ["The same code trained all. Each takes the raw crop; enlarging it is the network's work."],
        table=[header, *rows],
        spoken="The large one is for accuracy, the small one for crowds, phones and browsers.",
        seen="; ".join(f"{row[0]}: {row[3]} weights, {row[4]}" for row in rows) + ".",
    )
    deck.page(
        "How it was trained",
        [
            f"{best.name}: {hours_in_words(best.training)}.",
            "Flips, turns, zooms and shifts of every face at every pass, and gray boxes over parts of it.",
            *_targets(best),
            "The running mean of the weights is measured; PublicTest picks the epoch.",
        ],
        chart(plots.history(best.training["stages"])),
        below=True,
        spoken="Dotted lines part the stages. Training's accuracy is of augmented faces, which are harder; where it "
        "lies above PublicTest's, the network knows faces by heart.",
        seen=f"Loss and accuracy of {best.name} over its epochs, on Training and PublicTest.",
    )


def _targets(run: BundleConfig) -> list[str]:
    """What the network was trained to answer, in a line or none."""
    stages = run.training["stages"]
    voted = any(stage["votes_sha256"] for stage in stages)
    if taught := [stage for stage in stages if stage["config"].get("teachers")]:
        longest = max(taught, key=lambda stage: len(stage["history"]))
        share, others = longest["config"]["distil_share"], len(set(longest["config"]["teachers"]))
        rest = "blends label and FER+ votes" if voted else "is the label"
        plural = "s" if others > 1 else ""
        where = f" of the longest of {len(stages)} stages" if len(stages) > 1 else ""
        return [
            f"Targets{where}: {share:.0%} the answer of {others} other network{plural} (teachers); the rest {rest}."
        ]
    return ["Targets blend the label with the FER+ votes: ten people's opinions of that face."] if voted else []
