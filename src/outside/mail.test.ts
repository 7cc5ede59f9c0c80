// Mail, read by a small SMTP server: what is sent arrives as it was meant, and addresses cannot smuggle in others.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { createMail } from './mail.ts';

type Received = { readonly to: string[]; readonly data: string };

const received: Received[] = [];
const server = createServer((socket) => {
	let to: string[] = [];
	let data: string | undefined;
	const say = (line: string): void => void socket.write(`${line}\r\n`);
	let rest = '';
	say('220 test');
	socket.setEncoding('utf8').on('data', (chunk) => {
		rest += chunk;
		for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
			const line = rest.slice(0, end);
			rest = rest.slice(end + 2);
			if (data !== undefined) {
				if (line !== '.') data += `${line}\n`;
				else {
					received.push({ to, data });
					[to, data] = [[], undefined];
					say('250 taken');
				}
			} else if (/^RCPT TO:/i.test(line)) {
				to.push(line.slice(8));
				say(line.includes('refused@') ? '550 no' : '250 ok');
			} else if (/^DATA/i.test(line)) {
				data = '';
				say('354 go on');
			} else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
			else say('250 ok');
		}
	});
	socket.on('error', () => undefined);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const mail = createMail(`smtp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, 'Clinic <no-reply@clinic.example>');
after(() => {
	mail.close();
	server.close();
});

test('a letter arrives', async () => {
	await mail.send({
		to: 'ann@example.org',
		subject: 'Contraseña',
		text: 'Hola Ann\n\nhttps://ehr.example.org/account/new-password?key=abc\n',
	});
	const [letter] = received;
	assert.deepEqual(letter?.to, ['<ann@example.org>']);
	assert.match(letter?.data ?? '', /^From: Clinic <no-reply@clinic\.example>$/m);
	assert.match(letter?.data ?? '', /^Subject: =\?UTF-8\?/m);
	assert.match(letter?.data ?? '', /new-password\?key=abc/);
});

test('an address or subject with more in it reaches nobody else', async () => {
	received.length = 0;
	const to = ['ann@example.org, eve@evil.example', 'ann@example.org\r\nBcc: eve@evil.example', 'x <eve@evil.example>, ann@example.org'];
	for (const one of to) await mail.send({ to: one, subject: 'Hi\r\nBcc: eve@evil.example', text: 'x' }).catch(() => undefined);
	assert.ok(
		received.every((letter) => letter.to.length === 1 && !/^Bcc:/m.test(letter.data)),
		JSON.stringify(received),
	);
});

test('what the server refuses, and a server that is away, is a problem', async () => {
	await assert.rejects(mail.send({ to: 'refused@example.org', subject: 'x', text: 'x' }), { code: 'mail-not-sent', status: 503 });
	const away = createMail('smtp://127.0.0.1:1', 'a@example.org');
	await assert.rejects(away.send({ to: 'ann@example.org', subject: 'x', text: 'x' }), { code: 'mail-not-sent' });
	away.close();
});
