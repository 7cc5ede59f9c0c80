// What a check finds.

export type Finding = {
	/** `note` is worth knowing, `warning` may become a failure, `failure` is one. */
	readonly level: 'fine' | 'note' | 'warning' | 'failure';
	readonly what: string;
	readonly text: string;
};

const finder =
	(level: Finding['level']) =>
	(what: string, text: string): Finding => ({ level, what, text });

export const fine = finder('fine');
export const note = finder('note');
export const warning = finder('warning');
export const failure = finder('failure');
