// The page on which a person lets an app in: what it asks for in plain words, each of it with a box to take away.
import { parseScope } from '#access/scopes.ts';
import type { ConsentWords } from '#contract/words/consent.ts';
import type { Reply } from '#http/route.ts';
import { categories, narrowerOf } from '#oauth/scopes/narrow.ts';
import { apiScopes, contextScopes, identityScopes, lastingScopes } from '#oauth/scopes/scopes.ts';
import { type Html, hidden, html, pageReply } from './page.ts';

export type ConsentView = {
	readonly app: string;
	readonly appUri: string | undefined;
	readonly termsUri: string | undefined;
	readonly policyUri: string | undefined;
	readonly redirectHost: string;
	readonly person: string;
	readonly patient: string | undefined;
	/** The visit that was chosen. */
	readonly encounter: string | undefined;
	readonly scopes: readonly string[];
	/** Where the form goes. */
	readonly action: string;
	readonly formToken: string;
	readonly otherAccount: string;
	/** The address of the page. */
	readonly self: string;
};

export function consentPage(words: ConsentWords, view: ConsentView): Reply {
	const groups = grouped(view.scopes);
	const title = words.title(view.app);
	const body = html`<section>
<h1>${title}</h1>
<p>${words.asks(view.app)}</p>
<ul class="facts">
<li>${words.signedInAs(view.person)} · <a href="${view.otherAccount}">${words.other}</a></li>
${view.patient !== undefined && html`<li>${words.aboutPatient(view.patient)}</li>`}
${view.encounter !== undefined && html`<li>${words.aboutEncounter(view.encounter)}</li>`}
<li>${words.goesTo(view.redirectHost)}</li>
</ul>
${links(words, view)}
<form method="post" action="${view.action}">
${hidden('form', view.formToken)}
${(['identity', 'patient', 'user', 'lasting', 'other'] as const).map(
	(name) =>
		groups[name].length > 0 &&
		html`<fieldset><legend>${words.groups[name]}</legend>${groups[name].map((scope) => box(words, scope))}</fieldset>`,
)}
<div class="actions">
<button type="submit" name="decision" value="allow">${words.allow}</button>
<button type="submit" name="decision" value="deny" class="plain">${words.deny}</button>
</div>
</form>
</section>`;
	return pageReply({ language: words.language, title, body, leadsAway: true, self: view.self });
}

function links(words: ConsentWords, { appUri, termsUri, policyUri }: ConsentView): Html | false {
	const shown = [
		[words.website, appUri],
		[words.terms, termsUri],
		[words.privacy, policyUri],
	].filter((link): link is [string, string] => link[1] !== undefined && /^https?:\/\//.test(link[1]));
	return (
		shown.length > 0 &&
		html`<p>${shown.map(([text, uri]) => html`<a href="${uri}" rel="noopener noreferrer nofollow" target="_blank">${text}</a> `)}<br><small>${words.unverified}</small></p>`
	);
}

type Groups = Record<'identity' | 'patient' | 'user' | 'lasting' | 'other', string[]>;

function grouped(scopes: readonly string[]): Groups {
	const groups: Groups = { identity: [], patient: [], user: [], lasting: [], other: [] };
	for (const scope of scopes) {
		const level = parseScope(scope)?.level;
		if (level === 'patient' || level === 'user') groups[level].push(scope);
		else if ((lastingScopes as readonly string[]).includes(scope)) groups.lasting.push(scope);
		else if ((identityScopes as readonly string[]).includes(scope)) groups.identity.push(scope);
		else if ([...contextScopes, ...apiScopes].includes(scope as never)) groups.other.push(scope);
		else groups.other.push(scope);
	}
	return groups;
}

function box(words: ConsentWords, scope: string): Html {
	const narrower = narrowerOf(scope);
	return html`<div class="choice"><label><input type="checkbox" name="scope" value="${scope}" checked> <span>${inWords(words, scope)}<code>${scope}</code></span></label>${
		narrower.length > 0 &&
		html`<div class="narrower"><small>${words.narrowHint}</small>${narrower.map(
			(one) =>
				html`<label><input type="checkbox" name="scope" value="${one.scope}"> <span>${words.categories[one.category.code] ?? one.category.code}</span></label>`,
		)}</div>`
	}</div>`;
}

/** A scope in plain words, e.g. "Read, add and change: allergies". */
export function inWords(words: ConsentWords, text: string): string {
	const scope = parseScope(text);
	if (scope === undefined) return words.plain[text] ?? text;
	if (scope.operation !== undefined) return scope.operation;
	const { letters, type, query } = scope;
	const { acts } = words;
	const list = [
		...(/[rs]/.test(letters) ? [acts.read] : []),
		...(letters.includes('c') ? [acts.create] : []),
		...(letters.includes('u') ? [acts.update] : []),
		...(letters.includes('d') ? [acts.delete] : []),
	];
	const joined = list.length < 2 ? (list[0] ?? '') : `${list.slice(0, -1).join(', ')} ${acts.and} ${list.at(-1)}`;
	const what = type === '*' ? words.everyType : (words.types[type] ?? type);
	return `${joined[0]?.toUpperCase()}${joined.slice(1)}: ${what}${query === undefined ? '' : ` (${limit(words, type, query)})`}`;
}

function limit(words: ConsentWords, type: string, query: string): string {
	const known = categories[type]?.find(({ system, code }) => query === `category=${system}|${code}` || query === `category=${code}`);
	return known === undefined ? words.limitedTo(query) : (words.categories[known.code] ?? known.code);
}
