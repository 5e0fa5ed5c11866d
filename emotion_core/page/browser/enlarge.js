/**
 * Enlarging, with the pixels that OpenCV gives on the server.
 */

/** Both roundings of OpenCV's linear interpolation: weights are integers, of which ONE is a whole pixel. */
const ONE = 2048;
/** OpenCV's coefficient of cubic interpolation. */
const A = -0.75;

/** @typedef {Uint8Array<ArrayBufferLike> | Uint8ClampedArray<ArrayBufferLike>} Bytes */
/** @typedef {{width: number, height: number, channels: number}} Size */

/**
 * Linear interpolation in whole numbers.
 * @param {Bytes} data values of `channels` per pixel, row by row
 * @param {Size} from
 * @param {number} toWidth
 * @param {number} toHeight
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function linear(data, { width, height, channels }, toWidth, toHeight) {
  const across = neighbours(width, toWidth, true), down = neighbours(height, toHeight, false);
  const result = new Uint8Array(toWidth * toHeight * channels);
  for (let y = 0, to = 0; y < toHeight; y++) {
    const upper = down.first[y] * width, lower = down.second[y] * width;
    const above = down.share[2 * y], below = down.share[2 * y + 1];
    for (let x = 0; x < toWidth; x++) {
      const left = across.share[2 * x], right = across.share[2 * x + 1];
      let topLeft = (upper + across.first[x]) * channels, topRight = (upper + across.second[x]) * channels;
      let bottomLeft = (lower + across.first[x]) * channels, bottomRight = (lower + across.second[x]) * channels;
      for (let channel = 0; channel < channels; channel++, to++) {
        const top = (data[topLeft++] * left + data[topRight++] * right) >> 4;
        const bottom = (data[bottomLeft++] * left + data[bottomRight++] * right) >> 4;
        result[to] = (((above * top) >> 16) + ((below * bottom) >> 16) + 2) >> 2;
      }
    }
  }
  return result;
}

/**
 * The two pixels that each new one lies between, and their weights.
 * @param {number} from
 * @param {number} to
 * @param {boolean} alone beyond the outermost pixels' centres these count alone; else, as the same pixel twice, they
 * are rounded twice
 */
function neighbours(from, to, alone) {
  const first = new Int32Array(to), second = new Int32Array(to), share = new Int32Array(2 * to);
  for (let place = 0; place < to; place++) {
    const centre = Math.fround(((place + 0.5) * from) / to - 0.5), base = Math.floor(centre);
    const outside = base < 0 || base >= from - 1;
    const part = alone && outside ? 0 : Math.fround(centre - base);
    first[place] = clamp(base, from);
    second[place] = clamp(base + 1, from);
    share[2 * place] = Math.round(ONE * Math.fround(1 - part));
    share[2 * place + 1] = Math.round(ONE * part);
  }
  return { first, second, share };
}

/**
 * Cubic interpolation, in sums of 32 bits: across first, then down.
 * @param {Bytes} data
 * @param {Size} from
 * @param {number} toWidth
 * @param {number} toHeight
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function cubic(data, { width, height, channels }, toWidth, toHeight) {
  const across = fours(width, toWidth), down = fours(height, toHeight), line = toWidth * channels;
  const result = new Uint8Array(toHeight * line), wide = new Float32Array(height * line);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++) {
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = 0;
        for (let step = 4 * x; step < 4 * x + 4; step++) {
          const value = data[(y * width + across.place[step]) * channels + channel];
          sum = Math.fround(sum + Math.fround(value * across.share[step]));
        }
        wide[to] = sum;
      }
    }
  }
  for (let y = 0, to = 0; y < toHeight; y++) {
    for (let index = 0; index < line; index++, to++) {
      let sum = 0;
      for (let step = 4 * y; step < 4 * y + 4; step++) {
        sum = Math.fround(sum + Math.fround(wide[down.place[step] * line + index] * down.share[step]));
      }
      result[to] = clamp(nearest(sum), 256);
    }
  }
  return result;
}

/**
 * The four pixels around each new one, and their weights.
 * @param {number} from
 * @param {number} to
 */
function fours(from, to) {
  const place = new Int32Array(4 * to), share = new Float32Array(4 * to);
  for (let index = 0; index < to; index++) {
    const centre = Math.fround(((index + 0.5) * from) / to - 0.5), base = Math.floor(centre);
    const after = Math.fround(centre - base);
    for (let step = 0; step < 4; step++) {
      place[4 * index + step] = clamp(base - 1 + step, from);
      if (step < 3) share[4 * index + step] = weight(Math.abs(after + 1 - step));
    }
    const [one, two, three] = share.subarray(4 * index, 4 * index + 3);
    share[4 * index + 3] = 1 - one - two - three;
  }
  return { place, share };
}

/** @param {number} distance from a pixel, 0 to 2 */
function weight(distance) {
  if (distance > 1) return ((A * distance - 5 * A) * distance + 8 * A) * distance - 4 * A;
  return ((A + 2) * distance - (A + 3)) * distance * distance + 1;
}

/** A number of 32 bits that is larger than this has no fraction: of two equally near integers it takes the even one. */
const WHOLE = 1.5 * 2 ** 23;

/** @param {number} sum @returns {number} the nearest integer; several times as fast as Math.round */
export function nearest(sum) {
  return (Math.fround(Math.fround(sum) + WHOLE) - WHOLE) | 0;
}

/** @param {number} place @param {number} size @returns {number} from 0 to size - 1 */
export function clamp(place, size) {
  return Math.min(Math.max(place, 0), size - 1);
}
