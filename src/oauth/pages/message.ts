// Pages that only say something: what went wrong, signed out; and the question before signing out.
import type { ConsentWords } from '#contract/words/consent.ts';
import { html, page } from './page.ts';

/** What went wrong, with what the protocol says of it for who provides the app. */
export function errorPage(words: ConsentWords, text: string, detail?: { readonly error: string; readonly description: string | undefined }): string {
	const body = html`<p role="alert">${text}</p>
${detail !== undefined && html`<p><small><code>${detail.error}</code> ${detail.description}</small></p>`}`;
	return page(words, { title: words.errorTitle, body });
}

export function signedOutPage(words: ConsentWords): string {
	return page(words, { title: words.signedOutTitle, body: html`<p role="status">${words.signedOutText}</p>` });
}

export function signOutPage(words: ConsentWords, { action, secret }: { readonly action: string; readonly secret: string }): string {
	const body = html`<p>${words.signOutAsks}</p>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${secret}">
<div class="actions">
<button type="submit" name="logout" value="yes">${words.signOut}</button>
<button type="submit" class="plain">${words.stay}</button>
</div>
</form>`;
	return page(words, { title: words.signOutTitle, body });
}
