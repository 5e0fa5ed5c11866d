"""Which parts of a face spoke for the answer, as a piece of the page."""

import html

from ..images import RGB, data_uri
from ..recognition.occlusion import as_seen, heat_picture, occlusion_map
from ..recognition.recognizer import EmotionRecognizer


def explanation(recognizer: EmotionRecognizer, rgb: RGB, most: int = 6) -> str:
    """HTML: for each of the largest faces the crop as the network is given it, and what spoke in it."""
    faces = recognizer.detector.detect(rgb)[:most]
    result = recognizer.classify(rgb, faces)
    figures = []
    for number, (crop, face) in enumerate(zip(recognizer.crops(rgb, faces), result.predictions, strict=True), 1):
        heat = occlusion_map(recognizer.classifier, crop, face.label)
        given, spoke = data_uri(as_seen(crop)), data_uri(heat_picture(crop, heat))
        label = html.escape(face.label)
        figures.append(
            f'<figure><img src="{given}" alt="Face {number} as the network is given it">'
            f'<img src="{spoke}" alt="Where face {number} spoke for {label}">'
            f"<figcaption>{number}. {label} {face.confidence:.0%}</figcaption></figure>"
        )
    if not figures:
        return ""
    return (
        '<section aria-live="polite"><h3>Which pixels spoke</h3>'
        "<p>Left, the crop as the network is given it. Right, what happens to the answer when a place is covered: "
        '<b class="for">orange</b> places spoke for it, <b class="against">blue</b> ones against it.</p>'
        f'<div class="figures">{"".join(figures)}</div></section>'
    )
