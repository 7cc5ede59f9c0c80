// A reporter for logs: the failures in full, then the counts.
export default async function* summary(source) {
	const counts = {};
	for await (const { type, data } of source) {
		if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') {
			const cause = data.details.error?.cause ?? data.details.error;
			yield `\n✖ ${data.file?.replace(`${process.cwd()}/`, '')}: ${data.name}\n${cause?.stack ?? cause}\n`;
		}
		if (type === 'test:summary' && data.file === undefined) Object.assign(counts, data.counts, { duration: data.duration_ms });
	}
	yield `\nℹ tests ${counts.tests}\nℹ pass ${counts.passed}\nℹ fail ${(counts.tests ?? 0) - (counts.passed ?? 0) - (counts.skipped ?? 0)}\nℹ skipped ${counts.skipped}\nℹ duration_ms ${Math.round(counts.duration ?? 0)}\n`;
}
