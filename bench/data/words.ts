// Names, places and codes that the generated people are made of.

export const loinc = 'http://loinc.org';
export const snomed = 'http://snomed.info/sct';
export const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const cvx = 'http://hl7.org/fhir/sid/cvx';
export const ucum = 'http://unitsofmeasure.org';
export const terminology = 'http://terminology.hl7.org/CodeSystem';

export type Coded = readonly [code: string, display: string];

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const families = words(`
	Abbott Adams Alvarez Anderson Bailey Baker Barnes Bauer Bell Bennett Berge Bergstrom Black Boyer Brekke Brown Bruen Buckridge Carroll Carter
	Champlin Collier Collins Conn Corwin Crist Crona Cruickshank Cummings Daniel Davis Denesik Dickens Dooley Douglas Durgan Ebert Effertz Emard
	Fadel Fahey Feeney Fisher Frami Franecki Gaylord Gerhold Gibson Gleason Goldner Goodwin Graham Greenholt Grimes Hagenes Hahn Hammes Hansen
	Harber Harvey Hayes Heller Herman Hickle Hilll Hirthe Howell Huel Jacobi Jast Jenkins Johnson Jones Kassulke Kemmer Kertzmann Klein Koch
	Kozey Kreiger Kuhic Labadie Langosh Larkin Lebsack Lehner Littel Lockman Lopez Lowe Lynch MacGyver Marks Marvin Mayer McCullough McKenzie
	Mertz Metz Miller Moen Mosciski Murphy Murray Nader Nicolas Nolan Oberbrunner OConnell OHara Okuneva Olson Ortiz Pagac Parisian Parker
	Pfeffer Pollich Powlowski Prohaska Purdy Quigley Quitzon Ratke Reichert Reilly Renner Reynolds Rippin Robel Rodriguez Rogahn Rohan Romaguera
	Rosenbaum Russel Ryan Sanford Satterfield Sauer Schaden Schiller Schmidt Schmitt Schneider Schroeder Schultz Senger Shanahan Simonis Skiles
	Smith Smitham Spencer Stamm Stanton Stark Steuber Stokes Stracke Streich Swift Terry Thiel Thompson Torp Towne Treutel Tromp Turcotte Upton
	Vandervort Veum Volkman Wagner Walker Walsh Walter Ward Watsica Weber Weimann West White Wiegand Wilderman Will Williams Windler Wintheiser
	Wisoky Witting Wolf Wuckert Yost Zboncak Zemlak Ziemann Zulauf`);

export const femaleNames = words(`
	Abigail Ada Agnes Alda Alice Amelia Amparo Ana Andrea Angela Annalisa Aracely Bernadette Bethany Bianca Bonnie Brenda Carla Carmen Carol
	Cecilia Chantal Chloe Clara Claudia Corina Daisy Dana Deborah Delia Diana Dolores Donna Dora Edith Elena Elisa Ella Emily Emma Esther Eva
	Fatima Flora Gabriela Gina Gloria Grace Hannah Hazel Helen Ida Ines Irene Iris Isabel Jacqueline Jana Jane Joan Johnna Josephine Juana Julia
	Karen Katherine Kelly Laura Leah Lena Linda Lisa Lorena Louise Lucia Lydia Magdalena Margaret Maria Marina Martha Mary Maya Melissa Mercedes
	Mia Monica Nadia Nancy Natalie Nina Nora Olga Olivia Paula Pearl Raeann Rebecca Rita Rosa Ruth Sandra Sara Sofia Sonia Stella Susan Sylvia
	Teresa Theresa Tina Valerie Vera Veronica Victoria Viola Wilma Yolanda Zoe`);

export const maleNames = words(`
	Aaron Abraham Adalberto Adam Alan Albert Alejandro Alex Alfred Alonso Andrew Angel Anthony Antonio Arthur Austin Benjamin Bernard Bradley
	Brian Bruce Carlos Carl Cesar Charles Christopher Claude Clifford Cole Craig Curtis Dale Daniel David Dennis Diego Donald Douglas Earl
	Edgar Eduardo Edward Eli Emilio Emmanuel Eric Ernesto Ethan Eugene Felipe Felix Fernando Francisco Frank Gabriel George Gerald Gilbert
	Gregory Guillermo Harold Harry Hector Henry Herbert Howard Hugo Ian Ignacio Isaac Ivan Jacob Jaime James Jason Javier Jeffrey Jerome John
	Jonathan Jorge Jose Joseph Juan Julian Kenneth Kevin Larry Leo Leonard Lewis Louis Lucas Luis Manuel Marcus Mario Mark Martin Matthew
	Michael Miguel Nathan Nicolas Oscar Pablo Patrick Paul Pedro Peter Philip Rafael Raymond Ricardo Richard Robert Roger Roland Russell Samuel
	Sean Sergio Simon Stanley Stephen Steven Theodore Thomas Timothy Tomas Victor Vincent Walter Wilson Zachary`);

export type Place = { readonly city: string; readonly zip: string; readonly latitude: number; readonly longitude: number };

export const places: readonly Place[] = [
	{ city: 'Boston', zip: '02108', latitude: 42.3584, longitude: -71.0598 },
	{ city: 'Worcester', zip: '01602', latitude: 42.2626, longitude: -71.8023 },
	{ city: 'Springfield', zip: '01103', latitude: 42.1015, longitude: -72.5898 },
	{ city: 'Lowell', zip: '01850', latitude: 42.6334, longitude: -71.3162 },
	{ city: 'Cambridge', zip: '02138', latitude: 42.3751, longitude: -71.1056 },
	{ city: 'New Bedford', zip: '02740', latitude: 41.6362, longitude: -70.9342 },
	{ city: 'Brockton', zip: '02301', latitude: 42.0834, longitude: -71.0184 },
	{ city: 'Quincy', zip: '02169', latitude: 42.2529, longitude: -71.0023 },
	{ city: 'Lynn', zip: '01901', latitude: 42.4668, longitude: -70.9495 },
	{ city: 'Fall River', zip: '02720', latitude: 41.7015, longitude: -71.155 },
	{ city: 'Newton', zip: '02458', latitude: 42.337, longitude: -71.2092 },
	{ city: 'Somerville', zip: '02143', latitude: 42.3876, longitude: -71.0995 },
	{ city: 'Framingham', zip: '01701', latitude: 42.2793, longitude: -71.4162 },
	{ city: 'Haverhill', zip: '01830', latitude: 42.7762, longitude: -71.0773 },
	{ city: 'Plymouth', zip: '02360', latitude: 41.9584, longitude: -70.6673 },
	{ city: 'Pittsfield', zip: '01201', latitude: 42.4501, longitude: -73.2454 },
	{ city: 'Holyoke', zip: '01040', latitude: 42.2043, longitude: -72.6162 },
	{ city: 'Barnstable', zip: '02630', latitude: 41.7003, longitude: -70.3002 },
	{ city: 'Northampton', zip: '01060', latitude: 42.3251, longitude: -72.6412 },
	{ city: 'Gloucester', zip: '01930', latitude: 42.6159, longitude: -70.662 },
];

export const streets = words(
	'Maple Oak Cedar Elm Pine Walnut Chestnut Birch Spruce Washington Lincoln Franklin Jackson Highland Summit Park Lake Hill Mill Church',
);
export const streetKinds = words('Street Avenue Road Lane Way Terrace Square Course Crossing Drive');

export const races: readonly Coded[] = [
	['2106-3', 'White'],
	['2106-3', 'White'],
	['2106-3', 'White'],
	['2054-5', 'Black or African American'],
	['2028-9', 'Asian'],
];
export const ethnicities: readonly Coded[] = [
	['2186-5', 'Not Hispanic or Latino'],
	['2186-5', 'Not Hispanic or Latino'],
	['2135-2', 'Hispanic or Latino'],
];
export const maritalStatuses: readonly Coded[] = [
	['M', 'Married'],
	['S', 'Never Married'],
	['D', 'Divorced'],
	['W', 'Widowed'],
];
export const languages: readonly Coded[] = [
	['en-US', 'English (United States)'],
	['en-US', 'English (United States)'],
	['en-US', 'English (United States)'],
	['es', 'Spanish'],
	['zh', 'Chinese'],
];

export type Measure = readonly [code: string, display: string, unit: string, mean: number, deviation: number];

export const vitalSigns: readonly Measure[] = [
	['8302-2', 'Body Height', 'cm', 168, 9],
	['29463-7', 'Body Weight', 'kg', 78, 14],
	['39156-5', 'Body mass index (BMI) [Ratio]', 'kg/m2', 27.4, 4],
	['8867-4', 'Heart rate', '/min', 76, 9],
	['9279-1', 'Respiratory rate', '/min', 14, 2],
	['72514-3', 'Pain severity - 0-10 verbal numeric rating [Score] - Reported', '{score}', 3, 1.5],
];

export const laboratory: readonly Measure[] = [
	['2339-0', 'Glucose [Mass/volume] in Blood', 'mg/dL', 92, 16],
	['6299-2', 'Urea nitrogen [Mass/volume] in Blood', 'mg/dL', 14, 3],
	['38483-4', 'Creatinine [Mass/volume] in Blood', 'mg/dL', 1.1, 0.3],
	['49765-1', 'Calcium [Mass/volume] in Blood', 'mg/dL', 9.4, 0.5],
	['2947-0', 'Sodium [Moles/volume] in Blood', 'mmol/L', 140, 2],
	['6298-4', 'Potassium [Moles/volume] in Blood', 'mmol/L', 4.3, 0.4],
	['2069-3', 'Chloride [Moles/volume] in Blood', 'mmol/L', 105, 3],
	['20565-8', 'Carbon dioxide, total [Moles/volume] in Blood', 'mmol/L', 24, 2],
	['2093-3', 'Cholesterol [Mass/volume] in Serum or Plasma', 'mg/dL', 186, 26],
	['2571-8', 'Triglycerides', 'mg/dL', 130, 30],
	['18262-6', 'Low Density Lipoprotein Cholesterol', 'mg/dL', 104, 24],
	['2085-9', 'High Density Lipoprotein Cholesterol', 'mg/dL', 58, 11],
	['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood', '%', 5.8, 0.9],
	['6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL', 7, 1.6],
	['718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', 14.4, 1.3],
	['777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL', 280, 60],
	['33914-3', 'Glomerular filtration rate/1.73 sq M.predicted', 'mL/min/{1.73_m2}', 84, 18],
	['14959-1', 'Microalbumin Creatinine Ratio', 'mg/g', 12, 6],
];

export const smoking: readonly Coded[] = [
	['266919005', 'Never smoker'],
	['8517006', 'Former smoker'],
	['449868002', 'Current every day smoker'],
];

export const conditions: readonly Coded[] = [
	['59621000', 'Hypertension'],
	['59621000', 'Essential hypertension (disorder)'],
	['44054006', 'Diabetes mellitus type 2 (disorder)'],
	['162864005', 'Body mass index 30+ - obesity (finding)'],
	['55822004', 'Hyperlipidemia'],
	['444814009', 'Viral sinusitis (disorder)'],
	['195662009', 'Acute viral pharyngitis (disorder)'],
	['10509002', 'Acute bronchitis (disorder)'],
	['40055000', 'Chronic sinusitis (disorder)'],
	['271737000', 'Anemia (disorder)'],
	['15777000', 'Prediabetes'],
	['72892002', 'Normal pregnancy'],
	['43878008', 'Streptococcal sore throat (disorder)'],
	['53741008', 'Coronary Heart Disease'],
	['64859006', 'Osteoporosis (disorder)'],
	['195967001', 'Asthma'],
	['449868002', 'Smokes tobacco daily'],
	['44465007', 'Sprain of ankle'],
	['62106007', 'Concussion with no loss of consciousness'],
	['368581000119106', 'Neuropathy due to type 2 diabetes mellitus (disorder)'],
	['431855005', 'Chronic kidney disease stage 1 (disorder)'],
	['87433001', 'Pulmonary emphysema (disorder)'],
];

export const procedures: readonly Coded[] = [
	['430193006', 'Medication Reconciliation (procedure)'],
	['428191000124101', 'Documentation of current medications'],
	['117015009', 'Throat culture (procedure)'],
	['399208008', 'Plain chest X-ray (procedure)'],
	['73761001', 'Colonoscopy'],
	['23426006', 'Measurement of respiratory function (procedure)'],
	['274474001', 'Bone immobilization'],
	['76601001', 'Intramuscular injection'],
	['415300000', 'Review of systems (procedure)'],
	['269911007', 'Sputum examination (procedure)'],
	['710824005', 'Assessment of health and social care needs (procedure)'],
	['171207006', 'Depression screening (procedure)'],
];

export const medications: readonly Coded[] = [
	['314076', 'lisinopril 10 MG Oral Tablet'],
	['860975', '24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet'],
	['308136', 'amLODIPine 2.5 MG Oral Tablet'],
	['312961', 'Simvastatin 20 MG Oral Tablet'],
	['310798', 'Hydrochlorothiazide 25 MG Oral Tablet'],
	['308182', 'Amoxicillin 250 MG Oral Capsule'],
	['313782', 'Acetaminophen 325 MG Oral Tablet'],
	['849574', 'Naproxen sodium 220 MG Oral Tablet'],
	['197361', 'Amlodipine 5 MG Oral Tablet'],
	['895994', '120 ACTUAT Fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler'],
	['745679', '200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler'],
	['748856', 'Yaz 28 Day Pack'],
];

export const vaccines: readonly Coded[] = [
	['140', 'Influenza, seasonal, injectable, preservative free'],
	['113', 'Td (adult) preservative free'],
	['33', 'pneumococcal polysaccharide vaccine, 23 valent'],
	['133', 'Pneumococcal conjugate PCV 13'],
	['52', 'Hep A, adult'],
	['121', 'zoster'],
];

export const encounterTypes: readonly Coded[] = [
	['162673000', 'General examination of patient (procedure)'],
	['185345009', 'Encounter for symptom'],
	['185349003', 'Encounter for check up (procedure)'],
	['390906007', 'Follow-up encounter'],
	['185347001', 'Encounter for problem'],
];

export const reports: readonly Coded[] = [
	['51990-0', 'Basic Metabolic Panel'],
	['57698-3', 'Lipid Panel'],
	['58410-2', 'Complete blood count (hemogram) panel - Blood by Automated count'],
];

export const notes: readonly Coded[] = [
	['34117-2', 'History and physical note'],
	['51847-2', 'Evaluation + Plan note'],
	['11506-3', 'Progress note'],
];

export const payers = ['Medicare', 'Medicaid', 'Aetna', 'Blue Cross Blue Shield', 'UnitedHealthcare', 'Humana', 'Cigna Health'] as const;
