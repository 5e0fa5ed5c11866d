/**
 * Calls between the page and its worker, matched by number: one message there, and one back with the answer. Before
 * it, a method may tell the caller what is known already.
 *
 * @typedef {{postMessage: (message: any, options?: StructuredSerializeOptions) => void,
 *   addEventListener: (type: any, listener: (event: any) => void) => void}} Port
 * @typedef {(told: any) => void} Hear
 */

/**
 * Answer the other side's calls; an error is sent as its message. Methods get a function as their last value:
 * what they tell it goes to the caller at once, ahead of the answer.
 * @param {Port} port
 * @param {Record<string, (...values: any[]) => unknown>} methods
 */
export function answerCalls(port, methods) {
  port.addEventListener("message", async ({ data: { number, method, values } }) => {
    const tell = (/** @type {unknown} */ told) => port.postMessage({ number, told });
    try {
      port.postMessage({ number, value: await methods[method](...values, tell) });
    } catch (error) {
      port.postMessage({ number, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

/** How often a caller looks whether anything was heard, in milliseconds; after how many silent looks it gives up. */
const LOOK = 10_000, MOST_SILENT = 12;

/**
 * A function that calls the other side. What the method tells before its answer goes to `hear`.
 *
 * A browser that is short of memory may end a worker without a word: after two minutes of silence all calls fail.
 * Looks are counted, not time, so that a computer that slept is not taken for such a worker.
 * @param {Port} port
 * @returns {(method: string, values?: unknown[], transfer?: Transferable[], hear?: Hear) => Promise<any>}
 */
export function caller(port) {
  let last = 0, silent = 0, watched = false;
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: Error) => void, hear?: Hear}>} */
  const waiting = new Map();
  /** @param {string} message */
  const fail = (message) => {
    for (const { reject } of waiting.values()) reject(new Error(message));
    waiting.clear();
  };
  const look = () => {
    silent += 1;
    if (silent >= MOST_SILENT) fail("The worker does not answer any more. Load the page again.");
    watched = waiting.size > 0;
    if (watched) setTimeout(look, LOOK);
  };
  port.addEventListener("message", ({ data: { number, told, value, error } }) => {
    const one = waiting.get(number);
    silent = 0;
    if (told !== undefined) return one?.hear?.(told);
    waiting.delete(number);
    if (error !== undefined) one?.reject(new Error(error));
    else one?.resolve(value);
  });
  port.addEventListener("error", (event) => fail(event.message || "The worker could not be loaded."));
  return (method, values = [], transfer = [], hear) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject, hear });
      if (!watched) {
        [silent, watched] = [0, true];
        setTimeout(look, LOOK);
      }
      port.postMessage({ number: last, method, values }, { transfer });
    });
}
