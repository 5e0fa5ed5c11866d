"""Several photos at once, below the single photo of the Image tab: a gallery, a table, and a zip file."""

from collections.abc import Sequence
from typing import Final

import gradio as gr

from ..errors import BusyError, EmotionError
from ..recognition.catalogue import Catalogue
from ..serving.temporary import ShortLivedFolder, bytes_to_keep
from ..serving.workshop import Workshop
from .album import album_rows, analyze_album, write_album
from .components import file_address, uploaded
from .photo_view import html_rows
from .templating import render
from .visitor import refused, visitor
from .words import model_words

MOST_PHOTOS: Final = 50
#: Of a photo, in what is kept: one with boxes, and that in the zip file.
_COPIES: Final = 2


def bytes_of_album(photos: Sequence[str]) -> int:
    """What is kept of photos, about: of one that is named twice, twice as much."""
    return _COPIES * sum(map(bytes_to_keep, photos))


def album_part(catalogue: Catalogue, files: ShortLivedFolder, workshop: Workshop) -> None:
    """Lay out the section and connect its events."""
    choices = [(words.title, words.name) for words in model_words(catalogue)]
    with gr.Accordion("Several photos at once", open=False):
        photos = gr.File(label="Photos", file_count="multiple", type="filepath", height=160)
        model = gr.Dropdown(choices, value=choices[0][1], label="Answered by")
        start = gr.Button("Analyse all", variant="primary")
        gallery = gr.HTML(label="Faces", elem_id="album-pictures", elem_classes="answer")
        table = gr.HTML(label="A row per face", elem_id="album", elem_classes="answer")
        archive = gr.DownloadButton("Save everything (zip)", visible=False)

    def analyze(
        paths: Sequence[str] | None,
        name: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[str, str, gr.DownloadButton]:
        if not paths:
            raise refused("Choose photos first.")
        if len(paths) > MOST_PHOTOS:
            raise refused(f"At most {MOST_PHOTOS} photos at once; these are {len(paths)}.")
        try:
            recognizer = catalogue.get(name)
        except EmotionError as error:
            raise refused(error) from error
        inside = [uploaded(path, photos.GRADIO_CACHE) for path in paths]
        done, address = [], visitor(workshop)
        try:
            with files.results(address, bytes_of_album(inside)) as folder:
                for photo in analyze_album(recognizer, inside, folder, workshop, address):
                    done.append(photo)
                    progress((len(done), len(paths)), desc=photo.name, unit="photos")
                path = write_album(done, recognizer.config.labels, folder / "emotions.zip")
        except BusyError as error:
            raise refused(error) from error
        header, rows = album_rows(done, recognizer.config.labels)
        pictures = [(file_address(photo.picture), photo.caption) for photo in done if photo.picture is not None]
        shown = render("album_pictures.html", pictures=pictures)
        return shown, html_rows(header, rows, "All photos"), gr.DownloadButton(value=str(path), visible=True)

    start.click(analyze, [photos, model], [gallery, table, archive], api_visibility="private")
