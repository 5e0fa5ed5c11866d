"""Visits to the Webcam tab, and what a page or its worker sends out."""

from typing import Any


def visit(context: Any, address: str) -> Any:
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(address)
    page.get_by_role("tab", name="Webcam").click()
    page.locator("#webcam .where").filter(has_text="On ").wait_for()
    return page


def start(page: Any, asked: bool = True) -> None:
    """Start the stream. asked: explicitly choose this device, so that the page does not switch on a busy machine."""
    if asked:
        page.get_by_label("Answers come from").select_option("this device")
    page.get_by_role("button", name="Start the camera").click()
    page.locator("#webcam .box b").filter(has_text="happy").first.wait_for()


def where(page: Any) -> str:
    return str(page.locator("#webcam .where").inner_text())


def pixels_sent(context: Any) -> list[str]:
    """Requests that could contain a picture: any with a body, except Gradio's own few small ones."""
    found = []
    for request in context.sent:
        body = request.post_data_buffer or b""
        if b"data:image" in body or b"webcam_frame" in body or len(body) > 2000 or len(request.url) > 2000:
            found.append(f"{request.method} {request.url[:200]} {len(body)}")
    return found


#: What the browser stores for a page: the addresses of files, and anything else that could contain a picture.
KEPT = """async () => {
    const files = [], others = (await indexedDB.databases()).map((one) => one.name);
    for (const name of await caches.keys())
        files.push(...(await (await caches.open(name)).keys()).map((request) => request.url));
    for (const store of [localStorage, sessionStorage])
        others.push(...Object.entries(store).filter(([, value]) => value.length > 500).map(([name]) => name));
    return { files, others };
}"""
#: Ways in which a worker may try to send something out.
WAYS_OUT = (
    "fetch('/healthz')",
    "new Promise((done, fail) => { const it = new XMLHttpRequest(); it.onload = done; it.onerror = fail; "
    "it.open('GET', '/healthz'); it.send(); })",
    "new Promise((done, fail) => { const it = new EventSource('/gradio_api/heartbeat/x'); it.onopen = done; "
    "it.onerror = fail; })",
)


def tried(page: Any, way: str, policy: str) -> str:
    """ "sent" or "refused": the outcome of such an attempt in a worker under that policy."""
    program = f"new Promise((done) => done({way})).then(() => postMessage('sent'), () => postMessage('refused'))"
    headers = {"Content-Security-Policy": policy, "Cross-Origin-Embedder-Policy": "require-corp"}
    page.route(
        "**/attempt.js",
        lambda route: route.fulfill(body=program, content_type="text/javascript", headers=headers),
    )
    heard = page.evaluate(
        "() => new Promise((done) => { const it = new Worker('/attempt.js'); "
        "it.onmessage = (event) => done(event.data); it.onerror = () => done('no worker'); })"
    )
    page.unroute("**/attempt.js")
    return str(heard)
