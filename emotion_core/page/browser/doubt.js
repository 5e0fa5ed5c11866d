/**
 * Faces too hard to see to classify with certainty, whatever the network says: the same measures and limits
 * as the server's core (`recognition/doubt.py`).
 * @import {Face} from "./types.js"
 */
import { gray, resized } from "./pixels.js";

const SMALLEST = 24, DARKEST = 56, FLATTEST = 12, SOFTEST = 0.3, FAINTEST = 0.8;
const SIDE = 48, RIM = 6, EDGE = 4, BRIGHT = 0.95;

/**
 * Why a face is hard to see: any of "small", "dark", "flat", "blurred" and "faint".
 * @param {Uint8Array} crop the network's input
 * @param {{height: number, width: number, channels: number}} input
 * @param {Face} face
 * @param {number} [minSide] of the crop in the picture
 * @returns {string[]}
 */
export function doubts(crop, { height, width, channels }, face, minSide = 0) {
  const whole = channels === 1 ? crop : gray(crop, channels);
  const values = width === SIDE && height === SIDE ? whole : resized(whole, width, height, 1, SIDE, SIDE);
  const middle = inner(RIM, (x, y) => values[y * SIDE + x]);
  const edges = inner(EDGE, (x, y) => {
    const at = y * SIDE + x;
    return values[at - 1] + values[at + 1] + values[at - SIDE] + values[at + SIDE] - 4 * values[at];
  });
  const contrast = deviation(middle);
  /** @type {[string, boolean][]} */
  const found = [
    ["small", face.box.width * face.box.height < SMALLEST ** 2 || face.crop.width < minSide],
    ["dark", percentile(middle, BRIGHT) < DARKEST],
    ["flat", contrast < FLATTEST],
    ["blurred", deviation(edges) < SOFTEST * Math.max(contrast, 1)],
    ["faint", face.score < FAINTEST],
  ];
  return found.filter(([, so]) => so).map(([name]) => name);
}

/** Values at all positions except a rim. @param {number} rim @param {(x: number, y: number) => number} value */
function inner(rim, value) {
  const values = [];
  for (let y = rim; y < SIDE - rim; y++) for (let x = rim; x < SIDE - rim; x++) values.push(value(x, y));
  return values;
}

/** @param {number[]} values */
function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Interpolated between the nearest two. @param {number[]} values @param {number} share */
function percentile(values, share) {
  const sorted = [...values].sort((one, other) => one - other), place = share * (sorted.length - 1);
  const below = Math.floor(place), above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
