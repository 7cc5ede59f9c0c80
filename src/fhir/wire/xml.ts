// FHIR's XML (https://hl7.org/fhir/R4/xml.html) to its JSON form and back; see decision 0004 for why this is our own.

export { fromXml } from './xml-reader.ts';
export { toXml } from './xml-writer.ts';
