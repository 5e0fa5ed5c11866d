/**
 * Matching of people between frames, timed in seconds: the same steps as the server's tracker for live pictures.
 * @import {Box, Picture} from "./types.js"
 */
import { assign } from "./assignment.js";
import { area } from "./boxes.js";
import { cut, resized } from "./pixels.js";

/** How far from its expected position a face may be, in face widths: at once, more per second, and at most. */
const REACH = 0.8, REACH_PER_SECOND = 2, LARGEST_REACH = 2.5;
/** Faces whose sizes differ by more than this factor are different. */
const LARGEST_RATIO = 2;
/** Weight of dissimilarity relative to distance in widths, and the similarity below which faces are different. */
const LOOKS_WEIGHT = 2, LEAST_LIKENESS = 0.2;
/** Time constants in seconds: of the velocity, of its decay while unseen, and of the appearance. */
const VELOCITY_SECONDS = 0.15, COASTING_SECONDS = 0.7, LOOKS_SECONDS = 0.5;
const LOOKS_SIDE = 12, FORBIDDEN = 1e6;
/** How long a person may be out of sight and keep the number, in seconds. */
export const GAP_SECONDS = 1;

/** @typedef {{x: number, y: number}} Point */

class Track {
  velocity = { x: 0, y: 0 };

  /**
   * @param {number} person
   * @param {number} seconds
   * @param {Point} centre
   * @param {number} size
   * @param {Float32Array} looks
   */
  constructor(person, seconds, centre, size, looks) {
    this.person = person;
    this.lastSeen = seconds;
    this.centre = centre;
    this.size = size;
    this.looks = looks;
  }

  /** @param {number} seconds @returns {Point} the centre's predicted position */
  expected(seconds) {
    const share = COASTING_SECONDS * -Math.expm1((this.lastSeen - seconds) / COASTING_SECONDS);
    return { x: this.centre.x + this.velocity.x * share, y: this.centre.y + this.velocity.y * share };
  }

  /**
   * Update with a new detection.
   * @param {number} seconds
   * @param {Point} centre
   * @param {number} size
   * @param {Float32Array} looks
   */
  see(seconds, centre, size, looks) {
    const gap = seconds - this.lastSeen;
    if (gap > 0) {
      const share = -Math.expm1(-gap / VELOCITY_SECONDS);
      this.velocity.x += share * ((centre.x - this.centre.x) / gap - this.velocity.x);
      this.velocity.y += share * ((centre.y - this.centre.y) / gap - this.velocity.y);
    }
    const share = -Math.expm1(-gap / LOOKS_SECONDS), before = this.looks;
    this.looks = looks.map((value, index) => before[index] + share * (value - before[index]));
    [this.centre, this.size, this.lastSeen] = [centre, size, seconds];
  }
}

/** Numbers the people of one stream 1, 2, ... in order of appearance. */
export class FaceTracker {
  /** @type {Track[]} */
  #tracks = [];
  #persons = 0;

  /**
   * The person of each face of the next frame.
   * @param {number} seconds never decreasing
   * @param {Box[]} boxes
   * @param {Picture} picture the frame, whose pixels the boxes refer to
   * @returns {number[]}
   */
  update(seconds, boxes, picture) {
    this.#tracks = this.#tracks.filter((track) => seconds - track.lastSeen <= GAP_SECONDS);
    const seen = boxes.map((box) => ({
      centre: { x: box.x + box.width / 2, y: box.y + box.height / 2 },
      size: Math.sqrt(area(box)),
      looks: looksOf(picture, box),
    }));
    const costs = this.#tracks.map((track) => seen.map((face) => costOf(track, seconds, face)));
    const trackOf = new Map(assign(costs, FORBIDDEN / 2).map(([row, column]) => [column, this.#tracks[row]]));
    return seen.map(({ centre, size, looks }, index) => {
      const found = trackOf.get(index);
      if (found) {
        found.see(seconds, centre, size, looks);
        return found.person;
      }
      this.#tracks.push(new Track(++this.#persons, seconds, centre, size, looks));
      return this.#persons;
    });
  }
}

/**
 * The cost of matching a face with a track: 0 for a perfect match, `FORBIDDEN` for none.
 * @param {Track} track
 * @param {number} seconds
 * @param {{centre: Point, size: number, looks: Float32Array}} face
 */
function costOf(track, seconds, { centre, size, looks }) {
  const expected = track.expected(seconds), gap = seconds - track.lastSeen;
  const distance = Math.hypot(centre.x - expected.x, centre.y - expected.y) / Math.max((size + track.size) / 2, 1);
  const growth = Math.abs(Math.log(size / track.size));
  if (distance > Math.min(REACH + REACH_PER_SECOND * gap, LARGEST_REACH)) return FORBIDDEN;
  if (growth > Math.log(LARGEST_RATIO)) return FORBIDDEN;
  const likeness = likenessOf(track.looks, looks);
  return likeness < LEAST_LIKENESS ? FORBIDDEN : distance + growth + LOOKS_WEIGHT * (1 - likeness);
}

/** @param {Picture} picture @param {Box} box @returns {Float32Array} a tiny picture with its mean brightness removed */
function looksOf(picture, box) {
  const part = cut(picture, box);
  const small = resized(part.data, part.width, part.height, 4, LOOKS_SIDE, LOOKS_SIDE);
  const values = Float32Array.from(small.filter((_, index) => index % 4 !== 3));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

/** @param {Float32Array} one @param {Float32Array} other @returns {number} correlation; 1 for featureless pictures */
function likenessOf(one, other) {
  let product = 0, first = 0, second = 0;
  for (let index = 0; index < one.length; index++) {
    product += one[index] * other[index];
    first += one[index] ** 2;
    second += other[index] ** 2;
  }
  const length = Math.sqrt(first * second);
  return length > 1 ? product / length : 1;
}
