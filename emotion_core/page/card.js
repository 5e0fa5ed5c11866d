// An answer as a picture: the photo with its boxes, and a card with the main faces, drawn from what is on screen.
const CARD = { width: 1200, height: 630, most: 4 };

function pictureBlob(image, said) {
  // The photo at full size, with every face's box and caption.
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  const grown = Math.max(1, Math.ceil(480 / Math.max(image.naturalWidth, image.naturalHeight)));
  [canvas.width, canvas.height] = [image.naturalWidth * grown, image.naturalHeight * grown];
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const scale = canvas.width / said.width;
  for (const face of [...said.faces].reverse()) {
    const [x, y, width, height] = [face.box.x, face.box.y, face.box.width, face.box.height].map((it) => it * scale);
    drawBox(pen, { x, y, width, height }, face.colour, face.ink, face.caption);
  }
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}

async function cardBlob(image, said) {
  // For sharing: the annotated photo, and next to it the most confident faces.
  const annotated = await createImageBitmap(await pictureBlob(image, said));
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  [canvas.width, canvas.height] = [CARD.width, CARD.height];
  pen.fillStyle = "#f8fafc";
  pen.fillRect(0, 0, CARD.width, CARD.height);
  const room = { width: 660, height: CARD.height - 80 };
  const scale = Math.min(room.width / annotated.width, room.height / annotated.height);
  const [width, height] = [annotated.width * scale, annotated.height * scale];
  pen.drawImage(annotated, 40 + (room.width - width) / 2, 40 + (room.height - height) / 2, width, height);
  write(pen, said.heading, 740, 84, 34, "700", 420);
  const faces = said.faces.map((face, index) => ({ ...face, index })).sort((one, other) =>
    other.confidence - one.confidence).slice(0, CARD.most).sort((one, other) => one.index - other.index);
  faces.forEach((face, row) => {
    const y = 190 + row * 90;
    write(pen, face.caption, 740, y, 26, "600", 420);
    pen.fillStyle = "#cbd5e1";
    pen.fillRect(740, y + 14, 420, 18);
    pen.fillStyle = face.colour;
    pen.fillRect(740, y + 14, 420 * face.confidence, 18);
  });
  if (said.faces.length > CARD.most) write(pen, `and ${said.faces.length - CARD.most} more`, 740, 556, 22, "400", 420);
  write(pen, "Perceived expressions, not feelings", 740, 598, 20, "400", 420);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function write(pen, words, x, y, size, weight, room) {
  pen.fillStyle = "#0f172a";
  pen.textBaseline = "alphabetic";
  do pen.font = `${weight} ${size}px system-ui, sans-serif`; while (pen.measureText(words).width > room && --size > 12);
  pen.fillText(words, x, y);
}
