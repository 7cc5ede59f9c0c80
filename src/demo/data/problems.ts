// Long-lasting problems of the demo clinic's patients: what explains what they take, how their results move, and what is said at visits.
import type { Coded } from '#demo/fhir.ts';
import type { Trait } from '#demo/people.ts';
import type { DrugName } from './drugs.ts';
import type { AnalyteName, PanelName } from './laboratory.ts';

/** What a problem does to a result: how far it is off when found, what treatment leaves of that, and what every year adds. */
export type Effect = { readonly peak: number; readonly left: number; readonly drift?: number };

/** What somebody wants a value to fall below: a number, or so much more or less than the person weighs. */
export type Target = { readonly measure: Coded; readonly unit: string } & (
	| { readonly below: number }
	| { readonly ofWeight: (kg: number) => number }
);

export type Problem = {
	readonly key: string;
	readonly snomed: Coded;
	readonly icd10: Coded;
	/** Youngest and oldest age at which it is found. */
	readonly ages: readonly [number, number];
	readonly sex?: 'female' | 'male';
	/** How likely one of that age has it. */
	readonly rate: number;
	/** These people have it for certain. */
	readonly traits?: readonly Trait[];
	/** These do not have it: they could not take what helps. */
	readonly notFor?: readonly Trait[];
	/** What is taken from the start, and what is added so many years later. */
	readonly drugs: readonly (readonly [drug: DrugName, years: number])[];
	readonly panels: readonly PanelName[];
	readonly effects?: Partial<Record<AnalyteName | 'systolic' | 'diastolic' | 'bmi' | 'pulse' | 'saturation', Effect>>;
	readonly monthsBetweenVisits: number;
	/** It is over after so many years. */
	readonly lasts?: number;
	readonly goal?: { readonly text: string; readonly target?: Target };
	/** Lines of the assessment and plan, and of the care plan. */
	readonly plan: string;
	readonly says: readonly string[];
};

export const problems: readonly Problem[] = [
	{
		key: 'hypertension',
		snomed: ['59621000', 'Essential hypertension'],
		icd10: ['I10', 'Essential (primary) hypertension'],
		ages: [38, 68],
		rate: 0.35,
		traits: ['heart', 'diabetes', 'kidney', 'lungs'],
		drugs: [
			['lisinopril', 0],
			['amlodipine', 2],
			['hctz', 5],
		],
		panels: ['metabolic'],
		effects: { systolic: { peak: 34, left: 0.25 }, diastolic: { peak: 18, left: 0.25 } },
		monthsBetweenVisits: 6,
		goal: {
			text: 'Systolic blood pressure below 130 mmHg',
			target: { measure: ['8480-6', 'Systolic blood pressure'], below: 130, unit: 'mm[Hg]' },
		},
		plan: 'Continue present medicines. Home blood pressure twice a week. Less than 2 g of sodium a day.',
		says: [
			'checks blood pressure at home, mostly in the 120s and 130s',
			'takes blood pressure medicine every morning and feels no dizziness',
		],
	},
	{
		key: 'diabetes',
		snomed: ['44054006', 'Diabetes mellitus type 2'],
		icd10: ['E11.9', 'Type 2 diabetes mellitus without complications'],
		ages: [42, 62],
		rate: 0.1,
		traits: ['diabetes'],
		drugs: [
			['metformin', 0],
			['insulin', 8],
		],
		panels: ['a1c', 'metabolic', 'microalbumin'],
		effects: {
			a1c: { peak: 3.4, left: 0.45, drift: 0.03 },
			glucose: { peak: 85, left: 0.45 },
			microalbumin: { peak: 14, left: 1, drift: 4 },
		},
		monthsBetweenVisits: 4,
		goal: {
			text: 'Hemoglobin A1c below 7 percent',
			target: { measure: ['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood'], below: 7, unit: '%' },
		},
		plan: 'Continue metformin with meals. Eye examination every year, feet at each visit. A1c in three to four months.',
		says: ['fasting sugars mostly between 110 and 150', 'walks after dinner and has cut down on soda', 'feet feel normal, no sores'],
	},
	{
		key: 'cholesterol',
		snomed: ['55822004', 'Hyperlipidemia'],
		icd10: ['E78.5', 'Hyperlipidemia, unspecified'],
		ages: [40, 66],
		rate: 0.32,
		traits: ['heart', 'diabetes'],
		drugs: [
			['atorvastatin', 0],
			['atorvastatin40', 4],
		],
		panels: ['lipids'],
		effects: { ldl: { peak: 62, left: 0.15 }, triglycerides: { peak: 70, left: 0.45 } },
		monthsBetweenVisits: 12,
		goal: {
			text: 'LDL cholesterol below 100 mg/dL',
			target: {
				measure: ['13457-7', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation'],
				below: 100,
				unit: 'mg/dL',
			},
		},
		plan: 'Continue the statin. Lipid panel once a year. Diet rich in vegetables, fish and whole grain.',
		says: ['no muscle aches with the statin', 'eats out less than before'],
	},
	{
		key: 'kidney',
		snomed: ['433144002', 'Chronic kidney disease stage 3'],
		icd10: ['N18.30', 'Chronic kidney disease, stage 3 unspecified'],
		ages: [58, 72],
		rate: 0.03,
		traits: ['kidney'],
		drugs: [],
		panels: ['metabolic', 'microalbumin', 'bloodcount'],
		effects: {
			creatinine: { peak: 0.45, left: 1, drift: 0.015 },
			urea: { peak: 9, left: 1, drift: 0.3 },
		},
		monthsBetweenVisits: 6,
		plan: 'Avoid NSAIDs. Keep blood pressure at goal. Renal function twice a year; nephrology below an eGFR of 30.',
		says: ['no swelling of the legs, urine as usual'],
	},
	{
		key: 'asthma',
		snomed: ['195967001', 'Asthma'],
		icd10: ['J45.909', 'Unspecified asthma, uncomplicated'],
		ages: [3, 30],
		rate: 0.08,
		traits: ['asthma'],
		drugs: [
			['albuterol', 0],
			['fluticasone', 0.5],
		],
		panels: [],
		monthsBetweenVisits: 6,
		goal: { text: 'Rescue inhaler no more than twice a week' },
		plan: 'Controller inhaler every day with a spacer, rescue inhaler before exercise and for wheezing. Written action plan given.',
		says: ['uses the rescue inhaler about once a week', 'no nights with cough this month', 'wheezed after gym class twice'],
	},
	{
		key: 'depression',
		lasts: 9,
		snomed: ['370143000', 'Major depressive disorder'],
		icd10: ['F32.A', 'Depression, unspecified'],
		ages: [19, 55],
		rate: 0.09,
		traits: ['mood'],
		drugs: [['sertraline', 0]],
		panels: [],
		monthsBetweenVisits: 4,
		goal: { text: 'Sleeps seven hours and meets friends every week' },
		plan: 'Continue sertraline. Counseling with Marcus Webb every two weeks. Safety plan reviewed; 988 explained.',
		says: ['mood is better than in the winter, still tired in the morning', 'enjoys work again', 'no thoughts of self-harm'],
	},
	{
		key: 'thyroid',
		snomed: ['40930008', 'Hypothyroidism'],
		icd10: ['E03.9', 'Hypothyroidism, unspecified'],
		ages: [30, 60],
		rate: 0.07,
		drugs: [['levothyroxine', 0]],
		panels: ['thyroid'],
		effects: { tsh: { peak: 8, left: 0.1 } },
		monthsBetweenVisits: 12,
		plan: 'Continue levothyroxine on an empty stomach. TSH once a year, six weeks after a change of dose.',
		says: ['energy is good, no longer cold all the time'],
	},
	{
		key: 'copd',
		snomed: ['13645005', 'Chronic obstructive pulmonary disease'],
		icd10: ['J44.9', 'Chronic obstructive pulmonary disease, unspecified'],
		ages: [52, 66],
		rate: 0.04,
		traits: ['lungs'],
		drugs: [
			['albuterol', 0],
			['salmeterol', 1],
		],
		panels: ['bloodcount'],
		effects: { saturation: { peak: -4, left: 0.8 }, pulse: { peak: 6, left: 0.8 } },
		monthsBetweenVisits: 4,
		goal: { text: 'No smoking; walks fifteen minutes without a rest' },
		plan: 'Continue both inhalers, technique checked. Pulmonary rehabilitation. Stopping smoking is what helps most; patches offered.',
		says: ['gets short of breath on one flight of stairs', 'coughs up clear phlegm in the morning', 'is down to five cigarettes a day'],
	},
	{
		key: 'reflux',
		snomed: ['235595009', 'Gastroesophageal reflux disease'],
		icd10: ['K21.9', 'Gastro-esophageal reflux disease without esophagitis'],
		ages: [28, 65],
		rate: 0.13,
		drugs: [['omeprazole', 0]],
		panels: [],
		monthsBetweenVisits: 12,
		plan: 'Omeprazole before breakfast, try every other day. Nothing to eat within three hours of bedtime.',
		says: ['heartburn only after spicy food'],
	},
	{
		key: 'knee',
		snomed: ['239873007', 'Osteoarthritis of knee'],
		icd10: ['M17.11', 'Unilateral primary osteoarthritis, right knee'],
		ages: [52, 72],
		rate: 0.16,
		traits: ['bones'],
		drugs: [['acetaminophen', 0]],
		panels: [],
		monthsBetweenVisits: 9,
		plan: 'Acetaminophen as needed. Physical therapy for the thigh muscles. Weight loss takes load off the joint.',
		says: ['the right knee hurts going down stairs', 'is stiff for a quarter of an hour in the morning'],
	},
	{
		key: 'fibrillation',
		snomed: ['49436004', 'Atrial fibrillation'],
		icd10: ['I48.91', 'Unspecified atrial fibrillation'],
		ages: [64, 76],
		rate: 0.05,
		traits: ['heart'],
		drugs: [
			['apixaban', 0],
			['metoprolol', 0],
		],
		panels: ['metabolic', 'bloodcount'],
		effects: { pulse: { peak: 28, left: 0.1 } },
		monthsBetweenVisits: 6,
		plan: 'Rate is controlled. Continue apixaban, no missed doses. Hemoglobin and creatinine twice a year.',
		says: ['no palpitations, no bleeding', 'bruises more easily than before'],
	},
	{
		key: 'failure',
		snomed: ['84114007', 'Heart failure'],
		icd10: ['I50.9', 'Heart failure, unspecified'],
		ages: [70, 80],
		rate: 0.02,
		traits: ['heart'],
		drugs: [['furosemide', 0]],
		panels: ['metabolic', 'heart'],
		effects: { ntprobnp: { peak: 1400, left: 0.35 }, saturation: { peak: -2, left: 0.4 } },
		monthsBetweenVisits: 3,
		goal: {
			text: 'Weight no more than 1 kg above the dry weight, every morning',
			target: { measure: ['29463-7', 'Body weight'], ofWeight: (kg) => kg + 1, unit: 'kg' },
		},
		plan: 'Weigh every morning; call for a gain of 1.5 kg in two days. Continue furosemide. Fluids up to 1.5 liters.',
		says: ['sleeps on two pillows', 'ankles are slim in the morning and swollen at night'],
	},
	{
		key: 'migraine',
		notFor: ['kidney', 'heart'],
		snomed: ['37796009', 'Migraine'],
		icd10: ['G43.909', 'Migraine, unspecified, not intractable, without status migrainosus'],
		ages: [15, 40],
		rate: 0.1,
		drugs: [['naproxen', 0]],
		panels: [],
		monthsBetweenVisits: 12,
		plan: 'Naproxen at the first sign. Headache diary. Regular sleep and meals.',
		says: ['about two headaches a month, each gone within hours'],
	},
	{
		key: 'anemia',
		lasts: 2,
		snomed: ['87522002', 'Iron deficiency anemia'],
		icd10: ['D50.9', 'Iron deficiency anemia, unspecified'],
		ages: [18, 48],
		sex: 'female',
		rate: 0.1,
		drugs: [['iron', 0]],
		panels: ['bloodcount', 'iron'],
		effects: {
			hemoglobin: { peak: -3.6, left: 0.2 },
			mcv: { peak: -12, left: 0.25 },
			ferritin: { peak: -48, left: 0.4 },
		},
		monthsBetweenVisits: 6,
		plan: 'Iron every other day with orange juice. Blood count in three months.',
		says: ['is less tired since taking iron', 'periods are heavy for two days'],
	},
	{
		key: 'obesity',
		snomed: ['414916001', 'Obesity'],
		icd10: ['E66.9', 'Obesity, unspecified'],
		ages: [25, 60],
		rate: 0.22,
		traits: ['diabetes'],
		drugs: [],
		panels: ['a1c', 'lipids'],
		effects: { bmi: { peak: 9, left: 0.8 } },
		monthsBetweenVisits: 12,
		goal: {
			text: 'Loses five percent of body weight in six months',
			target: { measure: ['29463-7', 'Body weight'], ofWeight: (kg) => kg * 0.95, unit: 'kg' },
		},
		plan: 'Food diary for two weeks. Half an hour of brisk walking on five days a week. Dietitian if wanted.',
		says: ['would like to lose weight and has joined a walking group'],
	},
	{
		key: 'rhinitis',
		snomed: ['61582004', 'Allergic rhinitis'],
		icd10: ['J30.9', 'Allergic rhinitis, unspecified'],
		ages: [6, 35],
		rate: 0.15,
		traits: ['asthma'],
		drugs: [['loratadine', 0]],
		panels: [],
		monthsBetweenVisits: 12,
		plan: 'Antihistamine through the season. Windows closed on days with much pollen.',
		says: ['sneezes and has itchy eyes in May and June'],
	},
	{
		key: 'eczema',
		lasts: 4,
		snomed: ['24079001', 'Atopic dermatitis'],
		icd10: ['L20.9', 'Atopic dermatitis, unspecified'],
		ages: [0.4, 10],
		rate: 0.2,
		drugs: [['hydrocortisone', 0]],
		panels: [],
		monthsBetweenVisits: 12,
		plan: 'Moisturizer twice a day, hydrocortisone cream for flares up to two weeks. Lukewarm baths.',
		says: ['dry, itchy patches in the bends of the elbows'],
	},
	{
		key: 'osteoporosis',
		snomed: ['64859006', 'Osteoporosis'],
		icd10: ['M81.0', 'Age-related osteoporosis without current pathological fracture'],
		ages: [62, 74],
		sex: 'female',
		rate: 0.25,
		traits: ['bones'],
		drugs: [['alendronate', 0]],
		panels: ['metabolic'],
		monthsBetweenVisits: 12,
		plan: 'Continue alendronate, calcium and vitamin D. Bone density every two years. Rugs and cables out of the way.',
		says: ['no falls since the last visit'],
	},
	{
		key: 'prostate',
		snomed: ['266569009', 'Benign prostatic hyperplasia'],
		icd10: ['N40.1', 'Benign prostatic hyperplasia with lower urinary tract symptoms'],
		ages: [54, 72],
		sex: 'male',
		rate: 0.3,
		drugs: [['tamsulosin', 0]],
		panels: ['psa'],
		monthsBetweenVisits: 12,
		plan: 'Continue tamsulosin in the evening. Less to drink after dinner.',
		says: ['gets up once at night instead of four times'],
	},
	{
		key: 'dementia',
		snomed: ['26929004', "Alzheimer's disease"],
		icd10: ['G30.9', "Alzheimer's disease, unspecified"],
		ages: [76, 82],
		rate: 0.05,
		traits: ['memory'],
		drugs: [['donepezil', 0]],
		panels: ['thyroid'],
		monthsBetweenVisits: 6,
		goal: { text: 'Lives at home with daily help' },
		plan: 'Continue donepezil. Family supports daily life; stove guard installed. Advance directive is on file.',
		says: ['the daughter reports more forgetfulness, but calm days', 'loses track of the day of the week'],
	},
];

export type Complaint = {
	readonly key: string;
	readonly snomed: Coded;
	readonly icd10: Coded;
	readonly ages: readonly [number, number];
	readonly sex?: 'female';
	readonly traits?: readonly Trait[];
	/** Who has one of these problems, or is pregnant, cannot take what helps, and has it treated elsewhere. */
	readonly notWith?: readonly string[];
	readonly drug?: DrugName;
	/** Until it is over. */
	readonly days: number;
	readonly fever?: number;
	readonly test?: 'strep' | 'culture';
	readonly image?: 'ankle' | 'chest';
	readonly says: string;
	readonly finds: string;
	readonly plan: string;
};

/** What brings people in between. */
export const complaints: readonly Complaint[] = [
	{
		key: 'cold',
		snomed: ['54150009', 'Upper respiratory infection'],
		icd10: ['J06.9', 'Acute upper respiratory infection, unspecified'],
		ages: [0.3, 90],
		days: 9,
		fever: 0.6,
		says: 'has had a runny nose, sore throat and cough for four days',
		finds: 'Nasal mucosa swollen, throat red without exudate, lungs clear.',
		plan: 'Viral. Fluids, rest, honey for the cough over the age of one. Return for fever beyond five days or trouble breathing.',
	},
	{
		key: 'ear',
		snomed: ['65363002', 'Otitis media'],
		icd10: ['H66.90', 'Otitis media, unspecified, unspecified ear'],
		ages: [0.5, 9],
		drug: 'amoxicillin',
		days: 12,
		fever: 1.4,
		says: 'pulls at the right ear and slept badly, with fever since yesterday',
		finds: 'Right ear drum red and bulging, left one normal.',
		plan: 'Amoxicillin for ten days. Acetaminophen for pain. Recheck in two weeks.',
	},
	{
		key: 'strep',
		snomed: ['43878008', 'Streptococcal sore throat'],
		icd10: ['J02.0', 'Streptococcal pharyngitis'],
		ages: [4, 30],
		drug: 'penicillin',
		days: 10,
		fever: 1.5,
		test: 'strep',
		says: 'has a sore throat with fever and no cough since two days',
		finds: 'Tonsils enlarged with exudate, tender lymph nodes at the neck.',
		plan: 'Rapid test positive. Penicillin for ten days. Back to school after a full day of treatment.',
	},
	{
		key: 'cystitis',
		snomed: ['38822007', 'Cystitis'],
		icd10: ['N30.00', 'Acute cystitis without hematuria'],
		ages: [16, 90],
		sex: 'female',
		drug: 'nitrofurantoin',
		days: 7,
		test: 'culture',
		says: 'has burning and frequent urination since yesterday, no fever or back pain',
		finds: 'Abdomen soft, slight tenderness above the pubic bone, no flank pain.',
		plan: 'Nitrofurantoin for five days. Urine culture sent. Return for fever or flank pain.',
	},
	{
		key: 'back',
		notWith: ['kidney', 'failure', 'fibrillation'],
		snomed: ['279039007', 'Low back pain'],
		icd10: ['M54.50', 'Low back pain, unspecified'],
		ages: [22, 75],
		drug: 'naproxen',
		days: 28,
		says: 'has pain low in the back since lifting boxes on the weekend',
		finds: 'Muscles beside the lumbar spine tense, strength and reflexes of the legs normal, straight leg raise negative.',
		plan: 'Keep moving, heat, naproxen with food as needed. Physical therapy if no better in four weeks.',
	},
	{
		key: 'ankle',
		notWith: ['kidney', 'failure', 'fibrillation'],
		snomed: ['44465007', 'Sprain of ankle'],
		icd10: ['S93.401A', 'Sprain of unspecified ligament of right ankle, initial encounter'],
		ages: [9, 60],
		traits: ['sporty'],
		drug: 'ibuprofen',
		days: 35,
		image: 'ankle',
		says: 'twisted the right ankle at a game and limps since',
		finds: 'Swelling and bruise below the outer ankle, tender at the tip, can bear weight for four steps.',
		plan: 'No fracture on the films. Rest, ice, compression, elevation; brace for two weeks, then exercises.',
	},
	{
		key: 'bronchitis',
		snomed: ['10509002', 'Acute bronchitis'],
		icd10: ['J20.9', 'Acute bronchitis, unspecified'],
		ages: [30, 90],
		traits: ['lungs'],
		drug: 'prednisone',
		days: 18,
		image: 'chest',
		says: 'has coughed for two weeks, with yellow phlegm and some wheezing',
		finds: 'Scattered rhonchi that clear with coughing, no crackles.',
		plan: 'Chest film without pneumonia. Short course of prednisone, inhaler as needed. Return if short of breath.',
	},
	{
		key: 'stomach',
		snomed: ['25374005', 'Gastroenteritis'],
		icd10: ['A09', 'Infectious gastroenteritis and colitis, unspecified'],
		ages: [1, 70],
		days: 4,
		fever: 0.5,
		says: 'has vomited and had watery stools since last night; others at home were ill too',
		finds: 'Mucous membranes moist, abdomen soft with active bowel sounds.',
		plan: 'Oral rehydration in small sips. Return for blood in the stool, no urine for eight hours, or drowsiness.',
	},
];
