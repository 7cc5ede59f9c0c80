// Names, places and languages of the demo clinic's people. All of them are made up; telephone numbers are of the range kept for fiction.
import type { Coded } from '#demo/fhir.ts';

export type Origin = {
	readonly race: readonly Coded[];
	/** Finer than the categories of the Office of Management and Budget. */
	readonly detailedRace?: Coded;
	readonly ethnicity: Coded;
	readonly detailedEthnicity?: Coded;
	readonly families: readonly string[];
	/** Where many carry the names of both parents: those of mothers, which are nobody's first. */
	readonly mothers?: readonly string[];
	readonly women: readonly string[];
	readonly men: readonly string[];
	/** Spoken by some instead of English. */
	readonly language?: Coded;
	/** Of how many in a thousand. */
	readonly share: number;
	readonly tribe?: Coded;
};

const list = (text: string): readonly string[] => text.trim().split(/\s+/);

const latino: Coded = ['2135-2', 'Hispanic or Latino'];
const notLatino: Coded = ['2186-5', 'Not Hispanic or Latino'];
const white: Coded = ['2106-3', 'White'];
const black: Coded = ['2054-5', 'Black or African American'];
const asian: Coded = ['2028-9', 'Asian'];
const native: Coded = ['1002-5', 'American Indian or Alaska Native'];

export const origins: readonly Origin[] = [
	{
		race: [white],
		ethnicity: notLatino,
		share: 480,
		families: list(`Anderson Becker Carlson Dahl Ericksen Fischer Gallagher Hartmann Iverson Jensen Keller Larsen Meyer Novak Olson Peterson
			Quinn Reinhardt Schroeder Thompson Ulrich Vogel Wagner Young Ziegler Bauer Christensen Doyle Engel Farrell`),
		women: list(`Abigail Brenda Carol Deborah Emily Frances Grace Heather Irene Julia Kathleen Laura Megan Nora Olivia Patricia Rachel Susan
			Teresa Victoria Wendy Zoe Hannah Claire Ellen Sarah`),
		men: list(`Adam Brian Charles Dennis Eric Frank Gerald Henry Ian James Kevin Lucas Mark Nathan Oscar Paul Robert Steven Thomas Victor
			Walter Jonas Ethan Samuel Peter Owen`),
	},
	{
		race: [white],
		ethnicity: latino,
		detailedEthnicity: ['2148-5', 'Mexican'],
		share: 170,
		language: ['es', 'Spanish'],
		families: list(
			'Alvarez Castillo Delgado Espinoza Flores Garcia Hernandez Jimenez Lopez Morales Navarro Ortiz Perez Ramirez Salazar Torres',
		),
		mothers: list('Aguilar Cervantes Fuentes Guerrero Juarez Mendoza Orozco Villarreal'),
		women: list('Alejandra Beatriz Carmen Daniela Elena Fernanda Gabriela Isabel Juana Lucia Mariana Natalia Rosa Sofia Valeria Ximena'),
		men: list('Alejandro Carlos Diego Eduardo Fernando Gustavo Hector Javier Jorge Luis Manuel Mateo Rafael Santiago Tomas Vicente'),
	},
	{
		race: [black],
		ethnicity: notLatino,
		share: 160,
		families: list(
			'Adams Banks Coleman Dixon Edwards Franklin Gaines Harris Jackson King Lewis Mosley Nelson Patterson Robinson Washington',
		),
		women: list('Aaliyah Brianna Crystal Denise Ebony Felicia Gloria Imani Jasmine Keisha Latoya Monique Nia Renee Tamika Yvonne'),
		men: list('Andre Calvin Darnell Elijah Terrence Isaiah Jamal Keith Lamar Malik Nathaniel Omar Reginald Terrell Tyrone Xavier'),
	},
	{
		race: [asian],
		detailedRace: ['2036-2', 'Filipino'],
		ethnicity: notLatino,
		share: 50,
		language: ['tl', 'Tagalog'],
		families: list('Aquino Bautista Cruz Dizon Enriquez Manalo Ocampo Pascual Reyes Santos Villanueva'),
		women: list('Analyn Cristina Imelda Jocelyn Lourdes Maricel Rowena Teresita'),
		men: list('Arnel Benigno Danilo Ernesto Jomar Ramon Renato Rodel'),
	},
	{
		race: [asian],
		detailedRace: ['2029-7', 'Asian Indian'],
		ethnicity: notLatino,
		share: 50,
		language: ['hi', 'Hindi'],
		families: list('Agarwal Bhatt Desai Gupta Iyer Joshi Kapoor Mehta Nair Rao Sharma Verma'),
		women: list('Ananya Deepa Kavita Lakshmi Meera Neha Pooja Shreya Sunita'),
		men: list('Anil Arjun Dev Kiran Nikhil Rahul Sanjay Vikram Vivek'),
	},
	{
		race: [asian],
		detailedRace: ['2034-7', 'Chinese'],
		ethnicity: notLatino,
		share: 40,
		language: ['zh', 'Chinese'],
		families: list('Chan Deng Fang Huang Lin Liu Wang Wu Xu Zhang Zhou'),
		women: list('Fen Hui Jing Lan Ling Mei Ping Xiu Yan'),
		men: list('Bo Chen Feng Hao Jian Jun Lei Ming Wei'),
	},
	{
		race: [native],
		detailedRace: ['1586-7', 'Shoshone'],
		ethnicity: notLatino,
		share: 25,
		tribe: ['187', 'Paiute-Shoshone Tribe of the Fallon Reservation and Colony, Nevada'],
		families: list('Benally Crow Deer Littlefeather Redhawk Smallwood Whitecloud Yazzie'),
		women: list('Aiyana Dena Kaya Lenora Tallulah Winona'),
		men: list('Cody Dakota Elias Hakan Joseph Takoda'),
	},
	{
		race: [white, black],
		ethnicity: latino,
		detailedEthnicity: ['2184-0', 'Dominican'],
		share: 25,
		language: ['es', 'Spanish'],
		families: list('Baez Cabrera Familia Guzman Mejia Polanco Rosario Santana'),
		mothers: list('Almonte Encarnacion Peralta Tavarez'),
		women: list('Altagracia Dulce Ivelisse Milagros Yokasta Yesenia'),
		men: list('Bienvenido Domingo Juan Leonel Pedro Wilkin'),
	},
];

export type Place = { readonly city: string; readonly state: string; readonly zips: readonly string[] };

export const places: readonly Place[] = [
	{ city: 'Milwaukee', state: 'WI', zips: ['53202', '53204', '53207', '53211', '53215'] },
	{ city: 'Wauwatosa', state: 'WI', zips: ['53213', '53226'] },
	{ city: 'West Allis', state: 'WI', zips: ['53214', '53227'] },
	{ city: 'Shorewood', state: 'WI', zips: ['53211'] },
	{ city: 'Greenfield', state: 'WI', zips: ['53219', '53220'] },
	{ city: 'Brookfield', state: 'WI', zips: ['53005', '53045'] },
];

export const streets = list(
	'Maple Oak Cedar Elm Linden Walnut Chestnut Birch Lincoln Franklin Highland Summit Park Lake Hill Mill Church Prospect Juneau Humboldt',
);
export const streetKinds = list('Street Avenue Road Lane Court Place Boulevard');
