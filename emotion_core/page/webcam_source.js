// The server as a source of answers for webcam.js, and loading of the other sources.
const LONGEST = 640, QUALITY = 0.75;

class ServerSource {
  // server: the functions of webcam_tab.py.
  constructor(server) {
    this.kind = "server";
    this.server = server;
    this.token = null;
    this.canvas = document.createElement("canvas");
  }

  words() {
    return "On the server: each frame is sent there, analysed in memory and dropped.";
  }

  async open(wanted) {
    const answer = await this.server.webcam_open(wanted);
    this.token = answer?.token ?? null;
    return answer;
  }

  answer(video) {
    return this.server.webcam_frame({ token: this.token, picture: this.capture(video) });
  }

  close() {
    if (this.token) this.server.webcam_close(this.token);
    this.token = null;
  }

  capture(video) {
    const { canvas } = this, scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", QUALITY);
  }
}

async function sourcesOf(ofServer, address) {
  // The page's modules for inference on this device; null if they cannot be loaded. address: of their manifest.
  try {
    const manifest = await (await fetch(new URL(address, location.href))).json();
    const { Sources } = await import(new URL(manifest.entry, location.href));
    return new Sources(manifest, location.href, ofServer);
  } catch {
    return null;
  }
}
