// Medical equipment: implants and devices that the patient has.
import { type Draft, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept } from '#exchange/documents/ccda/kept.ts';
import type { Device } from '#exchange/documents/shapes.ts';
import { codeWords, conceptWords, dateWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, nothing } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

export function equipment(draft: Draft): Section {
	return tableSection(
		'medical-equipment',
		['Device', 'Name', 'Status', 'Manufacturer', 'Model', 'Lot', 'Serial number', 'Made', 'Expires', 'Unique device identifier'],
		draft.record.list<Device>('Device').map((device) => {
			const id = rowId('medical-equipment', device);
			return {
				id,
				cells: [
					conceptWords(device.type),
					(device.deviceName ?? []).map(({ name }) => name ?? '').join(', '),
					codeWords(device.status),
					device.manufacturer,
					device.modelNumber,
					device.lotNumber,
					device.serialNumber,
					dateWords(device.manufactureDate),
					dateWords(device.expirationDate),
					udiOf(device),
				],
				entry: element(
					'supply',
					{ classCode: 'SPLY', moodCode: 'EVN' },
					template('supply'),
					ownId(draft, device, 'supply'),
					pointer(id),
					status(device.status === 'active' ? 'active' : 'completed'),
					nothing('effectiveTime'),
					element('participant', { typeCode: 'PRD' }, productInstance(draft, device)),
					kept(device, 'detail'),
				),
			};
		}),
	);
}

function udiOf({ udiCarrier, distinctIdentifier }: Device): string | undefined {
	return udiCarrier?.[0]?.carrierHRF ?? udiCarrier?.[0]?.deviceIdentifier ?? distinctIdentifier;
}

const udiRoot = '2.16.840.1.113883.3.3719';

/** A device as a Product Instance, by its UDI where it has one. */
export function productInstance(draft: Draft, device: Device): Element {
	const udi = udiOf(device);
	return element(
		'participantRole',
		{ classCode: 'MANU' },
		template('product instance'),
		udi === undefined ? undefined : element('id', { assigningAuthorityName: 'FDA', root: udiRoot, extension: udi }),
		ownId(draft, device),
		element(
			'playingDevice',
			{},
			code('code', device.type, { systems: [snomed] }),
			device.modelNumber === undefined ? undefined : element('manufacturerModelName', {}, device.modelNumber),
		),
		element(
			'scopingEntity',
			{},
			udi === undefined ? nothing('id') : element('id', { root: udiRoot }),
			device.manufacturer === undefined ? undefined : element('desc', {}, device.manufacturer),
		),
	);
}
