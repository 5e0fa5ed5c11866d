// The Webcam tab in the browser. Gradio runs this once, after camera.js, with `element` (the tab's HTML) and
// `server` (the functions of webcam_tab.py). One frame is on its way at a time: the next one is captured
// when the last is answered, so that the newest picture is answered at whatever rate line and machine carry.
//
// Where answers come from is a source: {kind, words(), open(choice), answer(video), close()}. open gives
// {labels}, {wait} or {stop}; answer gives what LiveDict says, or {gone}, {busy}, {stop}, or null for silence.
const LONGEST = 640, QUALITY = 0.75, METERS_MS = 500, HOLD_MS = 700, MOST_ROWS = 20_000;
//: Boxes run ahead of the answer by as much as it is late, but no further than this; and glide there.
const AHEAD_MS = 300, GLIDE_MS = 60;
const part = (name) => element.querySelector(name);
const video = part("video"), boxes = part(".boxes"), people = part(".people"), help = part(".help");
const canvas = document.createElement("canvas");
const nobody = people.innerHTML, notYet = part(".timeline").innerHTML;
const choice = { model: null, detector: null };
const SILENT = "The server does not answer. Trying again …", PHOTOS = " Photos work in the Image tab.";

const serverSource = {
  kind: "server",
  token: null,
  words: () => "On the server: each frame is sent there, analysed in memory and dropped.",
  async open(wanted) {
    const answer = await server.webcam_open(wanted);
    this.token = answer?.token ?? null;
    return answer;
  },
  answer: (shown) => server.webcam_frame({ token: serverSource.token, picture: capture(shown) }),
  close() {
    if (this.token) server.webcam_close(this.token);
    this.token = null;
  },
};

// Who can answer here; null where the page's modules cannot be had, and the server answers as ever.
const sources = fetch(new URL("browser/manifest.json", location.href))
  .then((answer) => answer.json())
  .then(async (manifest) => {
    const { Sources } = await import(new URL(manifest.entry, location.href));
    return new Sources(manifest, location.href, serverSource);
  })
  .catch(() => null);

async function sourceOf(wanted) {
  // The source for a choice of model and detector.
  return (await sources)?.sourceOf(wanted) ?? serverSource;
}

async function showPlace() {
  const found = await sourceOf(choice);
  part(".where").textContent = found.words();
  part(".place").hidden = !(await sources)?.offered;
  part(".place select").value = found.kind;
}

let starting = false, camera = null;  // the MediaStream, while the camera is on
let source = null, labels = null;  // while there is a place for us
let paused = null;  // the device to start again with, while the tab is left
let trips = [], meteredAt = 0;  // the last round trips, in milliseconds, as many as the server's median is over
let mirrored = true, size = { width: 4, height: 3 };  // of the frame that was answered last
let rows = [], began = 0;

function tell(words) {
  help.hidden = !words;
  if (help.textContent !== words) help.textContent = words;
}

function cover(words) {
  part(".cover").hidden = !words;
  part(".cover").textContent = words;
}

function visible() {
  return element.isConnected && element.offsetParent !== null && !document.hidden;
}

async function start(device) {
  const blocked = cameraObstacle();
  if (blocked) return tell(blocked + PHOTOS);
  if (starting) return;
  starting = true;
  tell("");
  cover("Waiting for the camera …");
  const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 } };
  try {
    camera = await navigator.mediaDevices.getUserMedia({
      video: device ? { ...wanted, deviceId: { exact: device } } : { ...wanted, facingMode: "user" },
    });
  } catch (error) {
    cover("The camera is off");
    part(".switch").textContent = "Start the camera";
    return tell(cameraProblem(error) + PHOTOS);
  } finally {
    starting = false;
  }
  const mine = video.srcObject = camera, track = camera.getVideoTracks()[0];
  track.onended = () => stop("The camera was switched off or unplugged. Start again to go on.");
  mirrored = track.getSettings().facingMode !== "environment";
  part(".stage").classList.toggle("mirrored", mirrored);
  part(".switch").textContent = "Stop";
  part(".snapshot").disabled = false;
  await video.play().catch(() => {});  // stopped before the first frame came
  if (camera !== mine) return;
  cover("");
  await listDevices();
  requestAnimationFrame(glide);
  run(mine);
}

function stop(words = "") {
  camera?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
  camera = video.srcObject = paused = null;
  leave();
  clear();
  people.innerHTML = nobody;
  part(".switch").textContent = "Start the camera";
  part(".snapshot").disabled = true;
  cover("The camera is off");
  tell(words);
  say(words || "The camera is off.");
}

async function rest() {
  // The tab was left: camera and place are given back until the visitor is.
  const device = camera?.getVideoTracks()[0].getSettings().deviceId;
  stop();
  paused = { device };
  const mine = paused;
  cover("Paused");
  part(".switch").textContent = "Stop";
  while (paused === mine && !visible()) await pause(250);
  if (paused !== mine) return;
  paused = null;
  start(device);
}

function clear() {
  boxes.replaceChildren();
  for (const name of [".fps", ".work", ".trip"]) part(name).textContent = "–";
}

function leave() {
  source?.close();
  source = labels = null;
}

async function listDevices() {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  const used = camera?.getVideoTracks()[0].getSettings().deviceId;
  part(".devices").hidden = found.length < 2;
  part(".devices select").replaceChildren(...found.map(({ deviceId, label }, index) =>
    new Option(label || `Camera ${index + 1}`, deviceId, false, deviceId === used)));
}

async function run(mine) {
  while (camera === mine) {
    if (!visible()) return rest();
    if (!labels && !(await join(mine))) { await pause(3000); continue; }
    const sent = performance.now(), asked = source;
    const answer = await asked.answer(video);
    if (camera !== mine) return;
    const captured = answer?.captured ?? sent, trip = performance.now() - captured;
    trips = [...trips.slice(-8), trip];
    if (!answer) { clear(); tell(SILENT); await pause(2000); continue; }
    if (answer.stop) return stop(answer.stop);
    if (answer.gone) { labels = null; continue; }
    if (answer.busy) { await pause(200); continue; }
    if (!labels || source !== asked) continue;  // the model was changed meanwhile
    tell("");
    show(answer, captured);
    if (answer.next_seconds) await pause(Math.max(1000 * answer.next_seconds - trip, 0));
  }
}

async function join(mine) {
  const candidate = await sourceOf(choice);
  if (candidate.kind === "device") part(".where").textContent = "Getting ready to answer on this device …";
  const answer = await candidate.open(choice);
  if (camera !== mine) {
    if (answer?.labels) candidate.close();
    return false;
  }
  const failed = answer && !answer.labels && !answer.stop && !answer.wait;
  if (failed) return join(mine);  // with another source, which says why
  if (answer?.stop) stop(answer.stop);
  else tell(answer ? answer.wait ?? "" : SILENT);
  if (!answer?.labels) return false;
  [source, labels, trips, rows, began] = [candidate, answer.labels, [], [], performance.now()];
  showPlace();
  people.innerHTML = nobody;
  part(".timeline").innerHTML = notYet;
  return true;
}

function capture(shown) {
  const scale = Math.min(1, LONGEST / Math.max(shown.videoWidth, shown.videoHeight));
  canvas.width = Math.round(shown.videoWidth * scale);
  canvas.height = Math.round(shown.videoHeight * scale);
  canvas.getContext("2d").drawImage(shown, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

function show(answer, captured) {
  const { frame } = answer, look = Object.fromEntries(labels.map((entry) => [entry.name, entry]));
  size = { width: frame.width, height: frame.height };
  keyed(boxes, frame.faces, () => node("div", "box", node("b")), (box, face) => {
    follow(box, face.box, captured);
    box.style.setProperty("--colour", look[face.emotion].colour);
    box.style.setProperty("--ink", look[face.emotion].ink);
    box.firstChild.textContent = `${face.person} ${said(face)}`;
  });
  keyed(people, frame.faces, () => card(labels), (article, face) => {
    const symbol = look[face.emotion].symbol ?? "";
    article.querySelector("h3").textContent = `Person ${face.person}: ${symbol} ${said(face)}`;
    labels.forEach(({ name }, index) => {
      const [, track, share] = article.querySelectorAll("li")[index].children, value = face.probabilities[name];
      track.firstChild.style.width = `${100 * value}%`;
      share.textContent = `${Math.round(100 * value)}%`;
    });
  });
  if (!people.children.length) {
    people.append(node("p", "nobody", "No face in view. Turn to the camera, in even light."));
  }
  if (answer.summary) say(answer.summary);
  if (answer.timeline) part(".timeline").innerHTML = answer.timeline;
  note(frame, (captured - began) / 1000);
  if (performance.now() - meteredAt > METERS_MS) {
    meteredAt = performance.now();
    part(".fps").textContent = answer.fps?.toFixed(1) ?? "–";
    part(".work").textContent = `${Math.round(answer.milliseconds)} ms`;
    part(".trip").textContent = `${Math.round([...trips].sort((one, other) => one - other)[trips.length >> 1])} ms`;
  }
}

function follow(box, place, captured) {
  // Where the face was when the frame was captured, and how fast it moves, in pixels a millisecond.
  const next = [place.x, place.y, place.width, place.height], last = box.motion;
  const passed = last ? captured - last.captured : 0;
  const speed = next.map((value, index) =>
    (passed > 0 && passed < 1000 ? 0.5 * (last.speed[index] + (value - last.at[index]) / passed) : 0));
  box.motion = { at: next, captured, speed, shown: last?.shown ?? next };
  if (!last || STILL.matches) put(box, next);
}

let glidedAt = 0;
function glide(now) {
  // Each frame of the screen: boxes move on as their faces did, so that they do not trail behind.
  if (!camera) return;
  const share = 1 - Math.exp(-Math.min(now - glidedAt, 100) / GLIDE_MS);
  glidedAt = now;
  for (const box of STILL.matches ? [] : boxes.children) {
    const { at, captured, speed, shown } = box.motion, late = Math.min(now - captured, AHEAD_MS);
    put(box, shown.map((value, index) => value + share * (at[index] + speed[index] * late - value)));
  }
  requestAnimationFrame(glide);
}

function put(box, shown) {
  box.motion.shown = shown;
  const [x, y, width, height] = shown, left = mirrored ? size.width - x - width : x;
  const share = (value, whole) => `${(100 * value / whole).toFixed(2)}%`;
  Object.assign(box.style, {
    left: share(left, size.width), width: share(width, size.width),
    top: share(y, size.height), height: share(height, size.height),
  });
  box.classList.toggle("low", y < 0.09 * size.height);
  box.classList.toggle("right", left > 0.6 * size.width);
}

function said(face) {
  return `${face.emotion}${face.uncertain ? "?" : ""} ${Math.round(100 * face.confidence)}%`;
}

function keyed(parent, faces, make, fill) {
  // A child per face, kept as long as its person is in view and a moment longer: a detector that
  // misses a frame makes nothing flicker, and bars can glide.
  const now = performance.now();
  parent.querySelector(".nobody")?.remove();
  const old = new Map([...parent.children].map((child) => [child.dataset.person, child]));
  for (const face of [...faces].sort((one, other) => one.person - other.person)) {
    const child = old.get(String(face.person)) ?? parent.appendChild(make());
    old.delete(String(face.person));
    child.dataset.person = face.person;
    child.seen = now;
    fill(child, face);
  }
  old.forEach((child) => { if (now - child.seen > HOLD_MS) child.remove(); });
}

function card(entries) {
  return node("article", "person", node("h3"), node("ul", "", ...entries.map(({ name, colour }) => {
    const bar = node("i");
    bar.style.background = colour;
    return node("li", "", node("span", "name", name), node("span", "track", bar), node("span", "share"));
  })));
}

function note(frame, seconds) {
  // The stream's rows, to be saved; the oldest go where there are too many.
  for (const face of frame.faces) {
    const { x, y, width, height } = face.box;
    const answer = [seconds.toFixed(3), face.person, face.emotion, face.confidence, face.uncertain];
    rows.push([...answer, x, y, width, height, face.detection_score ?? "", ...labels.map(({ name }) => face.probabilities[name])]);
  }
  if (rows.length > MOST_ROWS) rows.splice(0, rows.length - MOST_ROWS);
  if (rows.length) rows.names = labels.map(({ name }) => name);
  part(".table").disabled = !rows.length;
}

function saveTable() {
  const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
  const answer = ["time_seconds", "person", "emotion", "confidence", "uncertain"];
  const place = ["x", "y", "width", "height", "detection_score"];
  const lines = [[...answer, ...place, ...rows.names], ...rows].map((row) => row.map(quoted).join(","));
  save(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }), "webcam-emotions.csv");
}

function savePicture() {
  // The picture as it is seen: in the mirror, with its boxes.
  const shot = document.createElement("canvas"), pen = shot.getContext("2d");
  [shot.width, shot.height] = [video.videoWidth, video.videoHeight];
  if (mirrored) pen.setTransform(-1, 0, 0, 1, shot.width, 0);
  pen.drawImage(video, 0, 0);
  pen.resetTransform();
  const scale = shot.width / size.width;
  for (const box of boxes.children) {
    const [x, y, width, height] = box.motion.shown.map((value) => value * scale);
    const style = getComputedStyle(box), left = mirrored ? shot.width - x - width : x;
    const ink = style.getPropertyValue("--ink"), colour = style.getPropertyValue("--colour");
    drawBox(pen, { x: left, y, width, height }, colour, ink, box.firstChild.textContent);
  }
  shot.toBlob((blob) => save(blob, "webcam-emotions.jpg"), "image/jpeg", 0.9);
}

part(".switch").addEventListener("click", () => (camera || paused ? stop() : start()));
part(".snapshot").addEventListener("click", savePicture);
part(".table").addEventListener("click", saveTable);
part(".devices select").addEventListener("change", (event) => { stop(); start(event.target.value); });
video.addEventListener("resize", () => {  // the camera starts, or a phone is turned
  part(".stage").style.setProperty("--ratio", (video.videoWidth || 4) / (video.videoHeight || 3));
});
window.addEventListener("pagehide", () => stop());
document.addEventListener("webcam-choice", (event) => { Object.assign(choice, event.detail); leave(); });

async function look() {
  // What is known before anybody presses the button. A browser that cannot tell asks when the camera starts.
  if (camera || starting || paused) return;
  if (cameraObstacle()) return tell(cameraObstacle() + PHOTOS);
  const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
  if (permission) permission.onchange = look;
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (camera || starting || paused) return;
  if (permission?.state === "denied") return tell(CAMERA_REFUSED + PHOTOS);
  tell(devices.some((device) => device.kind === "videoinput") ? "" : CAMERA_MISSING + PHOTOS);
}
part(".place select").addEventListener("change", async (event) => {
  (await sources).want(event.target.value);
  leave();
  showPlace();
});
showPlace();
look();
