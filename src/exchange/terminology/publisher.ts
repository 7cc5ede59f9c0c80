// What a reader of a publisher's files gives.
import type { LoadedConcept, LoadedSystem } from '#fhir/terminology/load.ts';
import type { Release, ReleaseFile } from './release.ts';

export type Publisher = {
	/** Name on the command line. */
	readonly kind: string;
	/** For help texts: what is loaded, and where it comes from. */
	readonly about: string;
	/** Whether the release is one of its own, by the names of its files. */
	readonly knows: (release: Release) => boolean;
	readonly read: (release: Release) => Promise<Loading>;
};

export type Loading = { readonly system: Omit<LoadedSystem, 'origin'>; readonly concepts: AsyncIterable<LoadedConcept> };

/** The first file whose name fits. */
export function fileLike(release: Release, name: RegExp): ReleaseFile | undefined {
	return release.files.find((file) => name.test(file.name.replaceAll('\\', '/')));
}

/** A publisher whose release is told and read by one file. */
export function oneFile(name: RegExp, read: (file: ReleaseFile, release: Release) => Loading): Pick<Publisher, 'knows' | 'read'> {
	return {
		knows: (release) => fileLike(release, name) !== undefined,
		read: async (release) => read(fileLike(release, name) as ReleaseFile, release),
	};
}

/** A year in the name of a release or of one of its files. */
export function yearIn(...names: readonly string[]): string | undefined {
	return names.map((name) => /(?:^|[^0-9])(20\d\d)(?:[^0-9]|$)/.exec(name)?.[1]).find((year) => year !== undefined);
}
