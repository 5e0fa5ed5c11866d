/**
 * Cutting out and resizing, with the same pixels as OpenCV gives on the server.
 * @import {Box, Picture} from "./types.js"
 */

import { clamp, cubic, linear, nearest } from "./enlarge.js";

/** The weights of input pixels in each output pixel: from `first[i]` on, `count[i]` values of `share`. */
class Shares {
  /**
   * @param {number} from pixels in
   * @param {number} to pixels out, not more
   */
  constructor(from, to) {
    const scale = from / to, most = Math.ceil(scale) + 2;
    this.first = new Int32Array(to);
    this.count = new Int32Array(to);
    this.most = most;
    this.share = new Float32Array(to * most);
    for (let place = 0; place < to; place++) this.#average(place, scale, from);
  }

  /** @param {number} place @param {number} scale @param {number} from */
  #average(place, scale, from) {
    const start = place * scale, end = Math.min(start + scale, from);
    // Slivers of a pixel due to rounding errors are ignored, as in OpenCV.
    const first = Math.floor(start + 1e-3), last = Math.min(Math.ceil(end - 1e-3), from);
    this.first[place] = first;
    this.count[place] = last - first;
    for (let index = first; index < last; index++) {
      const overlap = Math.min(end, index + 1) - Math.max(start, index);
      this.share[place * this.most + index - first] = overlap / (end - start);
    }
  }
}

/**
 * Resize: area averaging when shrinking, interpolation when enlarging.
 * @param {Uint8Array | Uint8ClampedArray} data values of `channels` per pixel, row by row
 * @param {number} width
 * @param {number} height
 * @param {number} channels
 * @param {number} toWidth
 * @param {number} toHeight
 * @param {boolean} [fine] enlarge with cubic interpolation, not linear
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function resized(data, width, height, channels, toWidth, toHeight, fine = false) {
  // The loops below are fast as long as they only ever see one type of array.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (width === toWidth && height === toHeight) return bytes.slice();
  if (width < toWidth || height < toHeight) {
    return (fine ? cubic : linear)(bytes, { width, height, channels }, toWidth, toHeight);
  }
  if (width === 2 * toWidth && height === 2 * toHeight) return halved(bytes, width, channels);
  const across = new Shares(width, toWidth), down = new Shares(height, toHeight);
  const result = new Uint8Array(toWidth * toHeight * channels);
  const row = new Float32Array(width * channels);
  for (let y = 0; y < toHeight; y++) {
    addRows(bytes, down, y, row);
    const to = y * toWidth * channels;
    if (channels === 4) addPixels(row, across, result, to);
    else addValues(row, across, channels, result, to);
  }
  return result;
}

/**
 * A picture of half the sides. OpenCV rounds here in another way than at any other size.
 * @param {Uint8Array<ArrayBufferLike>} data
 * @param {number} width
 * @param {number} channels
 * @returns {Uint8Array<ArrayBuffer>}
 */
function halved(data, width, channels) {
  const result = new Uint8Array(data.length / 4), line = width * channels;
  for (let to = 0, start = 0; start < data.length; start += 2 * line) {
    for (let left = start; left < start + line; left += 2 * channels) {
      for (let at = left; at < left + channels; at++, to++) {
        result[to] = (data[at] + data[at + channels] + data[at + line] + data[at + line + channels] + 2) >> 2;
      }
    }
  }
  return result;
}

/**
 * One row of the result, not yet resized across: its shares of the rows of `data`, added up into `row`.
 * @param {Uint8Array} data
 * @param {Shares} down
 * @param {number} y
 * @param {Float32Array} row
 */
function addRows(data, down, y, row) {
  const { length } = row, count = down.count[y], from = y * down.most, { share } = down;
  let start = down.first[y] * length;
  // Few rows are added at once, so that `row` is written once. Sums are rounded to 32 bits, as in OpenCV.
  const one = share[from], other = share[from + 1];
  if (count === 1) for (let index = 0; index < length; index++) row[index] = one * data[start + index];
  else {
    for (let index = 0, at = start; index < length; index++, at++) {
      row[index] = Math.fround(one * data[at]) + other * data[at + length];
    }
  }
  for (let step = 2; step < count; step++) {
    const more = share[from + step];
    start = (down.first[y] + step) * length;
    for (let index = 0; index < length; index++) row[index] += more * data[start + index];
  }
}

/**
 * A row resized across, for pixels of four values.
 * @param {Float32Array} row
 * @param {Shares} across
 * @param {Uint8Array} result
 * @param {number} to where in `result` it is written
 */
function addPixels(row, { first, count, share, most }, result, to) {
  for (let x = 0; x < first.length; x++, to += 4) {
    const end = x * most + count[x];
    let red = 0, green = 0, blue = 0, alpha = 0;
    for (let step = x * most, at = 4 * first[x]; step < end; step++, at += 4) {
      const part = share[step];
      red += part * row[at];
      green += part * row[at + 1];
      blue += part * row[at + 2];
      alpha += part * row[at + 3];
    }
    result[to] = nearest(red);
    result[to + 1] = nearest(green);
    result[to + 2] = nearest(blue);
    result[to + 3] = nearest(alpha);
  }
}

/**
 * The same for any number of values per pixel.
 * @param {Float32Array} row
 * @param {Shares} across
 * @param {number} channels
 * @param {Uint8Array} result
 * @param {number} to
 */
function addValues(row, { first, count, share, most }, channels, result, to) {
  for (let x = 0; x < first.length; x++) {
    const end = x * most + count[x];
    for (let channel = 0; channel < channels; channel++, to++) {
      let sum = 0;
      for (let step = x * most, at = first[x] * channels + channel; step < end; step++, at += channels) {
        sum += share[step] * row[at];
      }
      result[to] = nearest(sum);
    }
  }
}

/**
 * A picture scaled to the given size.
 * @param {Picture} picture
 * @param {number} width
 * @param {number} height
 * @param {boolean} [fine] enlarged with cubic interpolation, not linear
 * @returns {Picture}
 */
export function scaled(picture, width, height, fine = true) {
  if (width === picture.width && height === picture.height) return picture;
  return { width, height, data: resized(picture.data, picture.width, picture.height, 4, width, height, fine) };
}

/**
 * Cut out a rectangle; edge pixels are repeated beyond the picture's edges.
 * @param {Picture} picture
 * @param {Box} box
 * @returns {Picture}
 */
export function cut(picture, box) {
  const from = new Uint32Array(picture.data.buffer, picture.data.byteOffset, picture.width * picture.height);
  const to = new Uint32Array(box.width * box.height);
  for (let y = 0; y < box.height; y++) {
    const row = clamp(box.y + y, picture.height) * picture.width;
    for (let x = 0; x < box.width; x++) to[y * box.width + x] = from[row + clamp(box.x + x, picture.width)];
  }
  return { width: box.width, height: box.height, data: new Uint8Array(to.buffer) };
}

/**
 * A picture padded with black on the right and below, until its sides are multiples of `multiple`.
 * @param {Picture} picture
 * @param {number} multiple
 * @returns {Picture}
 */
export function padded(picture, multiple) {
  const [width, height] = [picture.width, picture.height].map((side) => Math.ceil(side / multiple) * multiple);
  if (width === picture.width && height === picture.height) return picture;
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < picture.height; y++) {
    data.set(picture.data.subarray(4 * y * picture.width, 4 * (y + 1) * picture.width), 4 * y * width);
  }
  return { width, height, data };
}

/**
 * Grayscale with OpenCV's rounding.
 * @param {ArrayLike<number>} data RGBA, or RGB
 * @param {number} [channels] 4 or 3
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function gray(data, channels = 4) {
  const values = new Uint8Array(data.length / channels);
  for (let pixel = 0, at = 0; pixel < values.length; pixel++, at += channels) {
    values[pixel] = (9798 * data[at] + 19235 * data[at + 1] + 3735 * data[at + 2] + 16384) >> 15;
  }
  return values;
}

/** @param {ArrayLike<number>} data RGBA @returns {Uint8Array<ArrayBuffer>} RGB */
export function rgb(data) {
  const values = new Uint8Array((data.length / 4) * 3);
  for (let pixel = 0; 3 * pixel < values.length; pixel++) {
    for (let channel = 0; channel < 3; channel++) values[3 * pixel + channel] = data[4 * pixel + channel];
  }
  return values;
}
