"""The Video tab's answer: its player and the chart linked to it."""

from typing import Any

PLAYED = """async () => {
    const video = document.querySelector("#video-answer video");
    video.muted = true;
    await video.play();
    await new Promise(resolve => { video.ontimeupdate = () => video.currentTime > 0.2 && resolve(); });
    return [video.videoWidth, video.videoHeight];
}"""


def chart_and_player_go_together(page: Any, phone: bool) -> None:
    """A click on the timeline seeks, the player moves the cursor, and a chart that is too wide scrolls with it."""
    page.evaluate("document.querySelector('#video-answer video').pause()")
    place = page.evaluate(
        """share => {
            const chart = document.querySelector("#video-chart .chart"), {left, right} = chart.dataset;
            const {x, y, width} = chart.getBoundingClientRect(), at = +left + share * (right - left);
            const options = {bubbles: true, clientX: x + width * at, clientY: y + 60};
            chart.dispatchEvent(new MouseEvent("click", options));
            return 100 * at;
        }""",
        0.75,
    )
    page.wait_for_function("Math.abs(document.querySelector('#video-answer video').currentTime - 1.5) < 0.15")
    page.wait_for_function(
        "at => Math.abs(parseFloat(document.querySelector('#video-chart .cursor').style.left) - at) < 4", arg=place
    )
    pane = page.locator("#video-chart .scrolling")
    assert page.get_by_text("It scrolls sideways.").is_visible() == phone
    assert pane.evaluate("pane => pane.scrollWidth > pane.clientWidth") == phone
    assert pane.evaluate("pane => pane.scrollLeft > 0") == phone
