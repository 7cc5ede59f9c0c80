// The page on which a person says which patient an app is to work with.
import type { ConsentWords } from '#contract/words/consent.ts';
import type { Reply } from '#http/route.ts';
import { hidden, html, pageReply } from './page.ts';

export type PatientRow = {
	readonly id: string;
	readonly name: string;
	readonly birthDate: string | undefined;
	readonly identifier: string | undefined;
};

export type PickView = {
	readonly app: string;
	readonly action: string;
	readonly formToken: string;
	/** Undefined when there is nothing to search: the few patients of a portal account. */
	readonly searched: string | undefined;
	readonly patients: readonly PatientRow[];
	readonly more: boolean;
	/** The address of the page. */
	readonly self: string;
};

export function pickPatientPage(words: ConsentWords, view: PickView): Reply {
	const body = html`<section>
<h1>${words.pickTitle}</h1>
<p>${words.pickAsks(view.app)}</p>
${
	view.searched !== undefined &&
	html`<form method="get" role="search">
<label for="search">${words.search}</label>
<input id="search" name="search" type="search" value="${view.searched}" maxlength="100" aria-describedby="hint" autofocus>
<small id="hint">${words.searchHint}</small>
<button type="submit">${words.find}</button>
</form>`
}
<form method="post" action="${view.action}">
${hidden('form', view.formToken)}
<ul class="rows">${view.patients.map(
		({ id, name, birthDate, identifier }) =>
			html`<li><button type="submit" name="patient" value="${id}" class="row"><strong>${name}</strong>${birthDate !== undefined && html` <span>${words.born} ${birthDate}</span>`}${identifier !== undefined && html` <span>${identifier}</span>`}</button></li>`,
	)}</ul>
${view.patients.length === 0 && view.searched !== '' && html`<p role="status">${words.none}</p>`}
${view.more && html`<p>${words.more}</p>`}
</form>
</section>`;
	return pageReply({ language: words.language, title: words.pickTitle, body, leadsAway: true, self: view.self });
}
