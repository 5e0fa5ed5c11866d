/**
 * The values passed between modules. Coordinates are in pixels of the picture, times in seconds.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Box a rectangle; x and y are its left and top edges
 * @typedef {Uint8ClampedArray<ArrayBuffer> | Uint8Array<ArrayBuffer>} Pixels RGBA, row by row
 * @typedef {{width: number, height: number, data: Pixels}} Picture
 * @typedef {object} Face
 * @property {Box} box
 * @property {Box} crop the square given to the network
 * @property {number} score
 * @property {number} angle in-plane rotation in degrees, clockwise positive
 * @typedef {{face: Face, probabilities: number[], doubts: string[]}} Prediction doubts: why it is hard to see
 * @typedef {{minConfidence: number, minMargin: number, minSide: number}} UncertainRule
 *
 * @typedef {object} FaceAnswer in the same format as a face in the server's answer
 * @property {number} person
 * @property {Box} box
 * @property {number} detection_score
 * @property {string} emotion
 * @property {number} confidence
 * @property {boolean} uncertain
 * @property {string[]} doubts any of "small", "dark", "flat", "blurred" and "faint"
 * @property {Record<string, number>} probabilities smoothed
 * @property {Record<string, number>} raw_probabilities of this frame alone
 * @property {boolean} [held] the network did not see this frame: the expression is an earlier one's
 *
 * @typedef {{time_seconds: number, width: number, height: number, faces: FaceAnswer[]}} FrameAnswer
 * @typedef {{width: number, height: number, faces: {person: number, box: Box}[]}} Places where everyone in a frame is,
 *   known before the expressions are
 *
 * @typedef {object} Label
 * @property {string} name
 * @property {string} colour
 * @property {string} ink
 * @property {string | null} symbol
 *
 * @typedef {object} HandedOut a file on the server, or on the CDN that it names
 * @property {string} url
 * @property {string} integrity in the browser's format: "sha256-" and base64
 *
 * @typedef {object} Network a model that can run in the browser
 * @property {string} name
 * @property {string} title its name on the page
 * @property {HandedOut} file
 * @property {number[]} batch offsets in the file where the batch size is left open
 * @property {Label[]} labels
 * @property {{height: number, width: number, channels: number}} input
 * @property {number} temperature
 * @property {number[]} bias one number per label, or empty
 * @property {UncertainRule} uncertain
 *
 * @typedef {{file: HandedOut, sides: SideMark[]}} Detector
 * @typedef {[offset: number, axis: number, stride: number, more: number]} SideMark
 *
 * @typedef {object} DeviceFiles the files for inference in the browser
 * @property {string} worker the worker's URL
 * @property {string} host "" if the runtime comes from this server, else its host
 * @property {Record<string, HandedOut>} runtime by the names that `device.js` asks for
 * @property {Detector} detector
 * @property {Network[]} networks the server's default first
 * @property {string} first the name of the initial one, which is small
 *
 * @typedef {{entry: string, device: DeviceFiles | null}} Manifest null: no inference in the browser
 */

export {};
