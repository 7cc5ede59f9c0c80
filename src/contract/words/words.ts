// Which language a page speaks, and its words.
import { en } from './sign-in.en.ts';
import { es } from './sign-in.es.ts';

export type Language = 'en' | 'es';
export type SignInWords = typeof en;

/** The languages we have, in their own words. */
export const languages: Readonly<Record<Language, string>> = { en: en.language, es: es.language };

export const signInWords: Readonly<Record<Language, SignInWords>> = { en, es };

/** The first language of these that we have; English when there is none. A text is a tag such as `es-MX`, or an Accept-Language list. */
export function chooseLanguage(...wanted: readonly (string | undefined)[]): Language {
	for (const text of wanted) {
		const tags = (text ?? '')
			.slice(0, 500)
			.split(',')
			.map((part) => {
				const [tag = '', ...parameters] = part.trim().split(';');
				const q = parameters.map((one) => /^\s*q=([01](?:\.\d{1,3})?)\s*$/.exec(one)?.[1]).find((one) => one !== undefined);
				return { base: tag.toLowerCase().split('-')[0] as string, q: Number(q ?? 1) };
			});
		const found = tags.filter(({ base, q }) => q > 0 && Object.hasOwn(languages, base)).sort((a, b) => b.q - a.q)[0];
		if (found !== undefined) return found.base as Language;
	}
	return 'en';
}

/** OpenID Connect's `ui_locales`, the best first with spaces between, as chooseLanguage takes it. */
export function listOfLocales(text: string | undefined): string | undefined {
	return text?.trim().split(/\s+/).join(',');
}
