// The Video tab's clip in the browser: chosen, dropped, pasted, recorded or drawn, shown by the browser's own player,
// and sent. Not ``gr.Video``: in Gradio 6.31 it loads a player for streams with the page and, for each clip, 32 MB of
// ffmpeg for a trimming tool that this page's policy refuses to run. Gradio runs this once, after the files that
// video_tab.py lists before it, with `element` and `trigger`.
const MOST_SECONDS = Number(part(".file").dataset.seconds);
const MOVING = ["video/mp4", "video/webm"];
let clip = null, sending = null, recorder = null, address = "";  // clip: {blob, name}; sending: what ends it

const UNSEEN = "This browser cannot show this clip.";

function busy() {
  // A clip is being analysed: no other is taken, as its status would overwrite the first one's.
  return document.querySelector("#video-cancel")?.disabled === false;
}

function display(shown) {
  // What the stage holds: "start", "clip" or "camera".
  part(".start").hidden = shown !== "start";
  video.hidden = shown === "start";
  video.controls = shown === "clip";
  video.classList.toggle("mirrored", shown === "camera");
  part(".again").hidden = shown !== "clip";
  part(".finish").hidden = shown !== "camera";
  part(".retry").hidden = true;
  stage.classList.toggle("full", shown !== "start");
  keepFocus(part(".finish"), part(".again"), part(".choose"));
}

function show(source) {
  if (address) URL.revokeObjectURL(address);
  address = source instanceof Blob ? URL.createObjectURL(source) : "";
  video.srcObject = source && !address ? source : null;
  if (address) video.src = address;
  else video.removeAttribute("src");
}

function take(blob, name, given = 1) {
  // A new clip from any source, the first of so many.
  if (busy()) return tell("Another clip is being analysed. Cancel that, or wait for it.");
  sending?.abort();
  sending = null;
  stopCamera();
  trigger("clear");
  tell("");
  if (blob.size > MOST_BYTES) {
    clip = null;
    show(null);
    display("start");
    return tell(`${name} is over ${MOST_BYTES / 1e6} MB. Shorten or compress it.`);
  }
  clip = { blob, name };
  show(blob);
  display("clip");
  send(given > 1 ? `Only the first of these ${given} files is taken: one video at a time.` : "");
}

async function send(words = "") {
  const mine = sending = new AbortController(), form = new FormData();
  form.append("files", clip.blob, clip.name);
  part(".retry").hidden = true;
  tell(words);
  cover("Sending …");
  const hear = (share) => cover(`Sending … ${Math.floor(100 * share)}%`);
  const { status, said } = await posted("gradio_api/upload", form, { hear, signal: mine.signal });
  if (mine !== sending) return;
  sending = null;
  cover(video.hidden ? UNSEEN : "");
  if (status === 200 && Array.isArray(said)) {
    trigger("upload", { path: said[0] });
    return;
  }
  part(".retry").hidden = false;
  keepFocus(part(".retry"));
  tell(said?.error?.message ?? "The server does not answer. Your clip is still here: try again in a moment.");
}

async function camera() {
  // With sound if there is a microphone that may be used.
  const picture = { width: { ideal: 1280 }, height: { ideal: 720 } };
  return navigator.mediaDevices.getUserMedia({ video: picture, audio: true })
    .catch(() => navigator.mediaDevices.getUserMedia({ video: picture }));
}

async function record() {
  const blocked = cameraObstacle();
  if (blocked) return tell(`${blocked} Or choose a video.`);
  if (typeof MediaRecorder !== "function") return tell("This browser cannot record. Choose a video.");
  tell("");
  let stream;
  try {
    stream = await camera();
  } catch (error) {
    return tell(`${cameraProblem(error)} Or choose a video.`);
  }
  const kind = MOVING.find((one) => MediaRecorder.isTypeSupported(one)) ?? "", pieces = [];
  recorder = new MediaRecorder(stream, kind ? { mimeType: kind } : {});
  const mine = recorder;
  mine.ondataavailable = ({ data }) => pieces.push(data);
  mine.onstop = () => {
    if (recorder !== mine) return;  // left without a clip
    const type = mine.mimeType.split(";")[0];
    take(new Blob(pieces, { type }), `recording.${type.split("/")[1] || "webm"}`);
  };
  display("camera");
  show(stream);
  video.muted = true;
  await video.play().catch(() => {});
  mine.start();
  for (let seconds = 0; recorder === mine && mine.state === "recording"; seconds += 1) {
    if (seconds >= MOST_SECONDS - 1 || !visible()) return mine.stop();
    cover(`Recording … ${seconds} s`);
    await pause(1000);
  }
}

function stopCamera() {
  recorder?.stream.getTracks().forEach((track) => track.stop());
  recorder = null;
  video.muted = false;
  cover("");
}

async function example() {
  const reply = await fetch("page/examples/clip.mp4").catch(() => null);
  if (reply?.ok) take(await reply.blob(), "drawn.mp4");
  else tell("The server does not answer. Try again in a moment.");
}

const choose = () => part(".file").click();
const actions = { choose, again: choose, record, example, finish: () => recorder?.stop(), retry: () => send() };
element.addEventListener("click", (event) => actions[event.target.closest("button")?.classList[0]]?.());
part(".file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) take(file, file.name);
  event.target.value = "";
});
video.addEventListener("error", () => {
  // The server reads more kinds than a browser plays, and says what it cannot read.
  if (!address || !video.error) return;
  video.hidden = true;
  if (!sending) cover(UNSEEN);
});
watchDrops(stage, visible, (file, given) => take(file, file.name, given));
window.addEventListener("pagehide", stopCamera);
