// Mail through the SMTP server that the settings name (nodemailer).
import { createTransport } from 'nodemailer';
import { Problem } from '#base/problem.ts';

export type Letter = { readonly to: string; readonly subject: string; readonly text: string };

export type Mail = {
	/** Resolves when the server has taken it. Throws Problem unavailable `mail-not-sent`. */
	send(letter: Letter): Promise<void>;
	close(): void;
};

/** `url`: smtp://user:password@host:587 (STARTTLS when the server has it) or smtps://…:465. */
export function createMail(url: string, from: string): Mail {
	const transport = createTransport(url, { from, disableFileAccess: true, disableUrlAccess: true });
	return {
		async send(letter) {
			try {
				await transport.sendMail({ ...letter, to: { name: '', address: letter.to } });
			} catch (error) {
				throw new Problem('unavailable', 'mail-not-sent', 'The mail server did not take the message.', { cause: error });
			}
		},
		close: () => transport.close(),
	};
}
