/**
 * Which of a camera's frames to take: one that was not taken yet, and is not old.
 */

/** Longest wait for a frame, in milliseconds; then what is shown is taken. */
const STALLED_MS = 500;
/** Where the browser does not tell of frames. */
const USUAL_MS = 1000 / 30;
/** If the next frame is due sooner than this share of the time between two, it is waited for. */
const SOON = 0.5;

export class CameraFrames {
  /** The last frame that the browser told of. @type {{at: number, shown: number, count: number} | null} */
  #last = null;
  /** Milliseconds between two frames; 0 if not known. */
  #interval = 0;
  /** The first frame after the one that was taken. @type {Promise<unknown>} */
  #next = Promise.resolve();

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
  }

  /**
   * Resolves when the frame that is shown should be taken. An answer to an old frame comes no sooner than one to the
   * next, if that is about to be shown, by more than the wait for it, and is staler by a whole frame.
   */
  async newest() {
    await this.#next;
    const silent = this.#last ? performance.now() - this.#last.at : Infinity;
    if (silent < STALLED_MS && silent % this.#interval > (1 - SOON) * this.#interval) {
      await Promise.race([this.#told(), new Promise((done) => { setTimeout(done, SOON * this.#interval); })]);
    }
    this.#next = this.#told();
  }

  /** The browser's next frame. @returns {Promise<unknown>} */
  #told() {
    return new Promise((done) => {
      setTimeout(done, STALLED_MS);
      const asked = this.video.requestVideoFrameCallback?.((_, frame) => {
        this.#note(frame);
        done(null);
      });
      asked ?? setTimeout(done, USUAL_MS);
    });
  }

  /** @param {VideoFrameCallbackMetadata} frame */
  #note({ presentationTime: shown, presentedFrames: count }) {
    const last = this.#last, frames = last ? count - last.count : 0;
    if (last && frames <= 0) return; // told of already
    if (last) {
      const interval = (shown - last.shown) / frames;
      this.#interval = interval > 0 && interval < STALLED_MS ? interval : 0;
    }
    this.#last = { at: performance.now(), shown, count };
  }
}
