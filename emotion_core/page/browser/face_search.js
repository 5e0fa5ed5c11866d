/**
 * Faces in a stream of frames: a full search now and then, and in between only near the last positions.
 * @import {Face, Picture} from "./types.js"
 * @import {Detector} from "./detector.js"
 */
import { area, largestFirst, moved, overlap, whole } from "./boxes.js";
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
      this.#searched = seconds;
      return (this.#known = await this.#everywhere(picture));
    }
    if (seconds - this.#searched >= SEARCH_SECONDS) this.#due = { picture, seconds };
    return (this.#known = followed);
  }

  /** Between two frames: search the last one for newcomers, if that is due. They are followed from the next one on. */
  async lookAround() {
    const due = this.#due;
    if (!due) return;
    this.#due = null;
    this.#searched = due.seconds;
    this.#known = await this.#everywhere(due.picture);
  }

  /** @param {Picture} picture */
  async #everywhere(picture) {
    const scale = SIDE / Math.max(picture.width, picture.height);
    if (scale >= 1) return this.detector.detect(picture);
    const [width, height] = [picture.width, picture.height].map((side) => Math.max(whole(side * scale), 1));
    const faces = await this.detector.detect(scaled(picture, width, height));
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
      const seen = await this.detector.detect(scaled(part, CUT_SIDE, CUT_SIDE), true);
      const placed = seen.map((face) => moved(face, reach / CUT_SIDE, x, y));
      if (placed.length !== 1 || overlap(placed[0].box, box) < LEAST_OVERLAP) return null;
      faces.push(placed[0]);
    }
    return largestFirst(faces, picture);
  }
}
