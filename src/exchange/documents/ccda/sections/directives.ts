// Advance directives: consents, observations that a document is there, and the documents.
import { type Draft, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { loinc, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { isMade, kindOf } from '#exchange/documents/ccda/observations.ts';
import { author, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Concept, Consent, DocumentReference, Entity, Observation, Period, Reference } from '#exchange/documents/shapes.ts';
import {
	anyHasCode,
	codeWords,
	conceptsWords,
	conceptWords,
	hasCode,
	periodOf,
	periodWords,
	valueWords,
} from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

/** LOINC codes of advance directive documents. */
const documentCodes = [
	'42348-3',
	'45473-6',
	'64298-3',
	'75320-2',
	'81334-5',
	'81336-0',
	'84095-9',
	'86533-7',
	'92664-0',
	'93037-0',
	'104144-1',
];

type Directive = {
	readonly entity: Entity;
	readonly kind: Concept | undefined;
	/** What is directed, where that is coded. */
	readonly content: Concept | undefined;
	readonly words: string;
	readonly state: string;
	readonly period: Period;
	readonly by: Reference | undefined;
	readonly when: string | undefined;
};

export function isDirective({ type, category }: DocumentReference): boolean {
	return hasCode(type, documentCodes) || anyHasCode(category, ['42348-3']);
}

export function advanceDirectives(draft: Draft): Section {
	return tableSection(
		'advance-directives',
		['Directive', 'Content', 'Status', 'When', 'By'],
		directivesOf(draft).map((directive) => {
			const id = rowId('advance-directives', directive.entity);
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(directive.kind) || 'Advance directive'),
					marked(`${id}_value`, directive.words),
					directive.state,
					periodWords(directive.period),
					whoWords(draft, directive.by, directive.entity),
				],
				entry: observation(draft, directive, id),
			};
		}),
	);
}

function directivesOf({ record }: Draft): Directive[] {
	const consents = record
		.list<Consent>('Consent')
		.filter(({ scope, category }) => hasCode(scope, ['adr']) || anyHasCode(category, ['acd', 'dnr', 'polst', 'hcd', '42348-3', '59284-0']))
		.map((consent): Directive => {
			const period = consent.provision?.period ?? (consent.dateTime === undefined ? {} : { start: consent.dateTime });
			return {
				entity: consent,
				kind: consent.category?.[0],
				content: consent.provision?.code?.[0],
				words: conceptsWords(consent.provision?.code),
				state: codeWords(consent.status),
				period,
				by: consent.performer?.[0] ?? consent.organization?.[0],
				when: consent.dateTime,
			};
		});
	const observed = record
		.list<Observation>('Observation')
		.filter((one) => isMade(one) && kindOf(one) === 'advance-directives')
		.map((one): Directive => {
			const { start } = periodOf(one);
			return {
				entity: one,
				kind: one.code,
				content: one.valueCodeableConcept,
				words: valueWords(one),
				state: codeWords(one.status),
				period: start === undefined ? {} : { start },
				by: one.performer?.[0],
				when: one.issued ?? start,
			};
		});
	const documents = record
		.list<DocumentReference>('DocumentReference')
		.filter(isDirective)
		.map((one): Directive => {
			const period = one.context?.period ?? (one.date === undefined ? {} : { start: one.date });
			return {
				entity: one,
				kind: one.type,
				content: undefined,
				words: one.description ?? one.content?.[0]?.attachment?.title ?? '',
				state: codeWords(one.status),
				period,
				by: one.author?.[0],
				when: one.date,
			};
		});
	return [...consents, ...observed, ...documents];
}

function observation(draft: Draft, { entity, kind, content, by, when, period }: Directive, id: string): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('advance directive'),
		ownId(draft, entity, 'directive'),
		element(
			'code',
			fixed('code', snomed, '371538006', 'Advance directive').attributes,
			fixed('translation', loinc, '75320-2', 'Advance directive'),
			content === undefined ? undefined : kindTranslations(kind),
		),
		pointer(id),
		status('completed'),
		interval('effectiveTime', period),
		code('value', content ?? kind, { type: 'CD', reference: content === undefined ? `${id}_name` : `${id}_value` }),
		author(draft, by, when, entity),
	);
}

/** What kind of directive it is, beside the code that the template fixes. */
function kindTranslations(kind: Concept | undefined): Element[] {
	return (kind?.coding ?? [])
		.filter((coding) => coding.code !== '371538006' && coding.code !== '75320-2')
		.map((coding) => code('translation', { coding: [coding] }))
		.filter(({ attributes }) => attributes.code !== undefined)
		.map(({ attributes }) => element('translation', attributes));
}
