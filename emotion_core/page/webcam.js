// The Webcam tab in the browser. Gradio runs this once, after the files that webcam_tab.py lists before it, with
// `element` (the tab's HTML) and `server` (the functions of webcam_tab.py). One frame is in flight at a time: the
// next is captured when the last is answered, so that the newest picture is answered, at whatever rate connection
// and server allow.
//
// Answers come from a source: {kind, words(), open(choice), answer(video, found), close()}. open returns {labels},
// {wait} or {stop}; answer returns a LiveDict, or {gone}, {busy}, {stop}, or null for no response. A source that knows
// a frame's boxes before its answer calls found(places, captured).
const METERS_MS = 500;
const part = (name) => element.querySelector(name);
const video = part("video"), boxes = new MovingBoxes(part(".boxes")), table = new StreamTable();
const people = part(".people"), help = part(".help");
const nobody = people.innerHTML, notYet = part(".timeline").innerHTML;
const choice = { model: null, detector: null };
const SILENT = "The server does not answer. Trying again …", PHOTOS = " Photos work in the Image tab.";

// The available sources; null if the page's modules cannot be loaded, and then the server answers.
const ofServer = new ServerSource(server), sources = sourcesOf(ofServer, part(".camera").dataset.manifest);

async function sourceOf(wanted) {
  // The source for this choice of model and detector.
  return (await sources)?.sourceOf(wanted) ?? ofServer;
}

async function showPlace() {
  const found = await sourceOf(choice);
  part(".where").textContent = found.words();
  part(".place").hidden = !(await sources)?.offered;
  part(".place select").value = found.kind;
}

let starting = false, camera = null;  // the MediaStream, while the camera is on
let source = null, labels = null;  // while we hold a place
let left = 0;  // how often a stream or a choice was left
let paused = null;  // the device to resume with, while the tab is hidden
let trips = [], meteredAt = 0;  // the last round trips in milliseconds, over the same window as the server's median
let began = 0;

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
  const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
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
  boxes.mirrored = track.getSettings().facingMode !== "environment";
  part(".stage").classList.toggle("mirrored", boxes.mirrored);
  part(".switch").textContent = "Stop";
  part(".snapshot").disabled = false;
  await video.play().catch(() => {});  // stopped before the first frame
  if (camera !== mine) return;
  cover("");
  await listDevices();
  boxes.glide(() => camera === mine);
  run(mine);
}

function stop(words = "") {
  camera?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
  camera = video.srcObject = paused = null;
  leave();
  part(".switch").textContent = "Start the camera";
  part(".snapshot").disabled = true;
  cover("The camera is off");
  tell(words);
  say(words || "The camera is off.");
}

async function rest() {
  // The tab was hidden: release camera and place until the visitor is back.
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
  // Nothing that was said of people stays when no answers come any more; and the next source numbers people anew.
  boxes.clear();
  people.innerHTML = nobody;
  for (const name of [".fps", ".work", ".trip"]) part(name).textContent = "–";
}

function leave() {
  source?.close();
  source = labels = null;
  left += 1;
  clear();
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
    const answer = await asked.answer(video, (places, captured) => {
      if (camera === mine && labels && source === asked) move(places, captured);
    });
    if (camera !== mine) return;
    const captured = answer?.captured ?? sent, trip = performance.now() - captured;
    trips = [...trips.slice(-9), trip];
    if (!answer) { clear(); tell(SILENT); await pause(2000); continue; }
    if (answer.stop) return stop(answer.stop);
    if (answer.gone) { labels = null; clear(); continue; }
    if (answer.busy) { await pause(200); continue; }
    if (!labels || source !== asked) continue;  // the choice changed meanwhile
    tell("");
    show(answer, captured);
    if (answer.next_seconds) await pause(Math.max(1000 * answer.next_seconds - trip, 0));
  }
}

async function join(mine) {
  const before = left, candidate = await sourceOf(choice);
  if (candidate.kind === "device") part(".where").textContent = "Getting ready to answer on this device …";
  const answer = await candidate.open(choice);
  if (left !== before) {  // stopped, or the choice has changed meanwhile
    if (answer?.labels) candidate.close();
    return camera === mine && join(mine);
  }
  const failed = answer && !answer.labels && !answer.stop && !answer.wait;
  if (failed) return join(mine);  // now with another source, which says why
  if (answer?.stop) stop(answer.stop);
  else tell(answer ? answer.wait ?? "" : SILENT);
  if (!answer?.labels) return false;
  [source, labels, trips, began] = [candidate, answer.labels, [], performance.now()];
  people.classList.toggle("quick", source.kind === "device");
  table.begin(labels.map(({ name }) => name));
  showPlace();
  people.innerHTML = nobody;
  part(".timeline").innerHTML = notYet;
  return true;
}

function move({ width, height, faces }, captured, name = () => {}) {
  // Until they are named, boxes keep the last expression of their person; a newcomer's box is plain.
  boxes.size = { width, height };
  keyed(boxes.parent, faces, () => node("div", "box", node("b")), (box, face) => {
    boxes.follow(box, face.box, captured);
    name(box, face);
  });
}

function show(answer, captured) {
  const { frame } = answer, look = Object.fromEntries(labels.map((entry) => [entry.name, entry]));
  move(frame, captured, (box, face) => {
    box.style.setProperty("--colour", look[face.emotion].colour);
    box.style.setProperty("--ink", look[face.emotion].ink);
    box.firstChild.textContent = `${face.person} ${said(face)}`;
  });
  keyed(people, frame.faces, () => card(labels), (article, face, isNew) => {
    if (face.held && !isNew) return;
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
  table.note(frame, (captured - began) / 1000);
  part(".table").disabled = !table.rows.length;
  if (performance.now() - meteredAt > METERS_MS) {
    meteredAt = performance.now();
    part(".fps").textContent = answer.fps?.toFixed(1) ?? "–";
    part(".work").textContent = `${Math.round(answer.milliseconds)} ms`;
    part(".trip").textContent = `${Math.round([...trips].sort((one, other) => one - other)[trips.length >> 1])} ms`;
  }
}

part(".switch").addEventListener("click", () => (camera || paused ? stop() : start()));
part(".snapshot").addEventListener("click", async () => save(await boxes.snapshot(video), "webcam-emotions.jpg"));
part(".table").addEventListener("click", () => save(table.csv(), "webcam-emotions.csv"));
part(".devices select").addEventListener("change", (event) => { stop(); start(event.target.value); });
video.addEventListener("resize", () => {  // the camera starts, or a phone is rotated
  part(".stage").style.setProperty("--ratio", (video.videoWidth || 4) / (video.videoHeight || 3));
});
window.addEventListener("pagehide", () => stop());
document.addEventListener("webcam-choice", (event) => { Object.assign(choice, event.detail); leave(); });

async function look() {
  // What can be known before the button is pressed. Other browsers ask when the camera starts.
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
