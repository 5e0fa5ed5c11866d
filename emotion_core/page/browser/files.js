/**
 * Files served for inference in the browser: checked by hash and cached, so that a second visit fetches
 * nothing.
 * @import {DeviceFiles, HandedOut} from "./types.js"
 */

/** Name of the browser's cache. */
const STORE = "emotion-on-this-device";

/** A file that could not be fetched, with a message for the visitor. */
export class FileError extends Error {}

/**
 * A file's bytes, from the cache or the network.
 * @param {HandedOut} file
 * @param {string} page the page's URL
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytesOf(file, page) {
  const address = new URL(file.url, page).href;
  const store = await globalThis.caches?.open(STORE).catch(() => null);
  const kept = await store?.match(address);
  if (kept) return new Uint8Array(await kept.arrayBuffer());
  /** @type {Response} */
  let answer;
  try {
    // The browser itself checks the hash, and fails on a mismatch.
    answer = await fetch(address, { integrity: file.integrity, credentials: "same-origin" });
  } catch {
    throw new FileError("A file that this needs did not come, or is not the one that was published.");
  }
  if (!answer.ok) throw new FileError(`A file that this needs could not be had (${answer.status}).`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  // If there is no room to store it, it is fetched again next time.
  await store?.put(address, new Response(bytes)).catch(() => {});
  return bytes;
}

/**
 * Delete cached files of earlier server versions.
 * @param {DeviceFiles} wantedFiles
 * @param {string} page
 */
export async function dropOthers(wantedFiles, page) {
  const store = await globalThis.caches?.open(STORE).catch(() => null);
  if (!store) return;
  const { runtime, detector, networks } = wantedFiles;
  const files = [...Object.values(runtime), detector.file, ...networks.map(({ file }) => file)];
  const wanted = new Set(files.map(({ url }) => new URL(url, page).href));
  for (const request of await store.keys()) {
    if (!wanted.has(request.url)) await store.delete(request);
  }
}
