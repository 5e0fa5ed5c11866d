// The card of each person in front of the webcam, for webcam.js.
//: How long a person whom the detector has lost stays on screen.
const HOLD_MS = 700;

function said(face) {
  return `${face.emotion}${face.uncertain ? "?" : ""} ${Math.round(100 * face.confidence)}%`;
}

function keyed(parent, faces, make, fill) {
  // A child per face, kept a moment longer than its person is visible, so that a missed detection
  // causes no flicker and bars can glide.
  const now = performance.now();
  parent.querySelector(".nobody")?.remove();
  const old = new Map([...parent.children].map((child) => [child.dataset.person, child]));
  for (const face of [...faces].sort((one, other) => one.person - other.person)) {
    const known = old.get(String(face.person)), child = known ?? parent.appendChild(make());
    old.delete(String(face.person));
    child.dataset.person = face.person;
    child.seen = now;
    fill(child, face, !known);
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
