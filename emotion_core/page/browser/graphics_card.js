/**
 * The graphics card (WebGPU), used for a network where it gives WebAssembly's answers, and sooner.
 * @import {Network} from "./types.js"
 * @import {RunNetwork} from "./stream.js"
 */
import { calibrated } from "./classifier.js";

/** Networks that take WebAssembly less (ms) are left to it: from a card an answer takes a while to come back. */
const QUICK_MS = 8;
/** Crops that both are tried with, and the largest gap of two probabilities. */
const TRIES = 5, LARGEST_GAP = 0.02;

/** A network on a card. @typedef {{run: RunNetwork, delete: () => void}} OnCard */

/** Whether there is a card, and not only a program that stands in for one. */
export async function hasCard() {
  try {
    const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter();
    return Boolean(adapter) && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter);
  } catch {
    return false;
  }
}

/**
 * The network on the card, or null if that fails, answers differently, or is no faster.
 * @param {RunNetwork} plain the network on WebAssembly
 * @param {() => Promise<OnCard>} compiled
 * @param {Network} network
 * @param {() => Promise<boolean>} [there] whether there is a card
 * @returns {Promise<OnCard | null>}
 */
export async function sooner(plain, compiled, network, there = hasCard) {
  const crops = probes(network.input);
  const first = await timed(plain, crops);
  if (first.milliseconds < QUICK_MS || !(await there())) return null;
  /** @type {OnCard | null} */
  let card = null;
  try {
    card = await compiled();
    await card.run(crops[0]); // makes its programs
    const other = await timed(card.run, crops);
    const alike = gap(first.logits, other.logits, network) <= LARGEST_GAP;
    if (alike && other.milliseconds <= first.milliseconds) return card;
  } catch {
    // As without a card.
  }
  card?.delete();
  return null;
}

/**
 * Runs on the card as long as it works, and on WebAssembly from its first failure on.
 * @param {RunNetwork} plain
 * @param {OnCard | null} card
 * @returns {RunNetwork}
 */
export function withFallback(plain, card) {
  return async (crop) => {
    if (card) {
      try {
        return await card.run(crop);
      } catch {
        card = null; // it may have been taken away, and cannot be tidied up then
      }
    }
    return plain(crop);
  };
}

/** @param {RunNetwork} run @param {Uint8Array<ArrayBuffer>[]} crops */
async function timed(run, crops) {
  const logits = [], times = [];
  for (const crop of crops) {
    const start = performance.now();
    logits.push(await run(crop));
    times.push(performance.now() - start);
  }
  return { logits, milliseconds: times.sort((one, other) => one - other)[times.length >> 1] };
}

/** Crops of every contrast, always the same. @param {Network["input"]} input */
function probes({ height, width, channels }) {
  let state = 1;
  return Array.from({ length: TRIES }, (_, number) =>
    Uint8Array.from({ length: height * width * channels }, () => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return 128 + (((state >> 16) & 255) - 128) * (number / (TRIES - 1));
    }));
}

/** @param {Float32Array[]} first @param {Float32Array[]} other @param {Network} network */
function gap(first, other, network) {
  const gaps = first.flatMap((logits, number) => {
    const expected = calibrated(logits, network);
    return calibrated(other[number], network).map((value, index) => Math.abs(value - expected[index]));
  });
  return gaps.some(Number.isNaN) ? Infinity : Math.max(...gaps);
}
