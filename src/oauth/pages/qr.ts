// A text as a QR code, drawn into the page itself: no image is fetched and no script runs. https://www.iso.org/standard/83389.html
import qrcode from 'qrcode-generator';
import { type Html, html } from './html.ts';

/** Light modules around the code, without which readers do not find it. */
const quiet = 4;

/** The code as an image that says `label` to who cannot see it. */
export function qrImage(text: string, label: string): Html {
	const code = qrcode(0, 'M');
	code.addData(text);
	code.make();
	const size = code.getModuleCount();
	let path = '';
	for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (code.isDark(y, x)) path += `M${x} ${y}h1v1h-1z`;
	const box = `${-quiet} ${-quiet} ${size + 2 * quiet} ${size + 2 * quiet}`;
	return html`<svg class="qr" viewBox="${box}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path d="${path}"/></svg>`;
}
