// Writes an MP4 of one track of pictures, each shown for as long as any other: ISO/IEC 14496-12, and
// -15 of H.264; of VP9 as its "Codec ISO Media File Format Binding" has it. What a player needs to know comes before
// the pictures, which lie one after another in the order in which they are shown.

// In units of which a second has so many: of what a picture takes, any rate has a whole number.
const UNITS = 1000;
// As WebCodecs calls them, by the numbers of ISO/IEC 23091-2.
const PRIMARIES = { bt709: 1, bt470bg: 5, smpte170m: 6, bt2020: 9 };
const TRANSFERS = { bt709: 1, smpte170m: 6, linear: 8, "iec61966-2-1": 13 };
const MATRICES = { rgb: 0, bt709: 1, bt470bg: 5, smpte170m: 6, "bt2020-ncl": 9 };
const UNITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/**
 * The parts of the file, in their order.
 *
 * film: `width` and `height` in pixels, `rate` in pictures a second, `codec` as WebCodecs names it,
 * `description` what an H.264 encoder says of its stream (avcC), `colors` the stream's colour space,
 * and `pictures` [{ bytes, key }], of which `key` says that it can be shown without the others.
 */
export function mp4Of(film) {
  const kind = box("ftyp", text("isom"), u32(512), text("isomiso2mp41"));
  // The head is as long whatever it says of where pictures begin.
  const begin = kind.length + head(film, 0).length + 8;
  const size = film.pictures.reduce((sum, { bytes }) => sum + bytes.length, 8);
  const pictures = film.pictures.map(({ bytes }) => bytes);
  return [kind, head(film, begin), u32(size), text("mdat"), ...pictures];
}

function head(film, begin) {
  const { rate, width, height, pictures } = film;
  const [scale, long] = [u32(UNITS * rate), u32(UNITS * pictures.length)];
  const movie = full("mvhd", 0, 0, u32(0, 0), scale, long, u32(0x10000), u16(0x100, 0),
    u32(0, 0, ...UNITY, 0, 0, 0, 0, 0, 0, 2));
  // Enabled, in the movie, and in what is shown of it beforehand.
  const track = full("tkhd", 0, 7, u32(0, 0, 1, 0), long, u32(0, 0), u16(0, 0, 0, 0),
    u32(...UNITY, width * 0x10000, height * 0x10000));
  const und = u16(0x55c4, 0);
  const media = box("mdia",
    full("mdhd", 0, 0, u32(0, 0), scale, long, und),
    full("hdlr", 0, 0, u32(0), text("vide"), u32(0, 0, 0), text("pictures\0")),
    box("minf", full("vmhd", 0, 1, u16(0, 0, 0, 0)), box("dinf", here()), table(film, begin)));
  return box("moov", movie, box("trak", track, media));
}

/** That the pictures are in this very file. */
function here() {
  return full("dref", 0, 0, u32(1), full("url ", 0, 1));
}

/** Where each picture lies, how long it is and how long it is shown. */
function table(film, begin) {
  const { pictures } = film;
  const keys = pictures.flatMap(({ key }, n) => (key ? [n + 1] : []));
  const sizes = pictures.map(({ bytes }) => bytes.length);
  return box("stbl",
    full("stsd", 0, 0, u32(1), entry(film)),
    full("stts", 0, 0, u32(1, pictures.length, UNITS)),
    full("stss", 0, 0, u32(keys.length, ...keys)),
    full("stsc", 0, 0, u32(1, 1, pictures.length, 1)),
    full("stsz", 0, 0, u32(0, sizes.length, ...sizes)),
    full("stco", 0, 0, u32(1, begin)));
}

/** How the pictures are encoded. */
function entry({ width, height, codec, description, colors }) {
  const look = [u32(0), u16(0, 1), u32(0, 0, 0, 0), u16(width, height), u32(0x480000, 0x480000, 0),
    u16(1), new Uint8Array(32), u16(0x18, 0xffff)];
  const color = colors ? [box("colr", text("nclx"), u16(...codedColors(colors)),
    u8(colors.fullRange ? 0x80 : 0))] : [];
  if (codec.startsWith("avc1")) return box("avc1", ...look, box("avcC", description), ...color);
  const [profile, level, depth] = codec.split(".").slice(1).map(Number);
  // 4:2:0, whose colours lie where its lights do.
  const kind = (depth << 4) | (1 << 1) | (colors?.fullRange ? 1 : 0);
  const told = full("vpcC", 1, 0, u8(profile, level, kind, ...codedColors(colors ?? {})), u16(0));
  return box("vp09", ...look, told, ...color);
}

/** A colour space by numbers; 2 where nothing is said of it. */
export function codedColors({ primaries, transfer, matrix }) {
  return [PRIMARIES[primaries] ?? 2, TRANSFERS[transfer] ?? 2, MATRICES[matrix] ?? 2];
}

function box(name, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of [u32(size), text(name), ...parts]) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function full(name, version, flags, ...parts) {
  return box(name, u32(version * 0x1000000 + flags), ...parts);
}

function text(letters) {
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

function u8(...numbers) {
  return Uint8Array.from(numbers);
}

function u16(...numbers) {
  return Uint8Array.from(numbers.flatMap((number) => [number >>> 8, number]));
}

function u32(...numbers) {
  const octets = (number) => [number >>> 24, number >>> 16, number >>> 8, number];
  return Uint8Array.from(numbers.flatMap(octets));
}
