// The frame of every page, and the answers they are sent in. No page needs a script; passkeys use one small file of our own.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Language, languages, type SignInWords, signInWords } from '#contract/words/words.ts';
import type { Reply } from '#http/route.ts';
import { type Html, html } from './html.ts';

const style = readFileSync(join(import.meta.dirname, 'style.css'));
const script = readFileSync(join(import.meta.dirname, 'passkey.js'));
const tagOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url').slice(0, 16);

/** Files that pages use, by the last part of their path below /account/. The query carries their hash, so they may be kept for ever. */
export const pageFiles: Readonly<Record<string, { readonly type: string; readonly bytes: Buffer; readonly url: string }>> = {
	'style.css': { type: 'text/css; charset=utf-8', bytes: style, url: `/account/style.css?v=${tagOf(style)}` },
	'passkey.js': { type: 'text/javascript; charset=utf-8', bytes: script, url: `/account/passkey.js?v=${tagOf(script)}` },
};

export type Page = {
	readonly language: Language;
	readonly title: string;
	readonly body: Html;
	readonly status?: number;
	/** For tables and lists rather than one form. */
	readonly wide?: boolean;
	/** Beside the name of the site. */
	readonly corner?: Html | undefined;
	/** Loads the script for passkeys. */
	readonly usesPasskeys?: boolean;
	/**
	 * Its forms may lead on to another site (an app that somebody signs in for): browsers apply `form-action` to redirects after a form
	 * was sent, so it has to be left out there.
	 */
	readonly leadsAway?: boolean;
	/** The address of this page, for the links that change its language; none when it cannot be loaded again. */
	readonly self?: string | undefined;
	readonly headers?: Readonly<Record<string, string>>;
};

/** The answer with a whole page. */
export function pageReply(page: Page): Reply {
	return {
		status: page.status ?? 200,
		headers: { ...securityHeaders(page), 'content-type': 'text/html; charset=utf-8', 'content-language': page.language, ...page.headers },
		body: `<!doctype html>\n${frame(page).text}\n`,
	};
}

/** A page with a heading as text, for those who send it themselves with `securityHeaders`. */
export function page(
	{ language }: { readonly language: string },
	{ title, body }: { readonly title: string; readonly body: Html },
): string {
	const framed = { language: language as Language, title, body: html`<section><h1>${title}</h1>${body}</section>` };
	return `<!doctype html>\n${frame(framed).text}\n`;
}

/** Headers of every page: nothing may be loaded but our own files, nobody may frame it, no address of it leaks. */
export function securityHeaders({ leadsAway = false }: { readonly leadsAway?: boolean } = {}): Record<string, string> {
	const policy = ["default-src 'none'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "img-src 'self' data:"];
	policy.push("base-uri 'none'", "frame-ancestors 'none'", ...(leadsAway ? [] : ["form-action 'self'"]));
	return {
		'content-security-policy': policy.join('; '),
		'cache-control': 'no-store',
		// Not no-referrer: browsers then call the origin of our own forms "null".
		'referrer-policy': 'same-origin',
		'x-frame-options': 'DENY',
		// No cross-origin-opener-policy: applications may let people sign in in a window that tells its opener the code.
		'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
	};
}

function frame({ language, title, body, wide, corner, usesPasskeys, self }: Page): Html {
	const words = signInWords[language];
	return html`<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Heron</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${pageFiles['style.css']?.url}">
${usesPasskeys && html`<script src="${pageFiles['passkey.js']?.url}" defer></script>`}
</head>
<body${wide ? html` class="wide"` : html``}>
<a class="skip" href="#content">${words.skip}</a>
<header><strong>Heron</strong> <span>${words.tagline}</span>${corner}</header>
<main id="content" tabindex="-1">
${body}
</main>
<footer>${self !== undefined && languageLinks(self, language)}</footer>
</body>
</html>`;
}

function languageLinks(self: string, present: Language): Html {
	const [path = '', query = ''] = self.split('?');
	const items = (Object.keys(languages) as Language[]).map((language) => {
		if (language === present) return html`<li><span aria-current="true" lang="${language}">${languages[language]}</span></li>`;
		const parameters = new URLSearchParams(query);
		parameters.set('lang', language);
		return html`<li><a lang="${language}" hreflang="${language}" href="${path}?${parameters.toString()}">${languages[language]}</a></li>`;
	});
	return html`<nav aria-label="Language / Idioma"><ul class="languages">${items}</ul></nav>`;
}

/** What went wrong, at the top of a page, where screen readers hear it at once. */
export function errorBox(words: SignInWords, texts: readonly string[]): Html | undefined {
	if (texts.length === 0) return undefined;
	const inner = texts.length === 1 ? html`<p>${texts[0]}</p>` : html`<ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>`;
	return html`<div class="error" role="alert" id="error" aria-label="${words.needsAttention}">${inner}</div>`;
}

export function noticeBox(text: string): Html {
	return html`<div class="notice" role="status"><p>${text}</p></div>`;
}

export type Field = {
	readonly name: string;
	readonly label: string;
	readonly type?: 'text' | 'password' | 'email';
	readonly autocomplete?: string;
	readonly value?: string | undefined;
	readonly hint?: string;
	readonly invalid?: boolean;
	readonly focus?: boolean;
	readonly numeric?: boolean;
	readonly optional?: boolean;
};

/** A labelled field. */
export function field({ name, label, type = 'text', autocomplete = 'off', value, hint, invalid, focus, numeric, optional }: Field): Html {
	const described = [hint === undefined ? '' : `${name}-hint`, invalid ? 'error' : ''].filter((id) => id !== '').join(' ');
	const attributes = [
		described !== '' && html` aria-describedby="${described}"`,
		invalid && html` aria-invalid="true"`,
		focus && html` autofocus`,
		numeric && html` inputmode="numeric"`,
		type !== 'password' && html` autocapitalize="none" spellcheck="false"`,
	];
	return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" value="${value ?? ''}"${!optional && html` required`}${attributes}>
${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}</div>`;
}

export function hidden(name: string, value: string): Html {
	return html`<input type="hidden" name="${name}" value="${value}">`;
}

/** See Other: what a form leads to. */
export function seeOther(to: string, headers: Readonly<Record<string, string>> = {}): Reply {
	return { status: 303, headers: { ...securityHeaders(), location: to, ...headers } };
}

export { type Html, html } from './html.ts';
