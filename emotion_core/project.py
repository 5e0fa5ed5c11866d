"""Where the project is published: one address for the page, the notebooks and the README's links."""

from typing import Final

#: The one place of it: the package, its metadata and the records of trained models read it here.
VERSION: Final = "0.2.0"

#: Put the owner's name in when the repository is published; a test holds the other places equal.
REPOSITORY: Final = "https://github.com/OWNER/emotion-detection"
#: The notebooks, a short course in this order: file below ``training_notebooks`` -> title.
NOTEBOOKS: Final = {
    "01_cnn_basics.ipynb": "CNN basics",
    "02_the_data.ipynb": "The data",
    "03_cnn_from_scratch.ipynb": "A CNN from scratch",
    "04_transfer_learning.ipynb": "Transfer learning",
    "05_fine_tuning_and_search.ipynb": "Fine-tuning and search",
    "06_eight_classes.ipynb": "Eight classes",
    "07_evaluation.ipynb": "Evaluation",
    "08_from_model_to_app.ipynb": "From model to app",
}
