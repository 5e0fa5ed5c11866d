/**
 * Crops for the network, rotated upright if the face is tilted.
 * @import {Box, Picture} from "./types.js"
 */
import { whole } from "./boxes.js";
import { clamp } from "./enlarge.js";
import { cut, gray, resized, rgb } from "./pixels.js";

/** Faces are rotated upright above this tilt, in degrees. */
const LEVEL_ABOVE = 10;
/** A rotated crop is cut from a square larger by this factor, to have pixels for its corners. */
const AROUND = 1.5;
/** OpenCV's grid for rotated pixel positions, and the finer one for the two terms of each. */
const GRID = 32, FINE = 1024, STEP = FINE / GRID;

/** @typedef {{height: number, width: number, channels: number}} Input */

/**
 * The square around a face, as input for the network.
 * @param {Picture} picture
 * @param {Box} square
 * @param {Input} input
 * @param {number} [angle] tilt of the face in degrees, clockwise positive
 * @returns {Uint8Array<ArrayBuffer>} row by row, one gray value or three of RGB per pixel
 */
export function crop(picture, square, input, angle = 0) {
  const { height, width, channels } = input;
  if (Math.abs(angle) <= LEVEL_ABOVE) return shown(picture, square, input);
  const side = whole(AROUND * Math.max(square.width, square.height));
  const x = whole(square.x + (square.width - side) / 2), y = whole(square.y + (square.height - side) / 2);
  const large = { height: 3 * height, width: 3 * width, channels };
  const values = shown(picture, { x, y, width: side, height: side }, large);
  const level = turned(values, large, angle, { x: width >> 1, y: height >> 1, width: 2 * width, height: 2 * height });
  return resized(level, 2 * width, 2 * height, channels, width, height);
}

/** @param {Picture} picture @param {Box} square @param {Input} input */
function shown(picture, square, { height, width, channels }) {
  const part = cut(picture, square);
  return resized(channels === 1 ? gray(part.data) : rgb(part.data), part.width, part.height, channels, width, height);
}

/**
 * A part of a picture rotated counter-clockwise about its centre; edge pixels are repeated beyond its edges.
 * @param {Uint8Array} values
 * @param {Input} size
 * @param {number} angle degrees
 * @param {Box} part
 * @returns {Uint8Array<ArrayBuffer>}
 */
function turned(values, { height, width, channels }, angle, part) {
  const cos = Math.cos((angle * Math.PI) / 180), sin = Math.sin((angle * Math.PI) / 180);
  const middleX = (width - 1) / 2, middleY = (height - 1) / 2;
  const result = new Uint8Array(part.width * part.height * channels);
  /** @param {number} x @param {number} y @param {number} channel */
  const at = (x, y, channel) => values[(clamp(y, height) * width + clamp(x, width)) * channels + channel];
  const startX = cos * (part.x - middleX) - sin * (part.y - middleY) + middleX;
  const startY = sin * (part.x - middleX) + cos * (part.y - middleY) + middleY;
  /** @param {(place: number) => number} share @param {number} count */
  const terms = (share, count) => Int32Array.from({ length: count }, (_, place) => whole(FINE * share(place)));
  const acrossX = terms((column) => cos * column, part.width), acrossY = terms((column) => sin * column, part.width);
  const downX = terms((row) => startX - sin * row, part.height);
  const downY = terms((row) => startY + cos * row, part.height);
  for (let row = 0, to = 0; row < part.height; row++) {
    for (let column = 0; column < part.width; column++) {
      const x = (acrossX[column] + downX[row] + STEP / 2) >> 5, y = (acrossY[column] + downY[row] + STEP / 2) >> 5;
      const left = x >> 5, top = y >> 5, across = x & 31, below = y & 31;
      for (let channel = 0; channel < channels; channel++, to++) {
        const upper = at(left, top, channel) * (GRID - across) + at(left + 1, top, channel) * across;
        const lower = at(left, top + 1, channel) * (GRID - across) + at(left + 1, top + 1, channel) * across;
        result[to] = (upper * (GRID - below) + lower * below + 512) >> 10;
      }
    }
  }
  return result;
}
