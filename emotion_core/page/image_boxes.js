// Boxes over the photo, highlighting, and related text, for image.js.
function boxOf(face, index, said) {
  const box = node("div", "box", node("b", "", face.caption)), { x, y, width, height } = face.box;
  const share = (value, whole) => `${(100 * value / whole).toFixed(2)}%`;
  Object.assign(box.style, {
    left: share(x, said.width), width: share(width, said.width),
    top: share(y, said.height), height: share(height, said.height),
  });
  box.style.setProperty("--colour", face.colour);
  box.style.setProperty("--ink", face.ink);
  box.classList.toggle("right", x > 0.6 * said.width);
  box.dataset.face = index;
  return box;
}

function crowd(stage, boxes) {
  // With many faces, or where names would overlap, only the face under the pointer shows its name.
  // A name that would stick out at the top goes inside its box.
  stage.classList.remove("crowd");
  for (const box of boxes.children) box.classList.remove("low");
  const { top } = boxes.getBoundingClientRect();
  const names = [...boxes.querySelectorAll("b")].map((name) => name.getBoundingClientRect());
  names.forEach((name, index) => boxes.children[index].classList.toggle("low", name.top < top));
  const meet = (one, other) =>
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
  const close = (one, index) => names.slice(index + 1).some((other) => meet(one, other));
  stage.classList.toggle("crowd", names.length > 12 || names.some(close));
}

function mark(element, from) {
  // Highlight the face under the pointer or with the focus: its box and its row.
  const chosen = from?.closest?.("[data-face]")?.dataset.face;
  for (const one of element.querySelectorAll("[data-face]")) {
    one.classList.toggle("marked", one.dataset.face === chosen);
  }
}

function takes(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return whole === 1 ? "(a second)" : `(${whole} seconds)`;
}
