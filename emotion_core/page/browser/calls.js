/**
 * Calls between the page and its worker: one message each way, matched by number.
 *
 * @typedef {{postMessage: (message: any, options?: StructuredSerializeOptions) => void,
 *   addEventListener: (type: any, listener: (event: any) => void) => void}} Port
 */

/**
 * Answer the other side's calls; an error is sent as its message.
 * @param {Port} port
 * @param {Record<string, (...values: any[]) => unknown>} methods
 */
export function answerCalls(port, methods) {
  port.addEventListener("message", async ({ data: { number, method, values } }) => {
    try {
      port.postMessage({ number, value: await methods[method](...values) });
    } catch (error) {
      port.postMessage({ number, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

/**
 * A function that calls the other side.
 * @param {Port} port
 * @returns {(method: string, values?: unknown[], transfer?: Transferable[]) => Promise<any>}
 */
export function caller(port) {
  let last = 0;
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  /** @param {string} message */
  const fail = (message) => {
    for (const { reject } of waiting.values()) reject(new Error(message));
    waiting.clear();
  };
  port.addEventListener("message", ({ data: { number, value, error } }) => {
    const one = waiting.get(number);
    waiting.delete(number);
    if (error !== undefined) one?.reject(new Error(error));
    else one?.resolve(value);
  });
  port.addEventListener("error", (event) => fail(event.message || "The worker could not be loaded."));
  return (method, values = [], transfer = []) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      port.postMessage({ number: last, method, values }, { transfer });
    });
}
