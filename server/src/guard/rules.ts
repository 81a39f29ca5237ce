import type { DescMessage, Message } from '@bufbuild/protobuf';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { comments } from '@serverflow/gen/es/comments';
import { registry } from '../doors/registry.ts';
import { problem, Reason } from './problems.ts';

const validator = createValidator({ registry });

/** Checks a message against the rules of the contract; throws INVALID_ARGUMENT with every field that breaks one. */
export function validate(schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === 'valid') return;
  if (result.kind === 'error') throw result.error;
  const violations = result.violations.map((violation) => ({
    field: violation.field
      .map((part) =>
        'name' in part ? part.name : part.kind === 'list_sub' ? `[${part.index}]` : '',
      )
      .join('.'),
    description: describe(violation),
  }));
  const first = violations[0] ?? { field: 'request', description: 'is not valid' };
  throw problem(
    Reason.INVALID_ARGUMENT,
    { field: first.field, violation: first.description },
    { violations },
  );
}

/** A rule's own words, or, for a pattern that nobody wants to read, what the contract says of the field. */
function describe(violation: Violation): string {
  const field = violation.field.at(-1);
  const comment =
    field && 'parent' in field && field.parent && 'name' in field
      ? comments[`${field.parent.typeName}.${field.name}`]
      : undefined;
  return violation.ruleId === 'string.pattern' && comment
    ? `is not what it must be: ${comment}`
    : violation.message;
}
