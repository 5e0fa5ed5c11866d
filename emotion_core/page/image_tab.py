"""The Image tab: one photo at once, several together, two models compared, and why."""

from collections.abc import Sequence
from functools import partial

import gradio as gr
from PIL import Image

from ..errors import EmotionError
from ..images import load_image
from ..labels import SYMBOLS
from ..recognition.catalogue import Catalogue
from ..render import annotate
from ..serving.temporary import ShortLivedFolder
from .album import album_rows, analyze_album, write_album
from .comparison import compare
from .components import PhotoInput, uploaded
from .examples import drawn_face, drawn_group
from .explanation import explanation
from .photo_view import cards, html_rows, html_table, refusal

NO_COMPARISON = "no other model"
MOST_PHOTOS = 50


def image_tab(catalogue: Catalogue, files: ShortLivedFolder) -> None:
    """Lay the tab out and connect it."""
    names = [model["name"] for model in catalogue.describe()]
    with gr.Row(equal_height=False):
        with gr.Column():
            photo = PhotoInput(
                label="Photo",
                sources=["upload", "clipboard", "webcam"],
                webcam_options=gr.WebcamOptions(mirror=False),
                height=420,
            )
            with gr.Row(elem_id="examples"):
                for expression in ("happy", "surprise", "angry"):
                    button = gr.Button(f"{SYMBOLS[expression]} Drawn, {expression}", size="sm", min_width=90)
                    button.click(partial(drawn_face, expression), None, photo, api_visibility="private")
                several = gr.Button("👥 Three people", size="sm", min_width=90)
                several.click(drawn_group, None, photo, api_visibility="private")
            with gr.Accordion("Model, detector, comparison", open=False):
                model = gr.Dropdown(names, value=names[0], label="Model")
                detector = gr.Dropdown(catalogue.detectors(), value=catalogue.detectors()[0], label="Face detector")
                other = gr.Dropdown([NO_COMPARISON, *names], value=NO_COMPARISON, label="Compare with")
            gr.Markdown(
                "Drop, paste or take a photo; the answer comes by itself. Photos are analysed in memory, "
                "never logged, and their temporary copies are deleted within two minutes."
            )
        with gr.Column():
            annotated = gr.Image(
                label="Faces", format="jpeg", interactive=False, height=420, buttons=["download", "fullscreen"]
            )
            faces = gr.HTML(label="Expressions", elem_id="faces")
            why = gr.Button("Which pixels spoke?", visible=False, size="sm")
    compared = gr.HTML(label="Comparison", elem_id="compared", elem_classes="answer")
    reasons = gr.HTML(label="Which pixels spoke", elem_id="reasons", elem_classes="answer")
    figures = gr.HTML(label="All figures", elem_id="figures", elem_classes="answer")

    choices = [photo, model, detector, other]
    outputs = [annotated, faces, figures, compared, reasons, why]
    show = partial(_show, catalogue)
    for trigger in (photo.change, model.change, detector.change, other.change):
        trigger(show, choices, outputs, api_visibility="private", show_progress_on=annotated)
    why.click(partial(_explain, catalogue), choices[:3], reasons, api_visibility="private")
    _album(catalogue, files, model, detector)


def _show(
    catalogue: Catalogue, photo: str | bytes | None, model: str, detector: str, other: str
) -> tuple[Image.Image | None, str, str, str, str, gr.Button]:
    """Picture, cards, table, comparison, and room for the reasons."""
    hidden = gr.Button(visible=False)
    if photo is None:
        return None, "", "", "", "", hidden
    try:
        rgb = load_image(photo)
        recognizer = catalogue.get(model, detector)
        result = recognizer.analyze_rgb(rgb)
        both = "" if other == NO_COMPARISON else compare(rgb, [recognizer, catalogue.get(other, detector)])
    except EmotionError as error:
        # Not an exception: that would leave the last picture's answer standing beside this one.
        return None, refusal(str(error)), "", "", "", hidden
    button = gr.Button(visible=bool(result.predictions))
    return annotate(rgb, result), cards(rgb, result), html_table(result), both, "", button


def _explain(catalogue: Catalogue, photo: str | bytes | None, model: str, detector: str) -> str:
    if photo is None:
        return ""
    try:
        return explanation(catalogue.get(model, detector), load_image(photo))
    except EmotionError as error:
        return refusal(str(error))


def _album(catalogue: Catalogue, files: ShortLivedFolder, model: gr.Dropdown, detector: gr.Dropdown) -> None:
    """Several photos: a gallery, one table, and a zip file of everything."""
    with gr.Accordion("Several photos at once", open=False):
        photos = gr.File(label="Photos", file_count="multiple", type="filepath", height=160)
        start = gr.Button("Analyse all", variant="primary")
        gallery = gr.Gallery(label="Faces", columns=4, object_fit="contain", height="auto", format="jpeg")
        table = gr.HTML(label="A row per face", elem_id="album", elem_classes="answer")
        archive = gr.DownloadButton("Save everything (zip)", visible=False)

    def analyze(
        paths: Sequence[str] | None,
        name: str,
        finder: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[list[tuple[Image.Image, str]], str, gr.DownloadButton]:
        if not paths:
            raise gr.Error("Choose photos first.", print_exception=False)
        if len(paths) > MOST_PHOTOS:
            raise gr.Error(f"At most {MOST_PHOTOS} photos at once; these are {len(paths)}.", print_exception=False)
        try:
            recognizer = catalogue.get(name, finder)
        except EmotionError as error:
            raise gr.Error(str(error), print_exception=False) from error
        inside = [uploaded(path, photos.GRADIO_CACHE) for path in paths]
        done = []
        for photo in analyze_album(recognizer, inside):
            done.append(photo)
            progress((len(done), len(paths)), desc=photo.name, unit="photos")
        header, rows = album_rows(done, recognizer.config.labels)
        with files.results() as folder:
            path = write_album(done, recognizer.config.labels, folder / "emotions.zip")
        pictures = [(photo.picture, photo.caption) for photo in done if photo.picture is not None]
        return pictures, html_rows(header, rows, "All photos"), gr.DownloadButton(value=str(path), visible=True)

    start.click(analyze, [photos, model, detector], [gallery, table, archive], api_visibility="private")
