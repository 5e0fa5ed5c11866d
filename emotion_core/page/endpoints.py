"""What the Python client may call: typed endpoints, apart from the page's own events."""

import gradio as gr
from gradio.events import api

from ..catalogue import Catalogue, ModelDict
from ..errors import EmotionError
from ..results import FrameDict
from .inputs import FrameOutput, PhotoInput


def client_endpoints(catalogue: Catalogue) -> None:
    """Add ``/analyze_image`` and ``/models``; their components are not for the page."""

    def analyze_image(image: str | bytes | None, model: str | None = None) -> FrameDict:
        """Find every face of a picture and name its perceived expression."""
        if image is None:
            raise gr.Error("Give a picture: handle_file('photo.jpg').", print_exception=False)
        try:
            return catalogue.get(model or None).analyze(image).to_dict()
        except EmotionError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def models() -> list[ModelDict]:
        """The models that this server knows, the default first, with their measured figures."""
        return catalogue.describe()

    image = PhotoInput(visible=False, label="image")
    model = gr.Textbox(visible=False, label="model", value="")
    gr.Button(visible=False).click(
        analyze_image, [image, model], FrameOutput(visible=False, label="faces"), api_name="analyze_image"
    )
    api(models, api_name="models")
