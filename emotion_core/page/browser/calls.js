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

/**
 * A function that calls the other side. What the method tells before its answer goes to `hear`.
 * @param {Port} port
 * @returns {(method: string, values?: unknown[], transfer?: Transferable[], hear?: Hear) => Promise<any>}
 */
export function caller(port) {
  let last = 0;
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: Error) => void, hear?: Hear}>} */
  const waiting = new Map();
  /** @param {string} message */
  const fail = (message) => {
    for (const { reject } of waiting.values()) reject(new Error(message));
    waiting.clear();
  };
  port.addEventListener("message", ({ data: { number, told, value, error } }) => {
    const one = waiting.get(number);
    if (told !== undefined) return one?.hear?.(told);
    waiting.delete(number);
    if (error !== undefined) one?.reject(new Error(error));
    else one?.resolve(value);
  });
  port.addEventListener("error", (event) => fail(event.message || "The worker could not be loaded."));
  return (method, values = [], transfer = [], hear) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject, hear });
      port.postMessage({ number: last, method, values }, { transfer });
    });
}
