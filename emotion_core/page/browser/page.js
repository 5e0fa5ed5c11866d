/**
 * What the page's scripts use of these modules.
 */
export { Device } from "./device.js";
export { RollingHistory } from "./recent.js";
export { Sources } from "./sources.js";
export { timeline } from "./timeline.js";
