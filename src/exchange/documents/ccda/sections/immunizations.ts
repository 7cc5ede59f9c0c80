// Immunizations, also those that were refused.
import { type Draft, latestFirst, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { indications, related, status } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author, organization, performer, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Immunization, Party } from '#exchange/documents/shapes.ts';
import { codeWords, conceptWords, measureWords, notesWords, periodOf, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, nothing, quantity, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

const cvx = 'http://hl7.org/fhir/sid/cvx';
const routes = 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl';
const reasons = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

export function immunizations(draft: Draft): Section {
	const all = draft.record.list<Immunization>('Immunization');
	return tableSection(
		'immunizations',
		['Vaccine', 'Date', 'Status', 'Reason', 'Dose', 'Dose number', 'Route', 'Site', 'Lot', 'Manufacturer', 'Given by', 'Notes'],
		latestFirst(all, (one) => periodOf(one).start).map((immunization) => {
			const id = rowId('immunizations', immunization);
			const maker = immunization.manufacturer;
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(immunization.vaccineCode)),
					whenWords(immunization) || (immunization.occurrenceString ?? ''),
					codeWords(immunization.status),
					conceptWords(immunization.statusReason),
					measureWords(immunization.doseQuantity),
					doseNumber(immunization),
					conceptWords(immunization.route),
					conceptWords(immunization.site),
					immunization.lotNumber,
					whoWords(draft, maker, immunization),
					(immunization.performer ?? []).map(({ actor }) => whoWords(draft, actor, immunization)).join(', '),
					notesWords(immunization.note),
				],
				entry: activity(draft, immunization, id),
			};
		}),
	);
}

function doseNumber({ protocolApplied }: Immunization): string {
	const [first] = protocolApplied ?? [];
	return first?.doseNumberString ?? (first?.doseNumberPositiveInt === undefined ? '' : String(first.doseNumberPositiveInt));
}

function activity(draft: Draft, immunization: Immunization, id: string): Element {
	const isRefused = immunization.status === 'not-done';
	const number = doseNumber(immunization);
	const maker = draft.record.find<Party>(immunization.manufacturer, immunization);
	const { manufacturer } = immunization;
	return element(
		'substanceAdministration',
		{ classCode: 'SBADM', moodCode: 'EVN', negationInd: isRefused ? 'true' : 'false' },
		template('immunization activity'),
		ownId(draft, immunization),
		keptConcepts(immunization, 'statement-code')
			.slice(0, 1)
			.map((one) => code('code', one)),
		pointer(id),
		status('completed'),
		time('effectiveTime', periodOf(immunization).start),
		/^\d+$/.test(number) ? element('repeatNumber', { value: number }) : undefined,
		immunization.route === undefined ? undefined : code('routeCode', immunization.route, { systems: [routes], only: true }),
		immunization.site === undefined ? undefined : code('approachSiteCode', immunization.site),
		immunization.doseQuantity === undefined ? nothing('doseQuantity') : quantity('doseQuantity', immunization.doseQuantity),
		element(
			'consumable',
			{},
			element(
				'manufacturedProduct',
				{ classCode: 'MANU' },
				template('immunization product'),
				element(
					'manufacturedMaterial',
					{},
					code('code', immunization.vaccineCode, { systems: [cvx], only: true, reference: `${id}_name` }),
					immunization.lotNumber === undefined ? nothing('lotNumberText') : element('lotNumberText', {}, immunization.lotNumber),
				),
				manufacturer === undefined ? undefined : organization(draft, 'manufacturerOrganization', maker, manufacturer.display),
			),
		),
		(immunization.performer ?? []).map(({ actor }) => performer(draft, actor, immunization)).slice(0, 1),
		author(draft, immunization.performer?.[0]?.actor, immunization.recorded, immunization),
		kept(immunization, 'administration-unit', 'instruction', 'detail'),
		indications(draft, immunization).map((reason) => related('RSON', reason)),
		isRefused || immunization.statusReason !== undefined ? related('RSON', refusal(draft, immunization)) : undefined,
	);
}

function refusal(draft: Draft, immunization: Immunization): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('immunization refusal'),
		ownId(draft, immunization, 'refusal'),
		code('code', immunization.statusReason, { systems: [reasons], only: true }),
		status('completed'),
	);
}
