// background_service: what the server does by itself now and then, as the parts above the rooms hand it in.

import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { invalidFields } from './problems.ts';
import type { Answer, Call, StandardRow } from './row.ts';

/** Something the server does every so often. */
export type Service = {
	readonly name: string;
	readonly title: string;
	/** Minutes between two times. */
	readonly everyMinutes: number;
	readonly isRunning: () => boolean;
	/** When it is due next; undefined when nothing is planned. */
	readonly next: () => Date | undefined;
	/** Does it once. Gives whether it was done, or another process was at it. */
	readonly run: () => Promise<'done' | 'busy'>;
};

type Status = 'executed' | 'already_running' | 'not_due' | 'error';

const statuses: Readonly<Record<Status, number>> = { executed: 200, already_running: 409, not_due: 409, error: 500 };

function shown({ name, title, everyMinutes, isRunning, next }: Service): object {
	return { name, title, active: true, running: isRunning(), execute_interval: everyMinutes, next_run: next()?.toISOString() ?? null };
}

/** Runs a service when it is due, or at once. */
async function runOnce(ctx: FhirCtx, service: Service, force: boolean): Promise<Status> {
	if (service.isRunning()) return 'already_running';
	const next = service.next();
	if (!force && (next === undefined || next > ctx.clock.now())) return 'not_due';
	try {
		return (await service.run()) === 'done' ? 'executed' : 'already_running';
	} catch (error) {
		ctx.log.warn({ requestId: ctx.requestId, service: service.name, code: (error as { code?: string }).code }, 'a service failed');
		return 'error';
	}
}

/** The rows over the services of this server. */
export function backgroundServiceRows(services: readonly Service[]): StandardRow[] {
	const find = ({ params }: Call): Service => {
		const found = services.find(({ name }) => name === params.name);
		if (found === undefined) throw new Problem('not-found', 'service-unknown', 'Service not found');
		return found;
	};
	const common = { resource: 'background_service', style: 'bare' } as const;
	return [
		{
			...common,
			method: 'GET',
			path: '/background_service',
			does: 'search',
			right: 'admin.super',
			summary: 'What the server does by itself',
			run: async () => ({ data: services.map(shown) }),
		},
		{
			...common,
			method: 'GET',
			path: '/background_service/:name',
			does: 'read',
			right: 'admin.super',
			summary: 'One of these services',
			run: async (_ctx, call) => ({ data: shown(find(call)) }),
		},
		{
			...common,
			method: 'POST',
			path: '/background_service/:name/run',
			does: 'create',
			right: 'admin.super',
			summary: 'Runs a service when it is due, or at once with `force`',
			async run(ctx, call): Promise<Answer> {
				const { force = false } = call.body;
				if (typeof force !== 'boolean')
					throw invalidFields([{ field: 'force', code: 'InArray::NOT_IN_ARRAY', text: 'force must be true or false' }]);
				const service = find(call);
				const status = await runOnce(ctx, service, force);
				return { data: { service: service.name, status }, status: statuses[status] };
			},
		},
		{
			...common,
			method: 'POST',
			path: '/background_service/$run',
			does: '$run',
			right: 'admin.super',
			summary: 'Runs every service that is due',
			async run(ctx): Promise<Answer> {
				const results: object[] = [];
				for (const service of services) results.push({ name: service.name, status: await runOnce(ctx, service, false) });
				return { data: { results } };
			},
		},
	];
}
