// The Image tab in the browser. Gradio runs this once, after the files that image_tab.py lists before it, with
// `element` (the tab's HTML). The photo is kept here: the server receives the file, answers, and forgets it. So a
// server restart never loses a photo, and nothing has to be fetched again to be saved.
const frame = part(".frame"), picture = part(".frame img"), boxes = part(".boxes"), answer = part(".answer");
const welcome = answer.innerHTML;
const LATER = [408, 429];  // refusals that are not the photo's fault: a slow line, too many at once
let shown = null, previous = null;  // {blob, name, url, answer}: the photo, and the previous one
let turn = new AbortController(), stream = null;  // ends the newest request; the camera, while it is on

async function take(blob, name, given = 1) {
  // A new photo from any source, the first of so many. The previous one is kept.
  closeCamera();
  if (blob.size > MOST_BYTES) return refuse(name, `It is over ${MOST_BYTES / 1e6} MB. Send a smaller one.`);
  const before = shown, photo = { blob, name, url: URL.createObjectURL(blob), answer: null };
  const first = `Only the first of these ${given} files is shown here.`;
  const words = given > 1 ? `${first} For all of them, open “Several photos at once” below.` : "";
  if (await ask(photo, before, words) && before?.answer) {
    if (previous) URL.revokeObjectURL(previous.url);
    previous = before;
    part(".back").hidden = false;
  }
}

function next() {
  // A new request, or none: what was being sent need not come to its end.
  turn.abort();
  return turn = new AbortController();
}

async function ask(photo, before, words = "") {
  // Show the photo, have it analysed, show the answer; false if it was refused or overtaken.
  const mine = next();
  tell(words);
  await display(photo);
  cover("Sending …");
  say("Sending the photo.");
  const options = new URLSearchParams({
    model: part(".choices input:checked").value, detector: part(".detector").value, other: part(".compared").value,
    ...(photo.seen ? {} : { picture: "1" }),
  });
  const { ok, status, said } = await posted(`page/photo?${options}`, photo.blob, { hear: follow, signal: mine.signal });
  if (mine !== turn) return false;
  cover("");
  if (ok && said) {
    photo.answer = said;
    if (said.picture && !photo.seen) picture.src = said.picture;
    await display(photo);
    reach();
    return true;
  }
  if (status && status < 500 && !LATER.includes(status) && said?.error) {
    if (before) await display(before);
    else clear();
    refuse(photo.name, said.error.message);
    return false;
  }
  part(".retry").hidden = false;
  const refusal = said?.error?.message;
  tell(refusal ? `${refusal} Your photo is still here.`
    : "The server does not answer. Your photo is still here: try again in a moment.");
  keepFocus(part(".retry"));
  return false;
}

function follow(share) {
  // Percentages are for those who look: those who listen hear of each step once.
  cover(share < 1 ? `Sending … ${Math.floor(100 * share)}%` : "Looking for faces …");
  if (share === 1) say("Looking for faces.");
}

function refuse(name, words) {
  tell(`${name || "The photo"} was not analysed. ${words}`);
  help.scrollIntoView({ block: "nearest" });
  keepFocus(part(".again"), part(".choose"));
}

async function display(photo) {
  // The photo, and its answer if there is one: never the answer of another photo.
  const said = photo.answer;
  if (shown !== photo) {
    picture.src = photo.url;
    photo.seen = await picture.decode().then(() => true, () => false);
    if (!photo.seen && said?.picture) picture.src = said.picture;
  }
  shown = photo;
  const width = said?.width ?? (picture.naturalWidth || 4), height = said?.height ?? (picture.naturalHeight || 3);
  stage.style.setProperty("--ratio", width / height);
  stage.classList.add("full");
  part(".start").hidden = true;
  frame.hidden = part(".again").hidden = false;
  part(".retry").hidden = true;
  picture.alt = said ? `The photo. ${said.heading}` : "The photo";
  boxes.replaceChildren(...(said?.faces ?? []).map((face, index) => boxOf(face, index, said)));
  part(".photo").classList.toggle("answered", Boolean(said));
  crowd(stage, boxes);
  answer.innerHTML = said?.html ?? "";
  part(".saves").hidden = !said;
  part(".why-all").hidden = !(said?.faces.length > 1);
  if (said) {
    part(".why-all").textContent = `Why these answers? ${takes(said.faces.length * said.reason_seconds)}`;
    for (const button of answer.querySelectorAll(".why")) {
      button.textContent = `Why this answer? ${takes(said.reason_seconds)}`;
    }
    say(said.heading);
  }
}

function clear() {
  shown = null;
  stage.classList.remove("full", "crowd");
  part(".photo").classList.remove("answered");
  part(".start").hidden = false;
  frame.hidden = part(".again").hidden = part(".saves").hidden = part(".retry").hidden = true;
  boxes.replaceChildren();
  picture.removeAttribute("src");
  answer.innerHTML = welcome;
}

function reach() {
  // On a phone the answer may be off screen: scroll to it, and let keyboard and screen reader continue from it.
  const heading = answer.querySelector("h2"), { top, bottom } = heading.getBoundingClientRect();
  if (top > 0.6 * innerHeight || bottom < 0) {
    heading.scrollIntoView({ block: "start", behavior: STILL.matches ? "instant" : "smooth" });
  }
  heading.focus({ preventScroll: true });
}

async function explain(rows) {
  // Send one crop after another to the server, which shows the parts that support its label.
  const { answer: said } = shown, mine = turn, buttons = element.querySelectorAll(".why, .why-all");
  buttons.forEach((button) => { button.disabled = true; });
  let done = 0;
  for (const row of rows) {
    if (rows.length > 1) cover(`Explaining face ${done + 1} of ${rows.length} …`);
    const face = said.faces[row.dataset.face], crop = await (await fetch(face.crop)).blob();
    const options = new URLSearchParams({ model: JSON.parse(said.json).model, label: face.label });
    const { ok, said: told } = await posted(`page/why?${options}`, crop);
    if (mine !== turn) return;
    row.querySelector(".reasons").innerHTML = ok && told ? told.html : "";
    if (!ok || !told) {
      tell(told?.error?.message ?? "The server does not answer. Try again in a moment.");
      break;
    }
    row.querySelector("details").open = true;
    row.querySelector(".why").hidden = true;
    keepFocus(row.querySelector("summary"));
    done += 1;
  }
  cover("");
  buttons.forEach((button) => { button.disabled = false; });
  if (done) say(done === 1 ? "The face is explained." : `${done} faces are explained.`);
}

async function openCamera() {
  const blocked = cameraObstacle();
  if (blocked) return tell(`${blocked} Or choose a photo.`);
  tell("");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } } });
  } catch (error) {
    return tell(`${cameraProblem(error)} Or choose a photo.`);
  }
  next();
  cover("");
  video.srcObject = stream;
  video.classList.toggle("mirrored", stream.getVideoTracks()[0].getSettings().facingMode !== "environment");
  stage.classList.add("full");
  part(".start").hidden = frame.hidden = true;
  video.hidden = part(".shoot").hidden = part(".again").hidden = false;
  await video.play().catch(() => {});
  part(".shoot").focus();
}

function closeCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
  video.hidden = part(".shoot").hidden = true;
  frame.hidden = !shown;
  part(".start").hidden = Boolean(shown);
  part(".again").hidden = !shown;
  stage.classList.toggle("full", Boolean(shown));
}

function shoot() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => take(blob, "camera.jpg"), "image/jpeg", 0.92);
}

async function goBack() {
  // Swap with the previous photo and its answer.
  const other = previous;
  next();
  closeCamera();
  cover("");
  tell("");
  previous = shown?.answer ? shown : null;
  part(".back").hidden = !previous;
  await display(other);
  reach();
}

const stem = () => (shown.name.replace(/\.[^.]*$/, "") || "photo") + "-emotions";
const text = (kind, content) => new Blob([content], { type: kind });
const actions = {
  choose: () => part(".file").click(),
  again: () => { if (stream) { closeCamera(); if (shown) return; } part(".file").click(); },
  camera: openCamera,
  shoot,
  retry: () => ask(shown, null),
  back: goBack,
  why: (button) => explain([button.closest(".face")]),
  "why-all": () => explain([...answer.querySelectorAll(".face")]),
  "save-picture": async () => save(await pictureBlob(picture, shown.answer), `${stem()}.jpg`),
  "save-card": async () => save(await cardBlob(picture, shown.answer), `${stem()}-card.png`),
  "save-json": () => save(text("application/json", shown.answer.json), `${stem()}.json`),
  "save-csv": () => save(text("text/csv", shown.answer.csv), `${stem()}.csv`),
};

element.addEventListener("click", async (event) => {
  const button = event.target.closest("button"), box = event.target.closest(".box");
  if (box) {
    const row = answer.querySelector(`.face[data-face="${box.dataset.face}"]`);
    row.querySelector("details").open = true;
    row.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  } else if (button?.dataset.example) {
    const reply = await fetch(`page/examples/${button.dataset.example}`).catch(() => null);
    if (reply?.ok) take(await reply.blob(), `${button.dataset.example}.jpg`);
    else tell("The server does not answer. Try again in a moment.");
  } else if (button) {
    actions[button.classList[0]]?.(button);
  }
});
for (const kind of ["pointerover", "pointerout", "focusin", "focusout"]) {
  element.addEventListener(kind, (event) => {
    const at = kind.endsWith("out") ? null : event.target.closest("[data-face]");
    mark(element, at ?? (element.contains(document.activeElement) ? document.activeElement : null));
  });
}
part(".file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) take(file, file.name);
  event.target.value = "";
});
part(".choices").addEventListener("change", () => { if (shown) ask(shown, null); });
watchDrops(stage, visible, (file, given) => take(file, file.name, given));
window.addEventListener("pagehide", closeCamera);
new ResizeObserver(() => crowd(stage, boxes)).observe(boxes);
