/**
 * Face detection with YuNet.
 * @import {Face, Picture} from "./types.js"
 * @import {Found} from "./yunet.js"
 */
import { largestFirst, whole } from "./boxes.js";
import { padded } from "./pixels.js";
import { search, sound } from "./pyramid.js";
import { decoded } from "./yunet.js";

const MULTIPLE = 32;
/** Side of a crop relative to YuNet's box, matching FER-2013's framing. */
const MARGIN = 1.1;
/** Boxes of one face overlap at least this much; a weaker box with this share inside a stronger one is part of it. */
const SAME = 0.35, INSIDE = 0.7;

/**
 * Runs YuNet's graph on a picture whose sides are multiples of 32.
 * @callback RunYuNet
 * @param {Picture} picture
 * @returns {Promise<Record<string, Float32Array>>} by the names of `OUTPUTS`
 */

export class Detector {
  /** @param {RunYuNet} run */
  constructor(run) {
    this.run = run;
  }

  /**
   * Faces in the picture's pixels, largest first, found at one size of the picture after the other: there is a pause
   * after each.
   * @param {Picture} picture
   * @returns {AsyncGenerator<void, Face[]>}
   */
  async *detect(picture) {
    const found = [];
    for await (const some of search(picture, (copy) => this.#seek(copy))) {
      found.push(...some);
      yield;
    }
    return largestFirst(merged(found).map(faceOf), picture);
  }

  /**
   * The same at the picture's own size, for a cut-out around a known face.
   * @param {Picture} picture
   * @returns {Promise<Face[]>}
   */
  async detectNear(picture) {
    const found = sound(await this.#seek(picture), picture.width, picture.height);
    return largestFirst(merged(found).map(faceOf), picture);
  }

  /** @param {Picture} picture */
  async #seek(picture) {
    const sought = padded(picture, MULTIPLE);
    return decoded(await this.run(sought), sought.width, sought.height);
  }
}

/** @template T @param {AsyncGenerator<void, T>} parts @returns {Promise<T>} what comes after the last pause */
export async function resultOf(parts) {
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return value;
  }
}

/**
 * One box per face, strongest first.
 * @param {Found[]} found
 * @returns {Found[]}
 */
export function merged(found) {
  /** @type {Found[]} */
  const kept = [];
  for (const one of [...found].sort((first, second) => second.score - first.score)) {
    const size = one.width * one.height;
    const alone = kept.every((other) => {
      const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
      const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
      const shared = Math.max(width, 0) * Math.max(height, 0);
      return shared <= SAME * (other.width * other.height + size - shared) && shared <= INSIDE * size;
    });
    if (alone) kept.push(one);
  }
  return kept;
}

/**
 * In-plane rotation of a face in degrees, clockwise positive, from the line between the middle of the eyes and
 * the middle of the mouth; 0 if unknown.
 * @param {number[]} points of a `Found`
 * @returns {number}
 */
export function tilt(points) {
  if (!points.every(Number.isFinite)) return 0;
  const [leftX, leftY, rightX, rightY, , , mouthX, mouthY, otherX, otherY] = points;
  const downX = (mouthX + otherX - leftX - rightX) / 2, downY = (mouthY + otherY - leftY - rightY) / 2;
  return downX || downY ? whole((Math.atan2(-downX, downY) * 1800) / Math.PI) / 10 : 0;
}

/** @param {Found} found @returns {Face} */
function faceOf({ x, y, width, height, score, points }) {
  const side = Math.max(MARGIN * Math.sqrt(Math.max(width, 1) * Math.max(height, 1)), 1);
  return {
    box: { x: whole(x), y: whole(y), width: Math.max(whole(width), 1), height: Math.max(whole(height), 1) },
    crop: {
      x: whole(x + (width - side) / 2),
      y: whole(y + (height - side) / 2),
      width: whole(side),
      height: whole(side),
    },
    score: Math.min(score, 1),
    angle: tilt(points),
  };
}
