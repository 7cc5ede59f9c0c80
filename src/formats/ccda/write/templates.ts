// Template ids of what we write: C-CDA R2.1 (2015) with templates that its companion guides added. https://www.hl7.org/ccdasearch/
import type { Element } from '#formats/ccda/tree.ts';
import { element } from './xml.ts';

const entry = '2.16.840.1.113883.10.20.22.4';

/** Root and extension, joined by `:`; those without an extension are as R1.1 had them, or newer than its rule for compatible ids. */
const templates = {
	'advance directive': `${entry}.48:2015-08-01`,
	'age observation': `${entry}.31`,
	'allergy concern': `${entry}.30:2015-08-01`,
	'allergy observation': `${entry}.7:2014-06-09`,
	'assessment scale': `${entry}.69`,
	'assessment scale item': `${entry}.86`,
	author: `${entry}.119`,
	'average blood pressure': `${entry}.512:2024-05-01`,
	'birth sex': `${entry}.200:2016-06-01`,
	'care experience preference': `${entry}.509:2024-05-01`,
	'care team': `${entry}.500:2022-06-01`,
	'care team member': `${entry}.500.1:2022-06-01`,
	'care team type': `${entry}.500.2:2019-07-01`,
	coverage: `${entry}.60:2015-08-01`,
	'covered party': `${entry}.89`,
	criticality: `${entry}.145`,
	'discharge medication': `${entry}.35:2016-03-01`,
	'drug vehicle': `${entry}.24`,
	'encounter activity': `${entry}.49:2015-08-01`,
	'encounter diagnosis': `${entry}.80:2015-08-01`,
	'entry reference': `${entry}.122`,
	'family history': `${entry}.45:2015-08-01`,
	'family history death': `${entry}.47`,
	'family history observation': `${entry}.46:2015-08-01`,
	'functional status': `${entry}.67:2014-06-09`,
	'functional status organizer': `${entry}.66:2014-06-09`,
	'gender identity': '2.16.840.1.113883.10.20.34.3.45:2022-06-01',
	goal: `${entry}.121`,
	guarantor: `${entry}.88`,
	'health concern': `${entry}.132:2015-08-01`,
	'hospital admission diagnosis': `${entry}.34:2015-08-01`,
	'hospital discharge diagnosis': `${entry}.33:2015-08-01`,
	'immunization activity': `${entry}.52:2015-08-01`,
	'immunization product': `${entry}.54:2014-06-09`,
	'immunization refusal': `${entry}.53`,
	indication: `${entry}.19:2014-06-09`,
	instruction: `${entry}.20:2014-06-09`,
	intervention: `${entry}.131:2015-08-01`,
	'medication activity': `${entry}.16:2014-06-09`,
	'medication adherence': `${entry}.508:2023-05-01`,
	'medication dispense': `${entry}.18:2014-06-09`,
	'medication product': `${entry}.23:2014-06-09`,
	'medication sig': `${entry}.147`,
	'mental status': `${entry}.74:2015-08-01`,
	'mental status organizer': `${entry}.75:2015-08-01`,
	note: `${entry}.202:2016-11-01`,
	outcome: `${entry}.144`,
	'patient referral': `${entry}.140`,
	'planned intervention': `${entry}.146:2015-08-01`,
	'planned act': `${entry}.39:2014-06-09`,
	'planned encounter': `${entry}.40:2014-06-09`,
	'planned immunization': `${entry}.120`,
	'planned medication': `${entry}.42:2014-06-09`,
	'planned observation': `${entry}.44:2014-06-09`,
	'planned procedure': `${entry}.41:2014-06-09`,
	'planned supply': `${entry}.43:2014-06-09`,
	policy: `${entry}.61:2015-08-01`,
	'policy holder': `${entry}.90`,
	payer: `${entry}.87`,
	pregnancy: '2.16.840.1.113883.10.20.15.3.8',
	'priority preference': `${entry}.143`,
	'problem concern': `${entry}.3:2015-08-01`,
	'problem observation': `${entry}.4:2015-08-01`,
	'problem status': `${entry}.6:2019-06-20`,
	'procedure activity': `${entry}.14:2014-06-09`,
	'product instance': `${entry}.37`,
	reaction: `${entry}.9:2014-06-09`,
	'progress toward goal': `${entry}.110`,
	'result observation': `${entry}.2:2015-08-01`,
	'result organizer': `${entry}.1:2015-08-01`,
	'risk concern': `${entry}.136:2015-08-01`,
	'service location': `${entry}.32`,
	severity: `${entry}.8:2014-06-09`,
	'sexual orientation': `${entry}.501:2022-06-01`,
	sex: `${entry}.507:2023-06-28`,
	'smoking status': `${entry}.78:2014-06-09`,
	'social history': `${entry}.38:2015-08-01`,
	supply: `${entry}.50:2014-06-09`,
	'supply order': `${entry}.17:2014-06-09`,
	'tobacco use': `${entry}.85:2014-06-09`,
	'tribal affiliation': '2.16.840.1.113883.10.20.34.3.48:2022-06-01',
	'treatment preference': `${entry}.510:2024-05-01`,
	'vital sign': `${entry}.27:2014-06-09`,
	'vital signs': `${entry}.26:2015-08-01`,
} as const;

export type TemplateName = keyof typeof templates;

/** Extensions of R2.1 and before it: documents repeat the root without an extension for readers of R1.1 (C-CDA R2.1 volume 1, 4.2.1). */
const compatible = new Set(['2014-06-09', '2015-08-01']);

/** The `templateId` elements of a root and extension. */
export function templateIds(root: string, extension: string | undefined): Element[] {
	const own = element('templateId', { root, extension });
	return extension !== undefined && compatible.has(extension) ? [element('templateId', { root }), own] : [own];
}

/** The `templateId` elements of an entry. */
export function template(name: TemplateName): Element[] {
	const [root, extension] = templates[name].split(':') as [string, string | undefined];
	return templateIds(root, extension);
}
