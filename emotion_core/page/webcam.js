// The Webcam tab in the browser. Gradio runs this once, with `element` (the tab's HTML) and `server`
// (the functions of webcam_tab.py). One frame is on its way at a time: the next one is captured when
// the last is answered, so that the newest picture is answered at whatever rate line and server carry.
const LONGEST = 640, QUALITY = 0.75, METERS_MS = 500, HOLD_MS = 700;
const part = (name) => element.querySelector(name);
const video = part("video"), boxes = part(".boxes"), people = part(".people"), help = part(".help");
const canvas = document.createElement("canvas");
const nobody = people.innerHTML, notYet = part(".timeline").innerHTML;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const choice = { model: null, detector: null };
let starting = false, camera = null;  // the MediaStream, while the camera is on
let place = null;  // {token, labels}, while the server keeps a place for us
let trips = [], meteredAt = 0;  // the last round trips, in milliseconds, as many as the server's median is over

const REFUSED =
  "The camera was refused. Allow it for this page (the camera or lock symbol beside the address), then start again. " +
  "If no question comes up, look in the settings of the browser and of the system. Photos work in the Image tab.";
const SILENT = "The server does not answer. Trying again …";
const REASONS = {
  NotAllowedError: REFUSED,
  NotFoundError: "No camera was found. Plug one in or switch it on, then start again. Photos work in the Image tab.",
  NotReadableError: "The camera is in use by another program. Close that one, then start again.",
  OverconstrainedError: "This camera cannot be used here. Choose another one, then start again.",
};

function obstacle() {
  // What keeps this page from any camera, in words; "" for nothing.
  if (!window.isSecureContext) {
    return "Browsers give a camera only to pages that came by https, and to localhost. Open this page by its https " +
      `address, or on the server itself as http://localhost${location.port ? ":" + location.port : ""}.`;
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    return "This browser offers no camera to pages. Use a current Chrome, Edge, Firefox or Safari.";
  }
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  if (policy && !policy.allowsFeature("camera")) {
    return "The page around this one does not pass the camera on. Open this page in a tab of its own.";
  }
  return "";
}

function tell(words) {
  help.hidden = !words;
  if (help.textContent !== words) help.textContent = words;
}

function cover(words) {
  part(".cover").hidden = !words;
  part(".cover").textContent = words;
}

async function start(device) {
  const blocked = obstacle();
  if (blocked) return tell(blocked);
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
    return tell(REASONS[error.name] ?? `The camera does not start (${error.name}). Try another, or reload the page.`);
  } finally {
    starting = false;
  }
  const mine = video.srcObject = camera;
  camera.getVideoTracks()[0].onended = () => stop("The camera was switched off or unplugged. Start again to go on.");
  part(".switch").textContent = "Stop";
  await video.play().catch(() => {});  // stopped before the first frame came
  if (camera !== mine) return;
  cover("");
  await listDevices();
  run(mine);
}

function stop(words = "") {
  camera?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
  camera = video.srcObject = null;
  leave();
  clear();
  people.innerHTML = nobody;
  part(".summary").textContent = "";
  part(".switch").textContent = "Start the camera";
  cover("The camera is off");
  tell(words);
}

function clear() {
  boxes.replaceChildren();
  for (const name of [".fps", ".work", ".trip"]) part(name).textContent = "–";
}

function leave() {
  if (place) server.webcam_close(place.token);
  place = null;
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
    if (!element.isConnected || element.offsetParent === null) return stop();  // another tab of the page
    if (document.hidden) { await pause(500); continue; }
    if (!place && !(await join(mine))) { await pause(3000); continue; }
    const sent = performance.now();
    const answer = await server.webcam_frame({ token: place.token, picture: capture() });
    if (camera !== mine) return;
    const trip = performance.now() - sent;
    trips = [...trips.slice(-8), trip];
    if (!answer) { clear(); tell(SILENT); await pause(2000); continue; }
    if (answer.stop) return stop(answer.stop);
    if (answer.gone) { place = null; continue; }
    if (answer.busy) { await pause(200); continue; }
    if (!place) continue;  // the model was changed meanwhile
    tell("");
    show(answer);
    await pause(Math.max(1000 * answer.next_seconds - trip, 0));
  }
}

async function join(mine) {
  const answer = await server.webcam_open(choice);
  if (camera !== mine) {
    if (answer?.token) server.webcam_close(answer.token);
    return false;
  }
  if (answer?.stop) stop(answer.stop);
  else tell(answer ? answer.wait ?? "" : SILENT);
  if (!answer?.token) return false;
  place = answer;
  trips = [];
  people.innerHTML = nobody;
  part(".timeline").innerHTML = notYet;
  return true;
}

function capture() {
  const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

function show(answer) {
  const { frame } = answer, label = Object.fromEntries(place.labels.map((entry) => [entry.name, entry]));
  keyed(boxes, frame.faces, () => node("div", "box", node("b")), (box, face) => {
    const { x, y, width, height } = face.box, look = label[face.emotion];
    const share = (value, whole) => `${(100 * value / whole).toFixed(2)}%`;
    Object.assign(box.style, {
      left: share(x, frame.width), width: share(width, frame.width),
      top: share(y, frame.height), height: share(height, frame.height),
    });
    box.style.setProperty("--colour", look.colour);
    box.style.setProperty("--ink", look.ink);
    box.classList.toggle("low", y < 0.09 * frame.height);
    box.classList.toggle("right", x > 0.6 * frame.width);
    box.firstChild.textContent = `${face.person} ${said(face)}`;
  });
  keyed(people, frame.faces, () => card(place.labels), (article, face) => {
    const symbol = label[face.emotion].symbol ?? "";
    article.querySelector("h3").textContent = `Person ${face.person}: ${symbol} ${said(face)}`;
    place.labels.forEach(({ name }, index) => {
      const [, track, share] = article.querySelectorAll("li")[index].children, value = face.probabilities[name];
      track.firstChild.style.width = `${100 * value}%`;
      share.textContent = `${Math.round(100 * value)}%`;
    });
  });
  if (!people.children.length) {
    people.append(node("p", "nobody", "No face in view. Turn to the camera, in even light."));
  }
  if (part(".summary").textContent !== answer.summary) part(".summary").textContent = answer.summary;
  if (answer.timeline !== null) part(".timeline").innerHTML = answer.timeline;
  if (performance.now() - meteredAt > METERS_MS) {
    meteredAt = performance.now();
    part(".fps").textContent = answer.fps?.toFixed(1) ?? "–";
    part(".work").textContent = `${Math.round(answer.milliseconds)} ms`;
    part(".trip").textContent = `${Math.round([...trips].sort((one, other) => one - other)[trips.length >> 1])} ms`;
  }
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

function card(labels) {
  return node("article", "person", node("h3"), node("ul", "", ...labels.map(({ name, colour }) => {
    const bar = node("i"), title = node("span", "name");
    bar.style.background = colour;
    title.textContent = name;
    return node("li", "", title, node("span", "track", bar), node("span", "share"));
  })));
}

function node(tag, name = "", ...children) {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...children);
  return made;
}

part(".switch").addEventListener("click", () => (camera ? stop() : start()));
part(".devices select").addEventListener("change", (event) => { stop(); start(event.target.value); });
video.addEventListener("resize", () => {  // the camera starts, or a phone is turned
  part(".stage").style.aspectRatio = `${video.videoWidth || 4} / ${video.videoHeight || 3}`;
});
window.addEventListener("pagehide", () => stop());
document.addEventListener("webcam-choice", (event) => { Object.assign(choice, event.detail); leave(); });

async function look() {
  // What is known before anybody presses the button. A browser that cannot tell asks when the camera starts.
  if (camera || starting) return;
  if (obstacle()) return tell(obstacle());
  const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
  if (permission) permission.onchange = look;
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (camera || starting) return;
  if (permission?.state === "denied") return tell(REFUSED);
  tell(devices.some((device) => device.kind === "videoinput") ? "" : REASONS.NotFoundError);
}
look();
