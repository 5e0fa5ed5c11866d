/**
 * Decoding of YuNet's outputs: boxes with scores, and the best of those that overlap.
 *
 * @typedef {object} Found
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} score
 * @property {number[]} points x and y of the left eye (in the picture, face upright), the right eye, the nose and
 * the mouth's corners
 */

export const STRIDES = [8, 16, 32];
/** The graph's outputs, in their order. */
export const OUTPUTS = ["cls", "bbox", "obj", "kps"].flatMap((head) => STRIDES.map((stride) => `${head}_${stride}`));
const MIN_SCORE = 0.7, MOST_OVERLAP = 0.3, POINTS = 5;

/**
 * The faces in the outputs, best first.
 * @param {Record<string, Float32Array>} outputs by the names of `OUTPUTS`, row by row
 * @param {number} width of the picture, a multiple of 32 pixels
 * @param {number} height
 * @returns {Found[]}
 */
export function decoded(outputs, width, height) {
  const found = [];
  for (const stride of STRIDES) {
    const columns = width / stride, rows = height / stride;
    const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((head) => outputs[`${head}_${stride}`]);
    for (let place = 0; place < rows * columns; place++) {
      const score = Math.sqrt(share(cls[place]) * share(obj[place]));
      if (score < MIN_SCORE) continue;
      const column = place % columns, row = Math.floor(place / columns);
      const wide = Math.exp(bbox[4 * place + 2]) * stride, high = Math.exp(bbox[4 * place + 3]) * stride;
      const points = Array.from({ length: 2 * POINTS }, (_, index) =>
        (kps[2 * POINTS * place + index] + (index % 2 ? row : column)) * stride);
      found.push({
        x: (column + bbox[4 * place]) * stride - wide / 2,
        y: (row + bbox[4 * place + 1]) * stride - high / 2,
        width: wide,
        height: high,
        score,
        points,
      });
    }
  }
  return best(found);
}

/**
 * Non-maximum suppression: a box that overlaps a better one is dropped.
 * @param {Found[]} found
 * @returns {Found[]} best first
 */
export function best(found) {
  /** @type {Found[]} */
  const kept = [];
  for (const one of [...found].sort((first, second) => second.score - first.score)) {
    if (kept.every((other) => overlapOf(one, other) <= MOST_OVERLAP)) kept.push(one);
  }
  return kept;
}

/** @param {Found} one @param {Found} other compared in whole pixels, as in OpenCV */
function overlapOf(one, other) {
  const [first, second] = [one, other].map(({ x, y, width, height }) => [x, y, width, height].map(Math.trunc));
  const width = Math.min(first[0] + first[2], second[0] + second[2]) - Math.max(first[0], second[0]);
  const height = Math.min(first[1] + first[3], second[1] + second[3]) - Math.max(first[1], second[1]);
  const shared = Math.max(width, 0) * Math.max(height, 0);
  return shared / (first[2] * first[3] + second[2] * second[3] - shared);
}

/** @param {number} value */
function share(value) {
  return Math.min(Math.max(value, 0), 1);
}
