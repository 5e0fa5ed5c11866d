/**
 * The values that the modules hand to each other. Pixels are the picture's own, seconds are seconds.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Box a rectangle; x and y are its left and top edges
 * @typedef {Uint8ClampedArray<ArrayBuffer> | Uint8Array<ArrayBuffer>} Pixels RGBA, row by row
 * @typedef {{width: number, height: number, data: Pixels}} Picture
 * @typedef {object} Face
 * @property {Box} box
 * @property {Box} crop the square that the network is shown
 * @property {number} score
 * @property {number} angle how far it is turned, in degrees, clockwise positive
 * @typedef {{face: Face, probabilities: number[], doubts: string[]}} Prediction doubts: why it is hard to see
 * @typedef {{minConfidence: number, minMargin: number, minSide: number}} UncertainRule
 *
 * @typedef {object} FaceAnswer what the server's answer calls a face, too
 * @property {number} person
 * @property {Box} box
 * @property {number} detection_score
 * @property {string} emotion
 * @property {number} confidence
 * @property {boolean} uncertain
 * @property {string[]} doubts any of "small", "dark", "flat", "blurred" and "faint"
 * @property {Record<string, number>} probabilities smoothed
 * @property {Record<string, number>} raw_probabilities of this frame alone
 *
 * @typedef {{time_seconds: number, width: number, height: number, faces: FaceAnswer[]}} FrameAnswer
 *
 * @typedef {object} Label
 * @property {string} name
 * @property {string} colour
 * @property {string} ink
 * @property {string | null} symbol
 *
 * @typedef {object} HandedOut a file of the server, or of the public network that it names
 * @property {string} url
 * @property {string} integrity as browsers want it: "sha256-" and base64
 *
 * @typedef {object} Network a model that can answer here
 * @property {string} name
 * @property {string} title what the page calls it
 * @property {HandedOut} file
 * @property {number[]} batch where in the file the size of the batch is left open
 * @property {Label[]} labels
 * @property {{height: number, width: number, channels: number}} input
 * @property {number} temperature
 * @property {number[]} bias one number a label, or none
 * @property {UncertainRule} uncertain
 *
 * @typedef {{file: HandedOut, sides: SideMark[]}} Detector
 * @typedef {[offset: number, axis: number, stride: number, more: number]} SideMark
 *
 * @typedef {object} DeviceFiles what the server hands out for inference in the browser
 * @property {string} worker the worker's address
 * @property {string} host "" when the runtime comes from this server, else whose it is
 * @property {Record<string, HandedOut>} runtime by the names that `runtime.js` asks for
 * @property {Detector} detector
 * @property {Network[]} networks the server's default first
 * @property {string} first the name of the one to begin with: a small one
 *
 * @typedef {{entry: string, device: DeviceFiles | null}} Manifest null: browsers cannot answer by themselves here
 */

export {};
