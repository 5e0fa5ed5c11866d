"""Project metadata: version, repository, notebooks."""

from dataclasses import dataclass
from typing import Final

#: The single source: the package, its metadata and the records of trained models read it here.
VERSION: Final = "0.2.0"

#: Where the project is published, as https://github.com/OWNER/NAME; None if unpublished: nothing links to it.
#: ``python -m emotion_core publish address`` writes it here and into documents, notebooks and cards.
REPOSITORY: str | None = None


@dataclass(frozen=True)
class Notebook:
    """A chapter of the course in ``training_notebooks``; takes: its run time on two cores."""

    title: str
    question: str
    takes: str


#: The course, in order.
NOTEBOOKS: Final = {
    "01_cnn_basics.ipynb": Notebook(
        "CNN basics", "What does a convolution see?", "minutes on drawn pictures, longer on photographs"
    ),
    "02_the_data.ipynb": Notebook(
        "The data", "What is in FER-2013, and how far can its labels be trusted?", "under a minute"
    ),
    "03_cnn_from_scratch.ipynb": Notebook(
        "A CNN from scratch",
        "How far does a small network of our own get?",
        "ten minutes on a part, hours on all faces",
    ),
    "04_transfer_learning.ipynb": Notebook(
        "Transfer learning", "Which ImageNet network is the best start?", "a day; hours on a GPU"
    ),
    "05_fine_tuning_and_search.ipynb": Notebook(
        "Fine-tuning and search",
        "Which tricks help, and what is the shipped recipe?",
        "minutes for two switches, hours for all",
    ),
    "06_eight_classes.ipynb": Notebook(
        "Eight classes",
        "What changes with votes, contempt and AffectNet?",
        "five minutes on a part, hours on all faces",
    ),
    "07_evaluation.ipynb": Notebook(
        "Evaluation", "How good, how sure, wrong about what, looking where?", "a few minutes"
    ),
    "08_from_model_to_app.ipynb": Notebook(
        "From model to app", "How does a model become an application, and learn my own classes?", "minutes"
    ),
}
