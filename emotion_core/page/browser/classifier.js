/**
 * Logits -> calibrated probabilities.
 * @import {Network, UncertainRule} from "./types.js"
 */

/**
 * Softmax of logits divided by the temperature, plus a bias per class if there is one.
 * @param {ArrayLike<number>} logits
 * @param {number} [temperature]
 * @param {number[]} [bias]
 * @returns {number[]} they sum to 1
 */
export function softmax(logits, temperature = 1, bias = []) {
  const scaled = Array.from(logits, (value, index) => value / temperature + (bias[index] ?? 0));
  const most = Math.max(...scaled), powers = scaled.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/**
 * Whether the top probability is low, or barely ahead of the second.
 * @param {number[]} probabilities
 * @param {UncertainRule} rule
 */
export function isUncertain(probabilities, rule) {
  const [first, second] = [...probabilities].sort((one, other) => other - one);
  return first < rule.minConfidence || first - second < rule.minMargin;
}

/** @param {number} value @returns {number} rounded to six decimals, as in the server's answers */
export function exact(value) {
  return Math.round(value * 1e6) / 1e6;
}

/**
 * @param {ArrayLike<number>} logits
 * @param {Network} network
 * @returns {number[]}
 */
export function calibrated(logits, network) {
  return softmax(logits, network.temperature, network.bias).map(exact);
}
