// The page on which a person says which of a patient's visits an app is to work with.
import type { ConsentWords } from '#contract/words/consent.ts';
import type { Reply } from '#http/route.ts';
import type { EncounterEntry, Encounters } from '#oauth/directory.ts';
import { type Html, hidden, html, pageReply } from './page.ts';

export type PickEncounterView = Encounters & {
	readonly app: string;
	readonly patient: string;
	readonly action: string;
	readonly formToken: string;
	/** The address of the page, without its query. */
	readonly self: string;
};

export function pickEncounterPage(words: ConsentWords, view: PickEncounterView): Reply {
	const body = html`<section>
<h1>${words.pickEncounterTitle}</h1>
<p>${words.pickEncounterAsks(view.app, view.patient)}</p>
<form method="post" action="${view.action}">
${hidden('form', view.formToken)}
<ul class="rows">${view.encounters.map((entry) => row(words, entry))}</ul>
${view.encounters.length === 0 && html`<p role="status">${words.noEncounters}</p>`}
<div class="actions">
${link(view.self, view.newer, 'prev', words.newer)}
${link(view.self, view.older, 'next', words.older)}
<button type="submit" name="encounter" value="" class="plain">${words.withoutEncounter}</button>
</div>
</form>
</section>`;
	return pageReply({ language: words.language, title: words.pickEncounterTitle, body, leadsAway: true, self: view.self });
}

function row(words: ConsentWords, entry: EncounterEntry): Html {
	const [time, ...more] = encounterFacts(words, entry);
	return html`<li><button type="submit" name="encounter" value="${entry.id}" class="row"><strong>${time}</strong>${more.map((fact) => html` <span>${fact}</span>`)}</button></li>`;
}

function link(self: string, page: string | undefined, rel: 'prev' | 'next', text: string): Html | false {
	return page !== undefined && html`<a class="button plain" rel="${rel}" href="${self}?page=${encodeURIComponent(page)}">${text}</a>`;
}

/** What tells a visit from others: when, of what kind, where, with whom. */
export function encounterFacts(words: ConsentWords, { start, kind, class: code, place, clinician }: EncounterEntry): string[] {
	const facts = [
		start === undefined ? words.undated : writtenTime(start, words.language),
		kind ?? words.encounters[code ?? ''] ?? words.anyEncounter,
		place,
		clinician,
	];
	return facts.filter((fact) => fact !== undefined);
}

/** A time of the record as people of the language write it: as the clock showed it where it was written down. */
function writtenTime(text: string, language: string): string {
	const [, day, time, zone] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)[\d:.]*(Z)?)?/.exec(text) ?? [];
	// Years and months alone are understood as they are.
	if (day === undefined) return text;
	const style: Intl.DateTimeFormatOptions = {
		dateStyle: 'medium',
		timeZone: 'UTC',
		...(time === undefined ? {} : { timeStyle: 'short' }),
	};
	const written = new Intl.DateTimeFormat(language, style).format(new Date(`${day}T${time ?? '00:00'}Z`));
	return zone === undefined ? written : `${written} UTC`;
}
