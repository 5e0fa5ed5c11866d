/**
 * Rectangles in a picture's pixels, rounded as the server rounds them.
 * @import {Box, Face} from "./types.js"
 */

/** @param {number} value @returns {number} the nearest integer, ties to even */
export function whole(value) {
  const below = Math.floor(value), rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** @param {Box} box */
export function area(box) {
  return box.width * box.height;
}

/** @param {Box} one @param {Box} other @returns {number} intersection over union, 0 to 1 */
export function overlap(one, other) {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  const shared = Math.max(width, 0) * Math.max(height, 0);
  return shared / (area(one) + area(other) - shared);
}

/**
 * Boxes clipped to the picture, largest first; those outside it are dropped.
 * @param {Face[]} faces
 * @param {{width: number, height: number}} picture
 * @returns {Face[]}
 */
export function largestFirst(faces, picture) {
  const kept = [];
  for (const face of faces) {
    const left = Math.max(face.box.x, 0), top = Math.max(face.box.y, 0);
    const right = Math.min(face.box.x + face.box.width, picture.width);
    const bottom = Math.min(face.box.y + face.box.height, picture.height);
    if (right > left && bottom > top) {
      kept.push({ ...face, box: { x: left, y: top, width: right - left, height: bottom - top } });
    }
  }
  return kept.sort((one, other) => area(other.box) - area(one.box));
}

/**
 * A face found in a scaled cut-out, in pixels of the picture; the cut-out's corner is at (x, y).
 * @param {Face} face
 * @param {number} factor
 * @param {number} [x]
 * @param {number} [y]
 * @returns {Face}
 */
export function moved(face, factor, x = 0, y = 0) {
  /** @param {Box} old @returns {Box} */
  const box = (old) => ({
    x: whole(x + old.x * factor),
    y: whole(y + old.y * factor),
    width: Math.max(whole(old.width * factor), 1),
    height: Math.max(whole(old.height * factor), 1),
  });
  return { ...face, box: box(face.box), crop: box(face.crop) };
}
