// What a workload is.
import type { Finding } from '../finding.ts';
import type { Stage } from '../stage.ts';

export type Workload = {
	readonly name: string;
	readonly run: (stage: Stage) => Promise<Finding[]>;
};
