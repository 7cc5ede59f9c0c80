// Panels and analytes of the demo clinic's laboratory, with single LOINC codes and usual reference ranges.
import type { Coded } from '#demo/fhir.ts';

export type Analyte = {
	readonly code: string;
	readonly display: string;
	readonly unit: string;
	readonly mean: number;
	/** Between people who have nothing. */
	readonly spread: number;
	readonly digits: number;
	readonly low?: number;
	readonly high?: number;
};

const analyte = (
	code: string,
	display: string,
	unit: string,
	mean: number,
	spread: number,
	digits: number,
	low?: number,
	high?: number,
): Analyte => ({
	code,
	display,
	unit,
	mean,
	spread,
	digits,
	...(low === undefined ? {} : { low }),
	...(high === undefined ? {} : { high }),
});

export const analytes = {
	glucose: analyte('2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 'mg/dL', 90, 8, 0, 70, 99),
	urea: analyte('3094-0', 'Urea nitrogen [Mass/volume] in Serum or Plasma', 'mg/dL', 14, 3, 0, 7, 20),
	creatinine: analyte('2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'mg/dL', 0.9, 0.12, 2, 0.6, 1.2),
	egfr: analyte(
		'98979-8',
		'Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI 2021)/1.73 sq M',
		'mL/min/{1.73_m2}',
		92,
		8,
		0,
		60,
	),
	sodium: analyte('2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L', 140, 1.8, 0, 136, 145),
	potassium: analyte('2823-3', 'Potassium [Moles/volume] in Serum or Plasma', 'mmol/L', 4.2, 0.3, 1, 3.5, 5.1),
	chloride: analyte('2075-0', 'Chloride [Moles/volume] in Serum or Plasma', 'mmol/L', 102, 2, 0, 98, 107),
	bicarbonate: analyte('2028-9', 'Carbon dioxide, total [Moles/volume] in Serum or Plasma', 'mmol/L', 25, 1.6, 0, 21, 31),
	cholesterol: analyte('2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'mg/dL', 178, 22, 0, undefined, 199),
	hdl: analyte('2085-9', 'Cholesterol in HDL [Mass/volume] in Serum or Plasma', 'mg/dL', 53, 9, 0, 40),
	ldl: analyte('13457-7', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation', 'mg/dL', 102, 17, 0, undefined, 129),
	triglycerides: analyte('2571-8', 'Triglyceride [Mass/volume] in Serum or Plasma', 'mg/dL', 112, 28, 0, undefined, 149),
	a1c: analyte('4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%', 5.3, 0.2, 1, undefined, 5.6),
	microalbumin: analyte('14959-1', 'Microalbumin/Creatinine [Mass Ratio] in Urine', 'mg/g', 9, 4, 0, undefined, 29),
	leukocytes: analyte('6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL', 6.8, 1.3, 1, 4, 11),
	erythrocytes: analyte('789-8', 'Erythrocytes [#/volume] in Blood by Automated count', '10*6/uL', 4.7, 0.3, 2, 4, 5.6),
	hemoglobin: analyte('718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', 14, 0.8, 1, 12, 16.5),
	babyHemoglobin: analyte('718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', 12.2, 0.6, 1, 10.5, 14),
	hematocrit: analyte('4544-3', 'Hematocrit [Volume Fraction] of Blood by Automated count', '%', 42, 2.2, 1, 36, 49),
	mcv: analyte('787-2', 'MCV [Entitic volume] by Automated count', 'fL', 90, 3, 0, 80, 100),
	platelets: analyte('777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL', 255, 45, 0, 150, 400),
	tsh: analyte('3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma', 'm[IU]/L', 2, 0.7, 2, 0.4, 4.5),
	ferritin: analyte('2276-4', 'Ferritin [Mass/volume] in Serum or Plasma', 'ng/mL', 60, 16, 0, 15, 150),
	ntprobnp: analyte(
		'33762-6',
		'Natriuretic peptide.B prohormone N-Terminal [Mass/volume] in Serum or Plasma',
		'pg/mL',
		110,
		30,
		0,
		undefined,
		450,
	),
	psa: analyte('2857-1', 'Prostate specific Ag [Mass/volume] in Serum or Plasma', 'ng/mL', 1.4, 0.6, 1, undefined, 4),
	lead: analyte('77307-7', 'Lead [Mass/volume] in Venous blood', 'ug/dL', 1.1, 0.5, 1, undefined, 3.4),
} as const satisfies Record<string, Analyte>;

export type AnalyteName = keyof typeof analytes;

export type Panel = {
	readonly code: Coded;
	readonly title: string;
	readonly analytes: readonly AnalyteName[];
	readonly specimen: 'serum' | 'blood' | 'urine';
};

export const panels = {
	metabolic: {
		code: ['51990-0', 'Basic metabolic panel - Blood'],
		title: 'Basic metabolic panel',
		analytes: ['glucose', 'urea', 'creatinine', 'egfr', 'sodium', 'potassium', 'chloride', 'bicarbonate'],
		specimen: 'serum',
	},
	lipids: {
		code: ['24331-1', 'Lipid 1996 panel - Serum or Plasma'],
		title: 'Lipid panel',
		analytes: ['cholesterol', 'hdl', 'ldl', 'triglycerides'],
		specimen: 'serum',
	},
	a1c: { code: ['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood'], title: 'Hemoglobin A1c', analytes: ['a1c'], specimen: 'blood' },
	microalbumin: {
		code: ['14959-1', 'Microalbumin/Creatinine [Mass Ratio] in Urine'],
		title: 'Albumin in urine',
		analytes: ['microalbumin'],
		specimen: 'urine',
	},
	bloodcount: {
		code: ['58410-2', 'CBC panel - Blood by Automated count'],
		title: 'Complete blood count',
		analytes: ['leukocytes', 'erythrocytes', 'hemoglobin', 'hematocrit', 'mcv', 'platelets'],
		specimen: 'blood',
	},
	thyroid: {
		code: ['3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma'],
		title: 'Thyroid function',
		analytes: ['tsh'],
		specimen: 'serum',
	},
	iron: { code: ['2276-4', 'Ferritin [Mass/volume] in Serum or Plasma'], title: 'Ferritin', analytes: ['ferritin'], specimen: 'serum' },
	heart: {
		code: ['33762-6', 'Natriuretic peptide.B prohormone N-Terminal [Mass/volume] in Serum or Plasma'],
		title: 'NT-proBNP',
		analytes: ['ntprobnp'],
		specimen: 'serum',
	},
	psa: {
		code: ['2857-1', 'Prostate specific Ag [Mass/volume] in Serum or Plasma'],
		title: 'Prostate specific antigen',
		analytes: ['psa'],
		specimen: 'serum',
	},
	lead: {
		code: ['77307-7', 'Lead [Mass/volume] in Venous blood'],
		title: 'Lead screening',
		analytes: ['lead', 'babyHemoglobin'],
		specimen: 'blood',
	},
} as const satisfies Record<string, Panel>;

export type PanelName = keyof typeof panels;

/** Answers that are words: positive and negative of each test. */
export const wordTests = {
	strep: {
		code: ['78012-2', 'Streptococcus pyogenes Ag [Presence] in Throat by Rapid immunoassay'],
		specimen: ['258529004', 'Throat swab'],
		answer: ['260373001', 'Detected'],
		rapid: true,
	},
	culture: {
		code: ['630-4', 'Bacteria identified in Urine by Culture'],
		specimen: ['122575003', 'Urine specimen'],
		answer: ['112283007', 'Escherichia coli'],
		rapid: false,
	},
	fit: {
		code: ['57905-2', 'Hemoglobin.gastrointestinal [Presence] in Stool by Immunologic method'],
		specimen: ['119339001', 'Stool specimen'],
		answer: ['260415000', 'Not detected'],
		rapid: true,
	},
} as const;
