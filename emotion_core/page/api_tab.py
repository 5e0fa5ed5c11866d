"""The API tab: how programs call this server."""

from typing import Final

import gradio as gr

from ..settings import Settings
from .templating import render

#: Placeholder in the snippets for this server's address, which the browser knows.
ADDRESS: Final = "http://127.0.0.1:7860"
#: Each runs as is, with a photo.jpg in the same folder; a test runs them.
SNIPPETS: Final = {
    "curl": f"""\
curl -F image=@photo.jpg {ADDRESS}/api/v1/analyze""",
    "Python, with any HTTP client": f"""\
import httpx

with open("photo.jpg", "rb") as photo:
    answer = httpx.post("{ADDRESS}/api/v1/analyze", files={{"image": photo}}, timeout=60)
for face in answer.raise_for_status().json()["results"][0]["faces"]:
    print(face["emotion"], face["confidence"], face["box"])""",
    "Python, with Gradio's client": f"""\
from gradio_client import Client, handle_file

client = Client("{ADDRESS}", verbose=False)
answer = client.predict(handle_file("photo.jpg"), api_name="/analyze_image")
for face in answer["faces"]:
    print(face["emotion"], face["confidence"], face["box"])""",
}
_SHOW_ADDRESS: Final = """\
for (const code of element.querySelectorAll("code.snippet")) {
  code.textContent = code.textContent.replaceAll(element.querySelector("[data-stand-in]").dataset.standIn,
    new URL(".", document.baseURI).href.replace(/\\/$/, ""));
}
for (const button of element.querySelectorAll("button")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
  });
}"""


def api_tab(settings: Settings) -> None:
    """Lay out the tab; the browser puts the server's address into the snippets."""
    gr.HTML(
        html_template=render("api.html", snippets=SNIPPETS, address=ADDRESS, keyed=settings.api_key is not None),
        js_on_load=_SHOW_ADDRESS,
        apply_default_css=False,
        elem_id="api",
    )
