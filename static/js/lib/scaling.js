// Large photos, made smaller before they are sent: upright, and without what a camera writes about them.

const QUALITY = 0.9;
const LOSSY = ["image/jpeg", "image/webp"];

/**
 * Give a file whose longer side has at most `side` pixels, 0 being any number: the same file where it is small enough
 * already or can't be read here, since the site tells what is wrong with it.
 */
export async function scaledDown(file, side) {
  if (!side) return file;
  const url = URL.createObjectURL(file);
  try {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    // Browsers turn a picture as its camera says before they tell its size or draw it.
    const scale = side / Math.max(picture.naturalWidth, picture.naturalHeight);
    if (scale >= 1 || !drawsTruly()) return file;
    return await written(drawn(picture, scale), file);
  } catch {
    return file;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function drawn(picture, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(picture.naturalHeight * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Write a canvas in the file's own format, without loss where that had none. */
async function written(canvas, file) {
  const type = LOSSY.includes(file.type) ? file.type : "image/png";
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  return blob ? new File([blob], file.name, { type: blob.type }) : file;
}

/** Browsers that hide who they are may give noise instead of what was drawn. */
function drawsTruly() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#1f6fb4";
  context.fillRect(0, 0, 2, 2);
  const pixels = context.getImageData(0, 0, 2, 2).data;
  return pixels.every((value, index) => value === [0x1f, 0x6f, 0xb4, 0xff][index % 4]);
}
