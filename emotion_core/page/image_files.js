// How the Image and the Video tab receive files by drop and paste, and send them to the server.
function posted(address, body, { hear = null, signal = null } = {}) {
  // {ok, status, said}: status is 0 without a response, said null if the response is not JSON. What hear gets is the
  // share of the body that has been sent, at most 20 times a second, and 1 at the end: fetch does not tell. signal: ends
  // it, after which nothing is heard.
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    if (hear) {
      request.upload.onprogress = ({ loaded, total }) => { if (loaded < total) hear(loaded / total); };
      request.upload.onload = () => hear(1);
    }
    request.onloadend = () => {
      const { status, response } = request;
      done({ ok: status >= 200 && status < 300, status, said: response });
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

function watchDrops(stage, visible, taken) {
  // Files dropped on the page or pasted, wherever the focus is, while the stage's tab is visible: the first of them,
  // and how many they are.
  const dropped = (transfer) => {
    const files = [...(transfer?.files ?? [])], [file] = files;
    if (file) taken(file, files.length);
    return Boolean(file);
  };
  document.addEventListener("paste", (event) => {
    if (visible() && dropped(event.clipboardData)) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    if (!visible() || event.target.closest?.("[data-testid]")) return;
    event.preventDefault();
    stage.classList.add("over");
  });
  document.addEventListener("dragleave", () => stage.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    stage.classList.remove("over");
    if (visible() && !event.target.closest?.("[data-testid]") && dropped(event.dataTransfer)) event.preventDefault();
  });
}
