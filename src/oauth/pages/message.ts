// Pages that only say something: what went wrong, signed out; and the question before signing out.
import type { ConsentWords } from '#contract/words/consent.ts';
import type { Reply } from '#http/route.ts';
import { type Html, hidden, html, pageReply } from './page.ts';

/** What went wrong, with what the protocol says of it for who provides the app. */
export function errorPage(
	words: ConsentWords,
	text: string,
	detail?: { readonly error: string; readonly description: string | undefined },
): Reply {
	const body = html`<p role="alert">${text}</p>
${detail !== undefined && html`<p><small><code>${detail.error}</code> ${detail.description}</small></p>`}`;
	return message(words, words.errorTitle, body, 400);
}

export function signedOutPage(words: ConsentWords): Reply {
	return message(words, words.signedOutTitle, html`<p role="status">${words.signedOutText}</p>`);
}

export function signOutPage(words: ConsentWords, { action, secret }: { readonly action: string; readonly secret: string }): Reply {
	const body = html`<p>${words.signOutAsks}</p>
<form method="post" action="${action}">
${hidden('xsrf', secret)}
<div class="actions">
<button type="submit" name="logout" value="yes">${words.signOut}</button>
<button type="submit" class="plain">${words.stay}</button>
</div>
</form>`;
	return message(words, words.signOutTitle, body);
}

function message({ language }: ConsentWords, title: string, body: Html, status = 200): Reply {
	return pageReply({ language, title, status, leadsAway: true, body: html`<section><h1>${title}</h1>${body}</section>` });
}
