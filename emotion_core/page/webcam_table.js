// The webcam's answers as a table to save, for webcam.js: a row per face and frame that the network has seen.
const MOST_ROWS = 20_000;

class StreamTable {
  rows = [];
  names = [];
  next = null;

  begin(names) {
    // A new stream; names: of the labels. The last stream's rows stay until there are new ones.
    this.next = names;
  }

  note(frame, seconds) {
    // Add the faces of a frame whose expressions are of it; the oldest rows are dropped when there are too many.
    if (this.next && frame.faces.length) [this.rows, this.names, this.next] = [[], this.next, null];
    for (const face of frame.faces.filter(({ held }) => !held)) {
      const { x, y, width, height } = face.box, probabilities = this.names.map((name) => face.probabilities[name]);
      const answer = [seconds.toFixed(3), face.person, face.emotion, face.confidence, face.uncertain];
      this.rows.push([...answer, x, y, width, height, face.detection_score ?? "", ...probabilities]);
    }
    if (this.rows.length > MOST_ROWS) this.rows.splice(0, this.rows.length - MOST_ROWS);
  }

  csv() {
    // Labels come from bundles, so prefix anything a spreadsheet would run as a formula with an apostrophe.
    const inert = (value) => (typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
    const quoted = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
    const answer = ["time_seconds", "person", "emotion", "confidence", "uncertain"];
    const place = ["x", "y", "width", "height", "detection_score"];
    const rows = [[...answer, ...place, ...this.names], ...this.rows];
    const lines = rows.map((row) => row.map(inert).map(quoted).join(","));
    return new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" });
  }
}
