// Boxes over the webcam's picture, for webcam.js: they keep moving with the faces between answers.
//: How far boxes extrapolate at most, to make up for the answer's delay, and how fast they glide there.
const AHEAD_MS = 300, GLIDE_MS = 60;

class MovingBoxes {
  // parent: holds the boxes. size: of the last answered frame. mirrored: whether the picture is shown mirrored.
  constructor(parent) {
    Object.assign(this, { parent, size: { width: 4, height: 3 }, mirrored: true });
  }

  clear() {
    this.parent.replaceChildren();
  }

  follow(box, place, captured) {
    // Where the face was when the frame was captured, and its speed in pixels per millisecond. A frame's whole answer
    // comes after its boxes, and tells nothing new of them; an earlier frame's would move them back.
    if (captured <= box.motion?.captured) return;
    const next = [place.x, place.y, place.width, place.height], last = box.motion;
    const passed = last ? captured - last.captured : 0;
    const speed = next.map((value, index) =>
      (passed > 0 && passed < 1000 ? 0.5 * (last.speed[index] + (value - last.at[index]) / passed) : 0));
    box.motion = { at: next, captured, speed, shown: last?.shown ?? next };
    if (!last || STILL.matches) this.put(box, next);
  }

  glide(goesOn) {
    // On each screen refresh, boxes move on at their faces' speed, so that they do not trail behind.
    let before = 0;
    const step = (now) => {
      if (!goesOn()) return;
      const share = 1 - Math.exp(-Math.min(now - before, 100) / GLIDE_MS);
      before = now;
      for (const box of STILL.matches ? [] : this.parent.children) {
        const { at, captured, speed, shown } = box.motion, late = Math.min(now - captured, AHEAD_MS);
        this.put(box, shown.map((value, index) => value + share * (at[index] + speed[index] * late - value)));
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  left(x, width, whole) {
    return this.mirrored ? whole - x - width : x;
  }

  put(box, shown) {
    box.motion.shown = shown;
    const [x, y, width, height] = shown, { size } = this, left = this.left(x, width, size.width);
    const share = (value, whole) => `${(100 * value / whole).toFixed(2)}%`;
    Object.assign(box.style, {
      left: share(left, size.width), width: share(width, size.width),
      top: share(y, size.height), height: share(height, size.height),
    });
    box.classList.toggle("low", y < 0.09 * size.height);
    box.classList.toggle("right", left > 0.6 * size.width);
  }

  snapshot(video) {
    // A JPEG of the picture as displayed: mirrored if it is, and with its boxes.
    const shot = document.createElement("canvas"), pen = shot.getContext("2d");
    [shot.width, shot.height] = [video.videoWidth, video.videoHeight];
    if (this.mirrored) pen.setTransform(-1, 0, 0, 1, shot.width, 0);
    pen.drawImage(video, 0, 0);
    pen.resetTransform();
    const scale = shot.width / this.size.width;
    for (const box of this.parent.children) {
      if (!box.firstChild.textContent) continue;  // nothing is known yet but the place
      const [x, y, width, height] = box.motion.shown.map((value) => value * scale);
      const style = getComputedStyle(box), left = this.left(x, width, shot.width);
      const ink = style.getPropertyValue("--ink"), colour = style.getPropertyValue("--colour");
      drawBox(pen, { x: left, y, width, height }, colour, ink, box.firstChild.textContent);
    }
    return new Promise((done) => shot.toBlob(done, "image/jpeg", 0.9));
  }
}
