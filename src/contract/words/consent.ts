// What the pages say on which a person lets an app in.
import type { Language } from './words.ts';

export type ConsentWords = {
	readonly language: Language;
	readonly title: (app: string) => string;
	readonly asks: (app: string) => string;
	readonly signedInAs: (name: string) => string;
	readonly aboutPatient: (name: string) => string;
	readonly goesTo: (host: string) => string;
	readonly website: string;
	readonly terms: string;
	readonly privacy: string;
	readonly unverified: string;
	readonly allow: string;
	readonly deny: string;
	readonly other: string;
	readonly groups: {
		readonly identity: string;
		readonly patient: string;
		readonly user: string;
		readonly lasting: string;
		readonly other: string;
	};
	readonly narrowHint: string;
	readonly all: string;
	readonly types: Readonly<Record<string, string>>;
	readonly everyType: string;
	readonly categories: Readonly<Record<string, string>>;
	readonly acts: { readonly read: string; readonly create: string; readonly update: string; readonly delete: string; readonly and: string };
	readonly limitedTo: (query: string) => string;
	readonly plain: Readonly<Record<string, string>>;
	readonly pickTitle: string;
	readonly pickAsks: (app: string) => string;
	readonly search: string;
	readonly searchHint: string;
	readonly find: string;
	readonly born: string;
	readonly none: string;
	readonly more: string;
	readonly choose: string;
	readonly pickEncounterTitle: string;
	readonly pickEncounterAsks: (app: string, patient: string) => string;
	readonly noEncounters: string;
	readonly newer: string;
	readonly older: string;
	readonly withoutEncounter: string;
	readonly aboutEncounter: (text: string) => string;
	readonly noEncounter: string;
	readonly undated: string;
	/** By the class of an Encounter, https://terminology.hl7.org/ValueSet-encounter-class.html */
	readonly encounters: Readonly<Record<string, string>>;
	readonly anyEncounter: string;
	readonly errorTitle: string;
	readonly errorText: string;
	readonly expired: string;
	readonly tooMany: (minutes: number) => string;
	readonly noPatient: string;
	readonly wrongAccount: string;
	readonly signOutTitle: string;
	readonly signOutAsks: string;
	readonly signOut: string;
	readonly stay: string;
	readonly signedOutTitle: string;
	readonly signedOutText: string;
};

const en: ConsentWords = {
	language: 'en',
	title: (app) => `Allow ${app}?`,
	asks: (app) => `${app} asks for access. Take away what you do not want to give.`,
	signedInAs: (name) => `Signed in as ${name}`,
	aboutPatient: (name) => `Patient: ${name}`,
	goesTo: (host) => `You will be taken to ${host}.`,
	website: 'Website',
	terms: 'Terms of use',
	privacy: 'Privacy policy',
	unverified: 'The name and links are the app’s own statements.',
	allow: 'Allow',
	deny: 'Do not allow',
	other: 'Use another account',
	groups: {
		identity: 'Who you are',
		patient: 'The patient’s record',
		user: 'Records you have access to',
		lasting: 'How long',
		other: 'Other',
	},
	narrowHint: 'Or only:',
	all: 'all',
	types: {
		AllergyIntolerance: 'allergies',
		Appointment: 'appointments',
		Basic: 'what the app keeps here for itself',
		Binary: 'files',
		CarePlan: 'care plans',
		CareTeam: 'care teams',
		Condition: 'conditions',
		Coverage: 'insurance',
		Device: 'devices and implants',
		DiagnosticReport: 'reports of tests',
		DocumentReference: 'documents',
		Encounter: 'visits',
		Goal: 'goals',
		Immunization: 'immunizations',
		Location: 'places',
		Media: 'pictures and recordings',
		Medication: 'medicines',
		MedicationDispense: 'medicines handed out',
		MedicationRequest: 'prescriptions',
		Observation: 'measurements and results',
		Organization: 'organizations',
		Patient: 'name, address and other personal facts',
		Person: 'people',
		Practitioner: 'doctors and other staff',
		PractitionerRole: 'roles of staff',
		Procedure: 'procedures',
		Provenance: 'who recorded what',
		Questionnaire: 'questionnaires',
		QuestionnaireResponse: 'answers to questionnaires',
		RelatedPerson: 'relatives and contacts',
		ServiceRequest: 'orders and referrals',
		Specimen: 'samples',
	},
	everyType: 'the whole record',
	categories: {
		'encounter-diagnosis': 'diagnoses of visits',
		'problem-list-item': 'problem list',
		'health-concern': 'health concerns',
		'vital-signs': 'vital signs',
		laboratory: 'laboratory results',
		procedure: 'clinical tests',
		imaging: 'results of imaging',
		'social-history': 'social history',
		survey: 'surveys',
		sdoh: 'social circumstances',
		'clinical-note': 'clinical notes',
	},
	acts: { read: 'Read', create: 'add', update: 'change', delete: 'delete', and: 'and' },
	limitedTo: (query) => `limited to ${query}`,
	plain: {
		openid: 'Know who you are when you sign in',
		fhirUser: 'Know your entry in the record',
		profile: 'Your name',
		name: 'Your name',
		given_name: 'Your first name',
		family_name: 'Your last name',
		nickname: 'Your nickname',
		email: 'Your mail address',
		email_verified: 'Whether your mail address was checked',
		phone: 'Your telephone number',
		phone_verified: 'Whether your telephone number was checked',
		address: 'Your address',
		offline_access: 'Keep the access when you are not there',
		online_access: 'Keep the access until you sign out',
		launch: 'Know which chart is open',
		'launch/patient': 'Know which patient it is about',
		'launch/encounter': 'Know which visit it is about',
		'api:oemr': 'Use the Standard API',
		'api:fhir': 'Use the FHIR API',
		'api:port': 'Use the portal API',
	},
	pickTitle: 'Which patient?',
	pickAsks: (app) => `${app} works with one patient at a time.`,
	search: 'Name, date of birth or number',
	searchHint: 'e.g. “Lee” or “Ann Lee 1970-01-31”',
	find: 'Search',
	born: 'born',
	none: 'Nobody was found.',
	more: 'There are more; search for a longer part of the name.',
	choose: 'Choose',
	pickEncounterTitle: 'Which visit?',
	pickEncounterAsks: (app, patient) => `${app} works with one visit of ${patient}.`,
	noEncounters: 'There is no visit of this patient that this account could open.',
	newer: 'Newer visits',
	older: 'Older visits',
	withoutEncounter: 'Go on without a visit',
	aboutEncounter: (text) => `Visit: ${text}`,
	noEncounter: 'This patient has no such visit, or this account may not open it.',
	undated: 'No date',
	encounters: {
		AMB: 'visit to the practice',
		EMER: 'emergency',
		FLD: 'visit on site',
		HH: 'visit at home',
		IMP: 'hospital stay',
		ACUTE: 'hospital stay, acute',
		NONAC: 'hospital stay, not acute',
		OBSENC: 'observation',
		PRENC: 'before admission',
		SS: 'short stay',
		VR: 'video or telephone call',
	},
	anyEncounter: 'visit',
	errorTitle: 'This did not work',
	errorText:
		'The app sent a request that cannot be answered. Go back to the app and try again; if it happens again, tell whoever provides the app.',
	expired: 'This page is too old or was used already. Go back to the app and begin again.',
	tooMany: (minutes) => `Too many applications asked for access from this network. Try again in ${minutes} minutes.`,
	noPatient: 'There is no patient whose record this account could open.',
	wrongAccount: 'The app was launched by somebody else.',
	signOutTitle: 'Sign out?',
	signOutAsks: 'Apps that were let in for this session lose their access.',
	signOut: 'Sign out',
	stay: 'Stay signed in',
	signedOutTitle: 'Signed out',
	signedOutText: 'You have been signed out. You can close this page.',
};

const es: ConsentWords = {
	language: 'es',
	title: (app) => `¿Permitir ${app}?`,
	asks: (app) => `${app} pide acceso. Quite lo que no quiera dar.`,
	signedInAs: (name) => `Sesión de ${name}`,
	aboutPatient: (name) => `Paciente: ${name}`,
	goesTo: (host) => `Después irá a ${host}.`,
	website: 'Sitio web',
	terms: 'Condiciones de uso',
	privacy: 'Política de privacidad',
	unverified: 'El nombre y los enlaces los indica la propia aplicación.',
	allow: 'Permitir',
	deny: 'No permitir',
	other: 'Usar otra cuenta',
	groups: {
		identity: 'Quién es usted',
		patient: 'El expediente del paciente',
		user: 'Expedientes a los que usted tiene acceso',
		lasting: 'Por cuánto tiempo',
		other: 'Otros',
	},
	narrowHint: 'O solamente:',
	all: 'todo',
	types: {
		AllergyIntolerance: 'alergias',
		Appointment: 'citas',
		Basic: 'lo que la aplicación guarda aquí para sí',
		Binary: 'archivos',
		CarePlan: 'planes de atención',
		CareTeam: 'equipos de atención',
		Condition: 'enfermedades y problemas',
		Coverage: 'seguros',
		Device: 'dispositivos e implantes',
		DiagnosticReport: 'informes de pruebas',
		DocumentReference: 'documentos',
		Encounter: 'visitas',
		Goal: 'objetivos',
		Immunization: 'vacunas',
		Location: 'lugares',
		Media: 'imágenes y grabaciones',
		Medication: 'medicamentos',
		MedicationDispense: 'medicamentos entregados',
		MedicationRequest: 'recetas',
		Observation: 'mediciones y resultados',
		Organization: 'organizaciones',
		Patient: 'nombre, dirección y otros datos personales',
		Person: 'personas',
		Practitioner: 'médicos y demás personal',
		PractitionerRole: 'funciones del personal',
		Procedure: 'procedimientos',
		Provenance: 'quién anotó qué',
		Questionnaire: 'cuestionarios',
		QuestionnaireResponse: 'respuestas a cuestionarios',
		RelatedPerson: 'familiares y contactos',
		ServiceRequest: 'órdenes y derivaciones',
		Specimen: 'muestras',
	},
	everyType: 'todo el expediente',
	categories: {
		'encounter-diagnosis': 'diagnósticos de visitas',
		'problem-list-item': 'lista de problemas',
		'health-concern': 'preocupaciones de salud',
		'vital-signs': 'signos vitales',
		laboratory: 'resultados de laboratorio',
		procedure: 'pruebas clínicas',
		imaging: 'resultados de imágenes',
		'social-history': 'historia social',
		survey: 'encuestas',
		sdoh: 'circunstancias sociales',
		'clinical-note': 'notas clínicas',
	},
	acts: { read: 'Leer', create: 'añadir', update: 'cambiar', delete: 'borrar', and: 'y' },
	limitedTo: (query) => `solo ${query}`,
	plain: {
		openid: 'Saber quién es usted al iniciar sesión',
		fhirUser: 'Conocer su ficha en el expediente',
		profile: 'Su nombre',
		name: 'Su nombre',
		given_name: 'Su nombre de pila',
		family_name: 'Su apellido',
		nickname: 'Su apodo',
		email: 'Su correo electrónico',
		email_verified: 'Si su correo electrónico fue comprobado',
		phone: 'Su teléfono',
		phone_verified: 'Si su teléfono fue comprobado',
		address: 'Su dirección',
		offline_access: 'Conservar el acceso cuando usted no está',
		online_access: 'Conservar el acceso hasta que usted cierre la sesión',
		launch: 'Saber qué expediente está abierto',
		'launch/patient': 'Saber de qué paciente se trata',
		'launch/encounter': 'Saber de qué visita se trata',
		'api:oemr': 'Usar la API estándar',
		'api:fhir': 'Usar la API FHIR',
		'api:port': 'Usar la API del portal',
	},
	pickTitle: '¿Qué paciente?',
	pickAsks: (app) => `${app} trabaja con un paciente a la vez.`,
	search: 'Nombre, fecha de nacimiento o número',
	searchHint: 'p. ej. «Lee» o «Ana Lee 1970-01-31»',
	find: 'Buscar',
	born: 'nacimiento:',
	none: 'No se encontró a nadie.',
	more: 'Hay más; busque una parte más larga del nombre.',
	choose: 'Elegir',
	pickEncounterTitle: '¿Qué visita?',
	pickEncounterAsks: (app, patient) => `${app} trabaja con una visita de ${patient}.`,
	noEncounters: 'No hay ninguna visita de este paciente que pueda abrir esta cuenta.',
	newer: 'Visitas más recientes',
	older: 'Visitas anteriores',
	withoutEncounter: 'Continuar sin visita',
	aboutEncounter: (text) => `Visita: ${text}`,
	noEncounter: 'Este paciente no tiene esa visita, o esta cuenta no puede abrirla.',
	undated: 'Sin fecha',
	encounters: {
		AMB: 'visita en la consulta',
		EMER: 'urgencia',
		FLD: 'visita en el lugar',
		HH: 'visita a domicilio',
		IMP: 'hospitalización',
		ACUTE: 'hospitalización, aguda',
		NONAC: 'hospitalización, no aguda',
		OBSENC: 'observación',
		PRENC: 'antes del ingreso',
		SS: 'estancia corta',
		VR: 'videollamada o llamada',
	},
	anyEncounter: 'visita',
	errorTitle: 'No funcionó',
	errorText:
		'La aplicación envió una petición que no se puede contestar. Vuelva a la aplicación e inténtelo de nuevo; si se repite, avise a quien la ofrece.',
	expired: 'Esta página es demasiado antigua o ya se usó. Vuelva a la aplicación y empiece de nuevo.',
	tooMany: (minutes) => `Demasiadas aplicaciones pidieron acceso desde esta red. Vuelva a intentarlo dentro de ${minutes} minutos.`,
	noPatient: 'No hay ningún paciente cuyo expediente pueda abrir esta cuenta.',
	wrongAccount: 'Otra persona abrió la aplicación.',
	signOutTitle: '¿Cerrar la sesión?',
	signOutAsks: 'Las aplicaciones que se permitieron en esta sesión pierden su acceso.',
	signOut: 'Cerrar la sesión',
	stay: 'Seguir en la sesión',
	signedOutTitle: 'Sesión cerrada',
	signedOutText: 'La sesión se ha cerrado. Puede cerrar esta página.',
};

export const consentWords: Readonly<Record<Language, ConsentWords>> = { en, es };
