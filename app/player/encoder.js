// Makes a file of a film's pictures with the browser's own encoders: H.264 in MP4, VP9 where that is
// refused, VP9 in WebM, and animated WebP.

import { mp4Of } from "./mp4.js";
import { webmOf } from "./webm.js";
import { webpOf } from "./webp.js";

// By the most 16 × 16 blocks that a picture, and that a second may have: ITU-T H.264, table A-1.
const AVC_LEVELS = [
  ["1f", 3600, 108000], ["20", 5120, 216000], ["28", 8192, 245760], ["2a", 8704, 522240],
  ["33", 36864, 983040], ["34", 36864, 2073600],
];
// High, main, baseline.
const AVC_PROFILES = ["64", "4d", "42"];
// By pixels of a picture, and of a second.
const VP9_LEVELS = [
  ["31", 983040, 36864000], ["40", 2228224, 83558400], ["41", 2228224, 160432128],
  ["50", 8912896, 311951360], ["51", 8912896, 588251136], ["52", 8912896, 1176502272],
];
// Bits a second of 30 pictures of 720p.
const BITS = 6e6;
const SECONDS_PER_KEY = 2;
// Pictures that may wait for the encoder.
const WAITING = 4;
const QUALITY = 0.9;

/** Why a film could not be made, in words for a reader. */
export class FilmError extends Error {}

/**
 * The film as a Blob, and a word on it where there is one: { blob, note }.
 *
 * format: "mp4", "webm" or "webp". told(share) is called as it goes on; `signal` stops it, with an AbortError.
 * Raises FilmError.
 */
export function develop(reel, format, signal, told) {
  return format === "webp" ? slides(reel, signal, told)
    : video(reel, format, signal, told);
}

async function video(reel, format, signal, told) {
  const { rate, frames, canvas: { width, height } } = reel;
  const codecs = format === "webm" ? [vp9Of(width, height, rate)] : codecsOf(width, height, rate);
  const config = await configOf(width, height, rate, codecs);
  const film = { width, height, rate, codec: config.codec, pictures: [] };
  const encoder = await encoded(reel, config, (chunk, { decoderConfig } = {}) => {
    const bytes = new Uint8Array(chunk.byteLength);
    chunk.copyTo(bytes);
    film.pictures.push({ bytes, key: chunk.type === "key", time: chunk.timestamp });
    if (!decoderConfig) return;
    film.description = octets(decoderConfig.description);
    film.colors = decoderConfig.colorSpace;
  }, signal, told);
  encoder.close();
  const inOrder = film.pictures.every(({ time }, n) => time === timeOf(n, rate));
  if (film.pictures.length !== frames || !inOrder) {
    throw new FilmError(`The encoder gave ${film.pictures.length} pictures of ${frames}, or in `
      + "another order. Try another size or rate, or WebP.");
  }
  if (format === "webm") return { blob: new Blob(webmOf(film), { type: "video/webm" }), note: "" };
  const note = film.codec.startsWith("avc1") ? ""
    : "This browser does not encode H.264: the film is VP9 in MP4, which some programs do not play; "
      + "more of them play WebM.";
  return { blob: new Blob(mp4Of(film), { type: "video/mp4" }), note };
}

/** Draws and encodes all pictures; gives the encoder. */
async function encoded(reel, config, output, signal, told) {
  const { rate, frames, canvas } = reel;
  let wrong = null;
  const encoder = new VideoEncoder({ output, error: (error) => { wrong = error; } });
  try {
    encoder.configure(config);
    for (let n = 0; n < frames && !wrong; n++) {
      signal.throwIfAborted();
      await reel.draw();
      const picture = new VideoFrame(canvas, { timestamp: timeOf(n, rate), duration: timeOf(1, rate) });
      encoder.encode(picture, { keyFrame: n % (SECONDS_PER_KEY * rate) === 0 });
      picture.close();
      told((n + 1) / frames);
      do await breath(); while (encoder.encodeQueueSize > WAITING && !wrong && !signal.aborted);
    }
    if (!wrong) await encoder.flush();
    signal.throwIfAborted();
  } catch (error) {
    wrong ??= error;
  }
  if (!wrong) return encoder;
  if (encoder.state !== "closed") encoder.close();
  if (signal.aborted) throw signal.reason;
  throw new FilmError(`The browser's encoder ended: ${wrong.message}`);
}

/** Microseconds at which a picture begins. */
function timeOf(n, rate) {
  return Math.round((n * 1e6) / rate);
}

/** The first of the ways to encode such a film that the browser can. */
async function configOf(width, height, rate, codecs) {
  if (!canEncode()) throw new FilmError(noEncoder());
  const bitrate = Math.round(BITS * (width * height / 921600) ** 0.75 * (rate / 30) ** 0.5);
  const alike = { width, height, bitrate, framerate: rate, latencyMode: "quality" };
  for (const codec of codecs) {
    const config = { ...alike, codec, ...(codec.startsWith("avc1") && { avc: { format: "avc" } }) };
    const { supported } = await VideoEncoder.isConfigSupported(config);
    if (supported) return config;
  }
  const which = codecs.length > 1 ? "neither H.264 nor VP9" : "no VP9";
  throw new FilmError(`This browser encodes ${which} of ${width} × ${height} at ${rate} `
    + "pictures a second. Try a smaller size, or WebP.");
}

function codecsOf(width, height, rate) {
  const blocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const level = lowest(AVC_LEVELS, blocks, rate);
  const profiles = AVC_PROFILES.map((profile) => `avc1.${profile}00${level}`);
  return [...profiles, vp9Of(width, height, rate)];
}

function vp9Of(width, height, rate) {
  return `vp09.00.${lowest(VP9_LEVELS, width * height, rate)}.08`;
}

function lowest(levels, size, rate) {
  return levels.find(([, most, second]) => size <= most && size * rate <= second)[0];
}

async function slides(reel, signal, told) {
  const { rate, frames: all, canvas } = reel;
  const frames = [];
  for (let n = 0; n < all; n++) {
    signal.throwIfAborted();
    // Rounded in sum, so that a film is as long as it is to be.
    const ms = Math.round(((n + 1) * 1000) / rate) - Math.round((n * 1000) / rate);
    if (await reel.draw()) frames.push({ bytes: await shotOf(canvas), ms });
    else frames.at(-1).ms += ms;
    told((n + 1) / all);
    await breath();
  }
  const { width, height } = canvas;
  return { blob: new Blob(webpOf({ width, height, frames }), { type: "image/webp" }), note: "" };
}

async function shotOf(canvas) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/webp", QUALITY));
  if (blob?.type !== "image/webp") throw new FilmError("This browser does not write WebP. Try MP4.");
  return new Uint8Array(await blob.arrayBuffer());
}

export function canEncode() {
  return typeof VideoEncoder !== "undefined";
}

/** Why there is no encoder of video. */
export function noEncoder() {
  return isSecureContext ? "This browser does not encode video: it has no WebCodecs."
    : "A browser encodes video on https, localhost and 127.0.0.1 alone, and this page is at "
      + `${location.host}.`;
}

/** Lets the page do what it has to do; also in a tab that nobody looks at, where timers sleep. */
function breath() {
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { port1.close(); go(); };
    port2.postMessage(null);
  });
}

/** What came as a buffer or as a view on a part of one. */
function octets(given) {
  if (!given) return null;
  const { buffer = given, byteOffset = 0, byteLength } = given;
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
