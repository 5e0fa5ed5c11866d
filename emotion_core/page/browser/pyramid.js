/**
 * Detection on one picture at several sizes, so that the result does not depend on its resolution.
 * @import {Picture} from "./types.js"
 * @import {Found} from "./yunet.js"
 */
import { whole } from "./boxes.js";
import { cut, scaled } from "./pixels.js";

/** Longest sides of the searched copies; a copy is only used if larger than the last by the factor STEP. */
const SIDES = [320, 800, 2000], STEP = 1.25;
/** On all but the smallest copy, boxes larger than this are left to the smaller copies. */
const LARGEST = 320;
/** Least longest side, reached by enlarging, and least shorter side, reached by padding. */
const SMALLEST_SIDE = 256, SHORTEST_SIDE = 64;

/**
 * What `seek` finds on each copy, in the picture's pixels, not yet merged.
 * @param {Picture} picture
 * @param {(picture: Picture) => Promise<Found[]>} seek
 * @returns {AsyncGenerator<Found[], void>}
 */
export async function* search(picture, seek) {
  for (const [number, scale] of scales(Math.max(picture.width, picture.height)).entries()) {
    const [width, height] = [picture.width, picture.height].map((side) => whole(side * scale));
    const found = sound(await seek(copyOf(picture, scale)), width, height);
    yield found
      .filter((one) => !number || Math.max(one.width, one.height) <= LARGEST)
      .map((one) => shrunk(one, scale));
  }
}

/** The scale factors to search a picture at. @param {number} longest @returns {number[]} smallest first */
export function scales(longest) {
  if (longest <= SIDES[0]) return [Math.max(1, SMALLEST_SIDE / longest)];
  const wanted = [SIDES[0]];
  for (const side of SIDES.slice(1).map((most) => Math.min(most, longest))) {
    if (side >= STEP * wanted[wanted.length - 1]) wanted.push(side);
  }
  return wanted.map((side) => side / longest);
}

/**
 * Those whose box is finite, has a size, and has its centre in the picture.
 * @param {Found[]} found
 * @param {number} width
 * @param {number} height
 */
export function sound(found, width, height) {
  return found.filter((one) => {
    const middleX = one.x + one.width / 2, middleY = one.y + one.height / 2;
    const inside = middleX >= 0 && middleX < width && middleY >= 0 && middleY < height; // NaN is not
    const sized = one.width > 0 && one.height > 0 && Math.max(one.width, one.height) < 4 * Math.max(width, height);
    return inside && sized;
  });
}

/** @param {Picture} picture @param {number} scale @returns {Picture} */
function copyOf(picture, scale) {
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(whole(side * scale), 1));
  const small = scaled(picture, width, height);
  if (Math.min(width, height) >= SHORTEST_SIDE) return small;
  const [wide, high] = [width, height].map((side) => Math.max(side, SHORTEST_SIDE));
  return cut(small, { x: 0, y: 0, width: wide, height: high });
}

/** @param {Found} found @param {number} scale @returns {Found} */
function shrunk(found, scale) {
  const [x, y, width, height, ...points] = [found.x, found.y, found.width, found.height, ...found.points].map(
    (value) => value / scale,
  );
  return { x, y, width, height, score: found.score, points };
}
