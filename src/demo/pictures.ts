// Pictures drawn by arithmetic: stand-ins for films, strips and slides, small and grey, as PNG (https://www.w3.org/TR/png/).
import { crc32, deflateSync } from 'node:zlib';

const width = 160;
const height = 120;

/** How light a point is, 0 to 1; x and y run from 0 to 1. */
type Shade = (x: number, y: number) => number;

const blob = (x: number, y: number, cx: number, cy: number, rx: number, ry: number): number =>
	Math.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2);

const shades = {
	chest: (x, y) => {
		const lungs = blob(x, y, 0.34, 0.5, 0.14, 0.32) + blob(x, y, 0.66, 0.5, 0.14, 0.32);
		const ribs = 0.08 * Math.max(0, Math.sin((y + 0.25 * (x - 0.5) ** 2) * 42));
		const heart = 0.5 * blob(x, y, 0.55, 0.62, 0.1, 0.16);
		return 0.72 - 0.6 * lungs + ribs + heart + 0.2 * blob(x, y, 0.5, 0.5, 0.04, 0.6);
	},
	ankle: (x, y) => {
		const shaft = blob(x, 0, 0.46, 0, 0.09, 1) * (y < 0.62 ? 1 : 0.1) + 0.8 * blob(x, 0, 0.62, 0, 0.04, 1) * (y < 0.7 ? 1 : 0.1);
		return 0.1 + 0.7 * shaft + 0.75 * blob(x, y, 0.5, 0.74, 0.18, 0.1) + 0.6 * blob(x, y, 0.56, 0.9, 0.34, 0.09);
	},
	ecg: (x, y) => {
		const grid = (x * 20) % 1 < 0.06 || (y * 15) % 1 < 0.08 ? 0.82 : 0.97;
		const beat = (x * 5.3 + 0.1 * Math.sin(x * 9)) % 1;
		const wave =
			0.3 * Math.exp(-(((beat - 0.3) / 0.02) ** 2)) -
			0.1 * Math.exp(-(((beat - 0.36) / 0.02) ** 2)) +
			0.07 * Math.exp(-(((beat - 0.62) / 0.07) ** 2));
		return Math.abs(y - 0.6 + wave + 0.01 * Math.sin(x * 180)) < 0.018 ? 0.1 : grid;
	},
	slide: (x, y) => {
		const gland = Math.sin(x * 31 + 3 * Math.sin(y * 11)) * Math.sin(y * 27 + 2 * Math.sin(x * 13));
		return 0.85 - 0.4 * Math.exp(-((gland / 0.25) ** 2));
	},
} as const satisfies Record<string, Shade>;

export type Picture = keyof typeof shades;

const drawn = new Map<Picture, Buffer>();

/** The file; there are only as many as there are names. */
export function pictureOf(name: Picture): Buffer {
	const known = drawn.get(name) ?? draw(shades[name]);
	drawn.set(name, known);
	return known;
}

function draw(shade: Shade): Buffer {
	const rows = Buffer.alloc((width + 1) * height);
	for (let row = 0; row < height; row++) {
		for (let column = 0; column < width; column++) {
			const light = shade(column / width, row / height);
			// Sixteen shades of grey make small files.
			rows[row * (width + 1) + 1 + column] = Math.round(Math.max(0, Math.min(1, light)) * 15) * 17;
		}
	}
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	header[8] = 8;
	const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
	return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
	const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(data.length);
	const sum = Buffer.alloc(4);
	sum.writeUInt32BE(crc32(body));
	return Buffer.concat([length, body, sum]);
}
