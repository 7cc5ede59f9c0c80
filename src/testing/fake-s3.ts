// Enough of Amazon S3's protocol for the blob store: PUT, GET with Range, HEAD, DELETE and ListObjectsV2 with pages, addressed by path.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

type Kept = { readonly bytes: Buffer; modified: Date };

export type FakeS3 = {
	readonly endpoint: string;
	/** What is in it, by bucket and key (`bucket/prefix/ab/cdef`). */
	readonly objects: Map<string, Kept>;
	/** Requests answered, as `METHOD path`. */
	readonly seen: string[];
	/** While true every request fails with 503. */
	broken: boolean;
	close(): Promise<void>;
};

/** Listens on a free port of the loopback. Lists have `pageSize` keys. */
export async function startFakeS3(pageSize = 2): Promise<FakeS3> {
	const objects = new Map<string, Kept>();
	const seen: string[] = [];
	const server = createServer((request, response) => {
		handle(request, response).catch(() => response.destroy());
	});
	const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
		const url = new URL(request.url ?? '/', 'http://s3');
		const path = decodeURIComponent(url.pathname.slice(1));
		seen.push(`${request.method} ${path}`);
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		if (fake.broken) return failed(response, 503, 'SlowDown');
		if (!/^AWS4-HMAC-SHA256 Credential=/.test(request.headers.authorization ?? '')) return failed(response, 403, 'AccessDenied');
		const found = objects.get(path);
		if (url.searchParams.get('list-type') === '2') return list(path, url.searchParams, response);
		if (request.method === 'PUT') {
			objects.set(path, { bytes: Buffer.concat(chunks), modified: new Date() });
			response.writeHead(200, { etag: '"x"' }).end();
		} else if (request.method === 'DELETE') {
			objects.delete(path);
			response.writeHead(204).end();
		} else if (found === undefined) failed(response, 404, 'NoSuchKey');
		else send(request, response, found);
	};
	const list = (bucket: string, query: URLSearchParams, response: ServerResponse): void => {
		const start = `${bucket.replace(/\/$/, '')}/`;
		const keys = [...objects.keys()]
			.filter((key) => key.startsWith(start + (query.get('prefix') ?? '')))
			.map((key) => key.slice(start.length))
			.sort();
		const from = Number(query.get('continuation-token') ?? 0);
		const page = keys.slice(from, from + pageSize);
		const more = from + pageSize < keys.length;
		const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
		const next = more ? `<NextContinuationToken>${from + pageSize}</NextContinuationToken>` : '';
		response.writeHead(200, { 'content-type': 'application/xml' });
		response.end(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${contents}${next}</ListBucketResult>`);
	};
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as { port: number };
	const fake: FakeS3 = {
		endpoint: `http://127.0.0.1:${port}`,
		objects,
		seen,
		broken: false,
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			}),
	};
	return fake;
}

function send(request: IncomingMessage, response: ServerResponse, { bytes, modified }: Kept): void {
	const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
	const part = range === null ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
	const headers = { 'content-length': part.length, 'last-modified': modified.toUTCString(), etag: '"x"' };
	response.writeHead(range === null ? 200 : 206, headers);
	response.end(request.method === 'HEAD' ? undefined : part);
}

function failed(response: ServerResponse, status: number, code: string): void {
	response.writeHead(status, { 'content-type': 'application/xml' });
	response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}
