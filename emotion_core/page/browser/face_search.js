/**
 * Faces in a stream of frames: a full search now and then, and in between only near the last positions.
 * @import {Face, Picture} from "./types.js"
 * @import {Detector} from "./detector.js"
 */
import { area, largestFirst, moved, overlap, whole } from "./boxes.js";
import { resultOf } from "./detector.js";
import { cut, scaled } from "./pixels.js";

/** Side of the cut-out around a known face, relative to the face, and in pixels as given to the detector. */
const REACH = 2.2, CUT_SIDE = 112;
const MOST_FOLLOWED = 4, LEAST_OVERLAP = 0.2;
/** Longest side of the copy on which the whole frame is searched, and seconds between two searches. */
const SIDE = 480, SEARCH_SECONDS = 0.3;

export class FaceSearch {
  #searched = -Infinity;
  /** @type {Face[]} */
  #known = [];
  /** The frame that is still to be searched. @type {{picture: Picture, seconds: number} | null} */
  #due = null;
  /** The search that has begun, unless a later one made it needless. @type {AsyncGenerator<void, Face[]> | null} */
  #looking = null;

  /** @param {Detector} detector */
  constructor(detector) {
    this.detector = detector;
  }

  /**
   * The faces of the next frame, largest first. Known faces that are found again are answered at once: a search
   * that is due then waits for `lookAround`, so that it keeps no frame waiting.
   * @param {Picture} picture
   * @param {number} seconds
   */
  async find(picture, seconds) {
    const followed = this.#known.length <= MOST_FOLLOWED ? await this.#whereTheyWere(picture) : null;
    this.#due = null;
    if (!followed?.length) {
      [this.#searched, this.#looking] = [seconds, null];
      return (this.#known = await resultOf(this.#everywhere(picture)));
    }
    if (seconds - this.#searched >= SEARCH_SECONDS) this.#due = { picture, seconds };
    return (this.#known = followed);
  }

  /**
   * Between two frames: a part of the search for newcomers in the last one, if that is due. When all parts are done,
   * newcomers are followed, and those whom the search did not find no longer are.
   */
  async lookAround() {
    if (!this.#looking) {
      if (!this.#due) return;
      [this.#looking, this.#searched] = [this.#everywhere(this.#due.picture), this.#due.seconds];
      this.#due = null;
    }
    const looking = this.#looking;
    const { done, value } = await looking.next();
    if (this.#looking !== looking || !done) return;
    this.#looking = null;
    if (value) this.#known = renewed(this.#known, value); // there is none after a part that failed
  }

  /** @param {Picture} picture @returns {AsyncGenerator<void, Face[]>} */
  async *#everywhere(picture) {
    const scale = SIDE / Math.max(picture.width, picture.height);
    if (scale >= 1) return yield* this.detector.detect(picture);
    const [width, height] = [picture.width, picture.height].map((side) => Math.max(whole(side * scale), 1));
    const faces = yield* this.detector.detect(scaled(picture, width, height));
    return largestFirst(faces.map((face) => moved(face, 1 / scale)), picture);
  }

  /**
   * Every known face, found again; null if one is lost or another appears next to it.
   * @param {Picture} picture
   * @returns {Promise<Face[] | null>}
   */
  async #whereTheyWere(picture) {
    const faces = [];
    for (const { box } of this.#known) {
      const reach = Math.max(whole(REACH * Math.sqrt(area(box))), 1);
      const x = whole(box.x + (box.width - reach) / 2), y = whole(box.y + (box.height - reach) / 2);
      const part = cut(picture, { x, y, width: reach, height: reach });
      const seen = await this.detector.detectNear(scaled(part, CUT_SIDE, CUT_SIDE, false));
      const placed = seen.map((face) => moved(face, reach / CUT_SIDE, x, y));
      if (placed.length !== 1 || overlap(placed[0].box, box) < LEAST_OVERLAP) return null;
      faces.push(placed[0]);
    }
    return largestFirst(faces, picture);
  }
}

/**
 * The faces that a search found in an earlier frame, each where it was followed to since.
 * @param {Face[]} followed
 * @param {Face[]} found
 * @returns {Face[]}
 */
function renewed(followed, found) {
  const left = [...followed];
  return found.map((face) => {
    const at = left.findIndex(({ box }) => overlap(box, face.box) >= LEAST_OVERLAP);
    return at < 0 ? face : left.splice(at, 1)[0];
  });
}
