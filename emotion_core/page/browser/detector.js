/**
 * Faces in a picture, by YuNet.
 * @import {Face, Picture} from "./types.js"
 * @import {Found} from "./yunet.js"
 */
import { largestFirst, whole } from "./boxes.js";
import { padded, scaled } from "./pixels.js";
import { best, decoded } from "./yunet.js";

/** Longest side of the copy on which faces are sought; smaller pictures are enlarged to the second number. */
const LONGEST = 1024, SHORTEST = 256;
const MIN_SCORE = 0.7, MOST_OVERLAP = 0.3, MULTIPLE = 32;
/** Side of a crop in sides of YuNet's box: FER-2013's own framing. */
const MARGIN = 1.1;

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
   * Faces in the picture's pixels, largest first.
   * @param {Picture} picture
   * @param {boolean} [asItIs] whether it has the right size already: a cut around a known face
   * @returns {Promise<Face[]>}
   */
  async detect(picture, asItIs = false) {
    const longest = Math.max(picture.width, picture.height);
    const scale = asItIs ? 1 : Math.min(LONGEST / longest, Math.max(1, SHORTEST / longest));
    const [width, height] = [picture.width, picture.height].map((side) => Math.max(whole(side * scale), 1));
    const sought = padded(scaled(picture, width, height), MULTIPLE);
    const found = decoded(await this.run(sought), sought.width, sought.height, MIN_SCORE);
    return largestFirst(best(found, MOST_OVERLAP).map((one) => faceOf(one, scale)), picture);
  }
}

/** @param {Found} found @param {number} scale @returns {Face} */
function faceOf(found, scale) {
  const [x, y, width, height] = [found.x, found.y, found.width, found.height].map((value) => value / scale);
  const side = Math.max(MARGIN * Math.sqrt(Math.max(width, 1) * Math.max(height, 1)), 1);
  return {
    box: { x: whole(x), y: whole(y), width: Math.max(whole(width), 1), height: Math.max(whole(height), 1) },
    crop: {
      x: whole(x + (width - side) / 2),
      y: whole(y + (height - side) / 2),
      width: whole(side),
      height: whole(side),
    },
    score: Math.min(found.score, 1),
  };
}
