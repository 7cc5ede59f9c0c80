// Rules of recurrence on the clock of a wall that is moved twice a year.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { createRandom } from '#base/random.ts';
import { occurrencesOf, readRule } from './recurrence.ts';
import { instantOf, momentOf, wallOf } from './wall-time.ts';

before(() => {
	process.env.TZ = 'America/Chicago';
});

const wall = (text: string): number => Date.parse(`${text}Z`);
const shown = (rule: string, start: string): string[] => occurrencesOf(rule, wall(start)).map((at) => instantOf(momentOf(at)));

const followed: readonly (readonly [rule: string, start: string, instants: readonly string[]])[] = [
	['FREQ=WEEKLY;COUNT=3', '2026-03-01T09:00:00', ['2026-03-01T09:00:00-06:00', '2026-03-08T09:00:00-05:00', '2026-03-15T09:00:00-05:00']],
	// Half past two does not exist on 8 March and comes twice on 1 November.
	['FREQ=DAILY;COUNT=3', '2026-03-07T02:30:00', ['2026-03-07T02:30:00-06:00', '2026-03-08T03:30:00-05:00', '2026-03-09T02:30:00-05:00']],
	['FREQ=DAILY;COUNT=2', '2026-11-01T01:30:00', ['2026-11-01T01:30:00-05:00', '2026-11-02T01:30:00-06:00']],
	['RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=2', '2026-10-13T08:15:00', ['2026-10-13T08:15:00-05:00', '2026-11-10T08:15:00-06:00']],
	[
		'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2',
		'2026-01-30T10:00:00',
		['2026-01-30T10:00:00-06:00', '2026-02-27T10:00:00-06:00'],
	],
	[
		'freq=daily;interval=2;until=20260105',
		'2026-01-01T10:00:00',
		['2026-01-01T10:00:00-06:00', '2026-01-03T10:00:00-06:00', '2026-01-05T10:00:00-06:00'],
	],
	// UNTIL in UTC is a moment: nine on the wall of 3 January is 15:00Z.
	[
		'FREQ=DAILY;UNTIL=20260103T150000Z',
		'2026-01-01T09:00:00',
		['2026-01-01T09:00:00-06:00', '2026-01-02T09:00:00-06:00', '2026-01-03T09:00:00-06:00'],
	],
	['FREQ=DAILY;UNTIL=20260103T145959Z', '2026-01-01T09:00:00', ['2026-01-01T09:00:00-06:00', '2026-01-02T09:00:00-06:00']],
];

for (const [rule, start, instants] of followed) {
	test(`${rule} from ${start}`, () => assert.deepEqual(shown(rule, start), instants));
}

const refused: readonly (readonly [why: string, rule: string])[] = [
	['FREQ', 'COUNT=3'],
	['FREQ must be', 'FREQ=HOURLY;COUNT=2'],
	['either COUNT or UNTIL', 'FREQ=DAILY'],
	['either COUNT or UNTIL', 'FREQ=DAILY;COUNT=2;UNTIL=20270101'],
	['COUNT must be', 'FREQ=DAILY;COUNT=-1'],
	['no part of a rule', 'FREQ=DAILY;COUNT=2;FOO=1'],
	['no part of a rule', 'FREQ=DAILY;COUNT='],
	['twice', 'FREQ=DAILY;FREQ=WEEKLY;COUNT=2'],
	['UNTIL must be', 'FREQ=DAILY;UNTIL=tomorrow'],
	['no day of the calendar', 'FREQ=DAILY;UNTIL=20269999'],
	['cannot be followed', 'FREQ=DAILY;COUNT=2;BYDAY=ZZ'],
	['cannot be followed', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2'],
	['on none of the days', 'FREQ=WEEKLY;BYDAY=TU;COUNT=2'],
	['more than 400', 'FREQ=DAILY;COUNT=401'],
	['more than 400', 'FREQ=DAILY;COUNT=999999'],
	['no part of a rule', ''],
];

for (const [why, rule] of refused) {
	test(`"${rule}" is refused: ${why}`, () => {
		assert.throws(
			() => occurrencesOf(rule, wall('2026-01-01T09:00:00')),
			(error) => error instanceof Problem && error.code === 'recurrence-wrong' && error.text.includes(why),
		);
	});
}

test('a rule is kept in one form', () => {
	assert.equal(readRule(' rrule:freq=weekly;byday=mo,we;count=4 '), 'FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4');
});

test('what the wall shows at a moment is shown at that moment, but in the hour that comes twice', () => {
	const random = createRandom(11);
	for (let i = 0; i < 2000; i++) {
		const moment = new Date(Date.UTC(2026, 0, 1) + random.below(365 * 86_400) * 1000);
		const back = momentOf(wallOf(moment));
		const isTwice = moment.getTime() - back.getTime() === 3_600_000;
		assert.ok(isTwice || back.getTime() === moment.getTime());
		assert.equal(Date.parse(instantOf(moment)), moment.getTime());
	}
});
