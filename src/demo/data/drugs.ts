// What the demo clinic prescribes: single codes of RxNorm with their displays, and how each is taken.

export type Drug = {
	readonly code: string;
	readonly display: string;
	readonly form: string;
	/** As it stands on the label. */
	readonly sig: string;
	readonly dose: number;
	readonly unit: string;
	readonly route: 'oral' | 'inhaled' | 'skin' | 'injected';
	/** Times in a period of so many days. */
	readonly times: number;
	readonly days: number;
	/** Handed out at once, in units of the dose. */
	readonly amount: number;
	readonly refills: number;
	readonly asNeeded?: true;
};

const tablet = (code: string, display: string, sig: string, times = 1, more: Partial<Drug> = {}): Drug => ({
	code,
	display,
	form: 'tablet',
	sig,
	dose: 1,
	unit: 'tablet',
	route: 'oral',
	times,
	days: 1,
	amount: 90 * times,
	refills: 3,
	...more,
});

const short = { amount: 20, refills: 0 };

export const drugs = {
	lisinopril: tablet('314076', 'lisinopril 10 MG Oral Tablet', 'Take 1 tablet by mouth every morning'),
	lisinopril20: tablet('314077', 'lisinopril 20 MG Oral Tablet', 'Take 1 tablet by mouth every morning'),
	amlodipine: tablet('197361', 'amlodipine 5 MG Oral Tablet', 'Take 1 tablet by mouth every day'),
	hctz: tablet('310798', 'hydrochlorothiazide 25 MG Oral Tablet', 'Take 1 tablet by mouth every morning'),
	metformin: tablet(
		'860975',
		'24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet',
		'Take 1 tablet by mouth twice a day with meals',
		2,
	),
	insulin: tablet(
		'106892',
		'insulin human, isophane 70 UNT/ML / Regular Insulin, Human 30 UNT/ML Injectable Suspension [Humulin]',
		'Inject 14 units under the skin before breakfast and dinner',
		2,
		{ form: 'injection', dose: 14, unit: 'unit', route: 'injected', amount: 1000 },
	),
	atorvastatin: tablet('617310', 'atorvastatin 20 MG Oral Tablet', 'Take 1 tablet by mouth every evening'),
	atorvastatin40: tablet('617311', 'atorvastatin 40 MG Oral Tablet', 'Take 1 tablet by mouth every evening'),
	levothyroxine: tablet('966222', 'levothyroxine sodium 0.075 MG Oral Tablet', 'Take 1 tablet by mouth every morning on an empty stomach'),
	albuterol: tablet(
		'745679',
		'200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
		'Inhale 2 puffs every 4 hours as needed for wheezing',
		6,
		{
			form: 'inhaler',
			dose: 2,
			unit: 'puff',
			route: 'inhaled',
			amount: 200,
			asNeeded: true,
		},
	),
	fluticasone: tablet(
		'895994',
		'120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler',
		'Inhale 2 puffs twice a day, rinse mouth',
		2,
		{
			form: 'inhaler',
			dose: 2,
			unit: 'puff',
			route: 'inhaled',
			amount: 120,
		},
	),
	salmeterol: tablet(
		'896209',
		'60 ACTUAT fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler',
		'Inhale 1 puff twice a day, rinse mouth',
		2,
		{ form: 'inhaler', unit: 'puff', route: 'inhaled', amount: 60 },
	),
	sertraline: tablet('312941', 'sertraline 50 MG Oral Tablet', 'Take 1 tablet by mouth every day'),
	omeprazole: tablet('198051', 'omeprazole 20 MG Delayed Release Oral Capsule', 'Take 1 capsule by mouth 30 minutes before breakfast', 1, {
		form: 'capsule',
		unit: 'capsule',
	}),
	acetaminophen: tablet('313782', 'acetaminophen 325 MG Oral Tablet', 'Take 2 tablets by mouth every 6 hours as needed for pain', 4, {
		dose: 2,
		amount: 100,
		refills: 1,
		asNeeded: true,
	}),
	naproxen: tablet('849574', 'naproxen sodium 220 MG Oral Tablet', 'Take 1 tablet by mouth twice a day as needed with food', 2, {
		amount: 60,
		refills: 1,
		asNeeded: true,
	}),
	ibuprofen: tablet('310965', 'ibuprofen 200 MG Oral Tablet', 'Take 2 tablets by mouth every 8 hours as needed with food', 3, {
		dose: 2,
		...short,
		asNeeded: true,
	}),
	apixaban: tablet('1364445', 'apixaban 5 MG Oral Tablet', 'Take 1 tablet by mouth twice a day', 2),
	metoprolol: tablet('866436', '24 HR metoprolol succinate 50 MG Extended Release Oral Tablet', 'Take 1 tablet by mouth every day'),
	furosemide: tablet('313988', 'furosemide 40 MG Oral Tablet', 'Take 1 tablet by mouth every morning'),
	aspirin: tablet('243670', 'aspirin 81 MG Oral Tablet', 'Take 1 tablet by mouth every day'),
	iron: tablet('310325', 'ferrous sulfate 325 MG Oral Tablet', 'Take 1 tablet by mouth every other day', 1, { days: 2, amount: 45 }),
	loratadine: tablet('311372', 'loratadine 10 MG Oral Tablet', 'Take 1 tablet by mouth every day in allergy season'),
	cetirizine: tablet('1014676', 'cetirizine hydrochloride 5 MG Oral Tablet', 'Take 1 tablet by mouth every evening'),
	alendronate: tablet(
		'904419',
		'alendronic acid 10 MG Oral Tablet',
		'Take 1 tablet by mouth every morning with a full glass of water; stay upright 30 minutes',
	),
	tamsulosin: tablet('863669', 'tamsulosin hydrochloride 0.4 MG Oral Capsule', 'Take 1 capsule by mouth every evening', 1, {
		form: 'capsule',
		unit: 'capsule',
	}),
	donepezil: tablet('997223', 'donepezil hydrochloride 10 MG Oral Tablet', 'Take 1 tablet by mouth at bedtime'),
	hydrocortisone: tablet(
		'106258',
		'hydrocortisone 10 MG/ML Topical Cream',
		'Apply a thin layer to the affected skin twice a day for up to 2 weeks',
		2,
		{
			form: 'cream',
			unit: 'application',
			route: 'skin',
			amount: 30,
			refills: 2,
		},
	),
	amoxicillin: tablet('308182', 'amoxicillin 250 MG Oral Capsule', 'Take 1 capsule by mouth 3 times a day for 10 days', 3, {
		form: 'capsule',
		unit: 'capsule',
		amount: 30,
		refills: 0,
	}),
	penicillin: tablet('834102', 'penicillin V potassium 500 MG Oral Tablet', 'Take 1 tablet by mouth twice a day for 10 days', 2, short),
	nitrofurantoin: tablet(
		'311995',
		'nitrofurantoin, macrocrystals 50 MG Oral Capsule',
		'Take 1 capsule by mouth 4 times a day for 5 days',
		4,
		{
			form: 'capsule',
			unit: 'capsule',
			...short,
		},
	),
	prednisone: tablet('312617', 'prednisone 5 MG Oral Tablet', 'Take 8 tablets by mouth every morning for 5 days', 1, {
		dose: 8,
		amount: 40,
		refills: 0,
	}),
	folic: tablet('310410', 'folic acid 1 MG Oral Tablet', 'Take 1 tablet by mouth every day'),
	epinephrine: tablet(
		'1870230',
		'NDA020800 0.3 ML epinephrine 1 MG/ML Auto-Injector',
		'Inject into the outer thigh at the first sign of anaphylaxis, then call 911',
		1,
		{
			form: 'injection',
			unit: 'injection',
			route: 'injected',
			amount: 2,
			refills: 1,
			asNeeded: true,
		},
	),
	nicotine: tablet('198031', '24 HR nicotine 0.875 MG/HR Transdermal System', 'Apply 1 patch to clean skin every morning', 1, {
		form: 'patch',
		unit: 'patch',
		route: 'skin',
		amount: 28,
		refills: 1,
	}),
	oxycodone: tablet(
		'1049221',
		'acetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet',
		'Take 1 tablet by mouth every 6 hours as needed for severe pain',
		4,
		{
			amount: 12,
			refills: 0,
			asNeeded: true,
		},
	),
} as const satisfies Record<string, Drug>;

export type DrugName = keyof typeof drugs;

/** Those that the clinic keeps itself: what is ordered of them refers to a Medication. */
export const stocked: readonly DrugName[] = [
	'albuterol',
	'amoxicillin',
	'epinephrine',
	'ibuprofen',
	'lisinopril',
	'metformin',
	'sertraline',
];
