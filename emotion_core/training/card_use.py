"""The model card's sections for users: the heading, a snippet, intended use, limits, energy, citation."""

import re
from collections.abc import Mapping
from typing import Any, Final

from .. import project
from ..recognition.bundle_config import BundleConfig
from ..recognition.origin import is_fer, origin_of, stages_of
from .provenance import learnt_from_votes

#: Assumed power draw of a processor core with its share of memory, fans and supply; the card says it is assumed.
WATTS_PER_CORE: Final = 15
#: The most that an accelerator may draw, by its maker's data sheet.
WATTS: Final = {"NVIDIA H100": 700, "NVIDIA H200": 700}

_LAW: Final = """\
## Law

- EU AI Act, Article 5(1)(f): inferring emotions of people at work or in education is
  prohibited, medical and safety reasons excepted.
- EU AI Act, Article 50(3): people exposed to an emotion recognition system must be told.
"""

_LIMITS_OF_FER: Final = """\
## Limits

- A facial expression is not a feeling. The model names the *perceived expression* of a face,
  as the annotators of its training data would have; people agree with those labels on about
  two faces in three.
- FER-2013 carries no demographic labels: differences between groups of people are unmeasured
  here, and must be expected.
- It was trained on small gray web pictures of mostly frontal faces. Profiles, occlusion,
  strong shadows, children and drawings are harder.
- Some expressions have few faces (disgust, and contempt where it is a class): read their
  figures with the number of faces in mind.
"""

_LIMITS_ELSEWHERE: Final = """\
## Limits

{first} names what the people who labelled its training
  data would have named.
- How it does on other people and other cameras than those of its data is unmeasured here, and so are
  differences between groups of people; both must be expected.
- Classes with few faces have figures that single faces move: read them with the number of faces in mind.
"""

_SOURCES: Final = {
    "FER-2013": "Goodfellow et al. 2013, Challenges in Representation Learning, arXiv:1307.0414",
    "FER+": "Barsoum et al. 2016, Training Deep Networks for Facial Expression Recognition with Crowd-Sourced "
    "Label Distribution, arXiv:1608.01041",
    "AffectNet": "Mollahosseini et al. 2017, AffectNet, arXiv:1708.03985",
    "RAF-DB": "Li et al. 2017, Reliable Crowdsourcing and Deep Locality-Preserving Learning, CVPR",
    "resnet50v2": "He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027",
    "resnet50": "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385",
    "vgg16": "Simonyan and Zisserman 2015, Very Deep Convolutional Networks, arXiv:1409.1556",
    "face_resnet": "King 2009, Dlib-ml: A Machine Learning Toolkit, JMLR 10",
    "mobilenetv2": "Sandler et al. 2018, MobileNetV2, arXiv:1801.04381",
}


def intro(config: BundleConfig) -> str:
    """The card's heading: what the model names, takes and gives."""
    colour = "gray" if config.channels == 1 else "RGB"
    named, seen = "the perceived expression of a face", "crop"
    if config.sees == "picture":
        named, seen = "what a picture shows", "picture"
    bias = f", plus the biases {', '.join(f'{value:g}' for value in config.bias)}," if config.bias else ""
    return f"""\
# {config.name}

{config.arch} that names {named}: {", ".join(config.labels)}.
Input: one {config.height}x{config.width} {colour} {seen}, raw uint8; scaling and enlarging are part of the graph.
Output: logits, to be divided by the temperature {config.temperature:g}{bias} before the softmax.
{f"Made by [the emotion detection project]({project.REPOSITORY})." + chr(10) if project.REPOSITORY else ""}"""


def snippet(config: BundleConfig) -> str:
    """Python code that classifies a picture of one face from the bundle's files, without this project."""
    mode = "L" if config.channels == 1 else "RGB"
    looks = ""
    if config.flip:
        looks = "\n# Served, the logits of the mirror image, crop[:, :, ::-1], are averaged in.\n"
    first, taken = "finds every face in a photo first", "a picture of one face, cut out"
    if config.sees == "picture":
        first, taken = "shows it the whole picture", "a picture"
    return f"""\
## Use

In the project, which {first}:

```python
from emotion_core import EmotionRecognizer

for face in EmotionRecognizer.load("{config.name}").analyze("photo.jpg").predictions:
    print(face.emotion, face.confidence, face.uncertain)
```

`load` takes a folder, and `owner/name` of a repository on the Hub, too. Without the project, from the files
beside this card (`pip install ai-edge-litert numpy pillow`), for {taken}:

```python
import json

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

with open("config.json") as file:
    config = json.load(file)
face = Image.open("face.png").convert("{mode}").resize(({config.width}, {config.height}))
crop = np.asarray(face, np.uint8).reshape(1, {config.height}, {config.width}, {config.channels})
graph = Interpreter("model.tflite")
graph.resize_tensor_input(graph.get_input_details()[0]["index"], crop.shape)
graph.allocate_tensors()
graph.set_tensor(graph.get_input_details()[0]["index"], crop)
graph.invoke()
[logits] = graph.get_tensor(graph.get_output_details()[0]["index"])
shares = np.exp(logits / config["temperature"] + np.array(config["bias"] or 0.0))
print(config["labels"][shares.argmax()], shares.max() / shares.sum())
```
{looks}"""


def uses(config: BundleConfig) -> str:
    """What the model is and is not meant for."""
    purposes, seen = "teaching, research on expressions", "a face, cut out and level"
    if config.sees == "picture":
        purposes, seen = "teaching", "a whole picture"
    return f"""\
## What it is for, and what not

For: demonstrations, {purposes}, sorting one's own pictures; it is shown {seen}.
Not for: deciding anything about a person, lie detection, medical or psychological findings, watching
people at work, at school or in public, and whatever the law below prohibits.
"""


def limits(config: BundleConfig) -> str:
    """The model's limits, and the law."""
    first = "A facial expression is not a feeling. The model" if config.sees == "face" else "The model"
    known = _LIMITS_OF_FER if is_fer(origin_of(config)) else _LIMITS_ELSEWHERE.format(first=f"- {first}")
    return known + "\n" + _LAW


def hours_on(training: Mapping[str, Any]) -> dict[str, float]:
    """Hours of training by hardware: of each stage's own, where the stages had different ones; {} if none are told."""
    if "hours" not in training:
        return {}
    stages = training.get("stages", ())
    if len({stage.get("hardware") for stage in stages}) < 2:
        return {str(training.get("hardware", "")): float(training["hours"])}
    spent: dict[str, float] = {}
    for stage in stages:
        seconds = sum(float(row.get("seconds", 0)) for row in stage["history"])
        spent[str(stage.get("hardware"))] = spent.get(str(stage.get("hardware")), 0) + seconds / 3600
    return spent


def hours_in_words(training: Mapping[str, Any]) -> str:
    """The hours on each hardware: ``0.16 hours on NVIDIA H200 and 0.29 hours on 2 x86_64 cores``."""
    return " and ".join(f"{hours:.2g} hours on {hardware}" for hardware, hours in hours_on(training).items())


def backends(training: Mapping[str, Any]) -> str:
    """The stages' Keras backends: ``jax and torch``."""
    return " and ".join(dict.fromkeys(stage.get("backend") or training["backend"] for stage in training["stages"]))


def energy(training: Mapping[str, Any]) -> str:
    """Energy used in training, estimated from the recorded hours and labelled as an estimate."""
    spent, told = 0.0, []
    for hardware, hours in hours_on(training).items():
        cores = re.match(r"(\d+) \w+ cores", hardware)
        watts = next((watts for name, watts in WATTS.items() if name in hardware), 0)
        if cores:
            watts = int(cores[1]) * WATTS_PER_CORE
        if not watts:
            return "Energy: neither measured nor estimated."
        spent += hours * watts / 1000
        each = f"at {WATTS_PER_CORE} W each" if cores else f"at the {watts} W that it may draw"
        told.append(f"{hours:.2g} hours on {hardware}, {each}")
    if not told:
        return "Energy: neither measured nor estimated."
    return (
        f"Energy: not measured. Estimated at {spent:.2g} kWh: {'; '.join(told)}; earlier tries, "
        "the starting weights and the teachers are not counted."
    )


def citation(config: BundleConfig) -> str:
    """What to cite, and where to report problems."""
    data = dict.fromkeys(origin_of(config, stage).name for stage in (*stages_of(config), None))
    names = [*data, "FER+" if learnt_from_votes(config) else "", config.arch]
    cited = [f"- {_SOURCES[name]}" for name in names if name in _SOURCES]
    where = f"{project.REPOSITORY}/issues" if project.REPOSITORY else "the Community tab of the model's page on the Hub"
    named = "perceived facial expressions" if config.sees == "face" else "what pictures show"
    title = f"{config.name}, a network that names {named}"
    url = f",\n  url = {{{project.REPOSITORY}}}" if project.REPOSITORY else ""
    return "\n".join(
        [
            "## Citation and contact\n",
            *([*cited, ""] if cited else []),
            "```bibtex",
            f"@software{{{config.name.replace('-', '_')},",
            f"  title = {{{title}}},",
            f"  version = {{{project.VERSION}}},",
            f"  license = {{Apache-2.0}}{url}",
            "}",
            "```\n",
            f"Questions and faults: {where}.\n",
        ]
    )
