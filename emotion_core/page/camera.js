// Shared by the tabs' scripts: camera problems, screen reader announcements, files to save.
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const CAMERA_REFUSED =
  "The camera was refused. Allow it for this page (the camera or lock symbol beside the address), then start again. " +
  "If no question comes up, look in the settings of the browser and of the system.";
const CAMERA_MISSING = "No camera was found. Plug one in or switch it on, then start again.";
const CAMERA_REASONS = {
  NotAllowedError: CAMERA_REFUSED,
  NotFoundError: CAMERA_MISSING,
  NotReadableError: "The camera is in use by another program. Close that one, then start again.",
  OverconstrainedError: "This camera cannot be used here. Choose another one, then start again.",
};

function cameraObstacle() {
  // What keeps this page from using any camera, as a message; "" for nothing.
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

function cameraProblem(error) {
  return CAMERA_REASONS[error.name] ?? `The camera does not start (${error.name}). Try another, or reload the page.`;
}

function say(words) {
  // The page's only status line, which screen readers read out.
  const line = document.getElementById("page-status");
  if (line && line.textContent !== words) line.textContent = words;
}

function keepFocus(...parts) {
  // The button that was pressed may be hidden by now: the first of these that is shown takes its focus.
  if (document.activeElement?.offsetParent && document.activeElement !== document.body) return;
  parts.find((part) => part.offsetParent)?.focus({ preventScroll: true });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function node(tag, name = "", ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

function drawBox(pen, box, colour, ink, words) {
  // A face's box and caption on a canvas, sized to suit the picture.
  const longest = Math.max(pen.canvas.width, pen.canvas.height), line = Math.max(2, Math.round(longest / 400));
  pen.lineWidth = line * 2;
  pen.strokeStyle = "#000";
  pen.strokeRect(box.x, box.y, box.width, box.height);
  pen.lineWidth = line;
  pen.strokeStyle = colour;
  pen.strokeRect(box.x, box.y, box.width, box.height);
  const size = Math.max(12, longest / 75, Math.min(0.16 * box.width, longest / 24));
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  const width = pen.measureText(words).width + size / 2, height = size * 1.3;
  const x = Math.min(Math.max(box.x, 0), Math.max(pen.canvas.width - width, 0));
  const y = box.y - height >= 0 ? box.y - height : Math.min(box.y + box.height, pen.canvas.height - height);
  pen.fillStyle = colour;
  pen.fillRect(x, y, width, height);
  pen.lineWidth = 1;
  pen.strokeStyle = "#000";
  pen.strokeRect(x, y, width, height);
  pen.fillStyle = ink;
  pen.fillText(words, x + size / 4, y + size * 0.18);
}
