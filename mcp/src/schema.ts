import {
  getOption,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
} from '@bufbuild/protobuf';
import {
  field as rulesOf,
  type FieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { comments } from '@serverflow/gen/es/comments';
import { isSecret, shortEnum } from './names.ts';

/** A JSON Schema, draft 2020-12, of the few keywords that our tools need. */
export interface JsonSchema {
  [keyword: string]: unknown;
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
}

/** A JSON Schema of an object. */
export interface ObjectSchema extends JsonSchema {
  type: 'object';
}

/**
 * The schema of a tool's arguments: every field with its comment and bounds, secrets left out. A nested
 * message that an earlier tool has shown in full is shown by names and types; shown says where. Bounds
 * that a word already states (a required text is not empty, a count not negative) are left out.
 */
export function inputSchema(
  message: DescMessage,
  tool: string,
  shown: Map<string, string>,
): ObjectSchema {
  const shape: Shape = { isInput: true, depth: 8, tool, shown };
  return objectOf(message, shape);
}

/** The schema of a tool's answer: names and types, two levels deep; what lies deeper is an object. */
export function outputSchema(message: DescMessage): ObjectSchema {
  return objectOf(message, { isInput: false, depth: 2, tool: '', shown: new Map() });
}

interface Shape {
  isInput: boolean;
  depth: number;
  /** The tool whose schema this is. */
  tool: string;
  /** The nested messages that were shown in full, by type, and the tool that did. */
  shown: Map<string, string>;
}

function objectOf(message: DescMessage, shape: Shape): ObjectSchema {
  if (shape.depth === 0) return { type: 'object' };
  const deeper = { ...shape, depth: shape.depth - 1 };
  const fields = message.fields.filter((field) => !isSecret(field));
  const properties = Object.fromEntries(
    fields.map((field) => [field.name, schemaOf(field, deeper)] as const),
  );
  const required = shape.isInput ? fields.filter(isRequired).map((field) => field.name) : [];
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

function schemaOf(field: DescField, shape: Shape): JsonSchema {
  const value = valueOf(field, getOption(field, rulesOf), shape);
  if (!shape.isInput) return value;
  const comment = comments[`${field.parent.typeName}.${field.name}`] ?? '';
  const elsewhere = field.message ? shape.shown.get(field.message.typeName) : undefined;
  const isElsewhere = elsewhere !== undefined && elsewhere !== shape.tool;
  return { ...value, description: isElsewhere ? `${comment} As in ${elsewhere}.` : comment };
}

function valueOf(field: DescField, rules: FieldRules, shape: Shape): JsonSchema {
  switch (field.fieldKind) {
    case 'message':
      return messageOf(field.message, shape);
    case 'enum':
      return enumOf(field.enum, shape);
    case 'scalar':
      return scalarOf(field.scalar, rules, shape);
    case 'map':
      return { type: 'object' };
    case 'list':
      return { type: 'array', items: itemOf(field, rules, shape), ...sizesOf(rules) };
  }
}

function itemOf(field: DescField & { fieldKind: 'list' }, rules: FieldRules, shape: Shape) {
  const items = rules.type.case === 'repeated' ? rules.type.value.items : undefined;
  switch (field.listKind) {
    case 'message':
      return messageOf(field.message, shape);
    case 'enum':
      return enumOf(field.enum, shape);
    case 'scalar':
      return scalarOf(field.scalar, items, shape);
  }
}

function messageOf(message: DescMessage, shape: Shape): JsonSchema {
  if (message.typeName === 'google.protobuf.Timestamp') {
    return shape.isInput ? { type: 'string', format: 'date-time' } : { type: 'string' };
  }
  if (!shape.isInput) return objectOf(message, shape);
  const elsewhere = shape.shown.get(message.typeName) ?? shape.tool;
  shape.shown.set(message.typeName, elsewhere);
  return objectOf(message, elsewhere === shape.tool ? shape : { ...shape, isInput: false });
}

function enumOf(desc: DescEnum, shape: Shape): JsonSchema {
  const names = desc.values.map((value) => shortEnum(desc, value.name)).filter(Boolean);
  return shape.isInput ? { type: 'string', enum: names } : { type: 'string' };
}

function scalarOf(scalar: ScalarType, rules: FieldRules | undefined, shape: Shape): JsonSchema {
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.STRING:
      return { type: 'string', ...(shape.isInput && textBounds(rules)) };
    case ScalarType.DOUBLE:
      return { type: 'number', ...(shape.isInput && numberBounds(rules)) };
    case ScalarType.UINT32:
      return { type: 'integer', ...(shape.isInput && numberBounds(rules)) };
    case ScalarType.INT32:
      return { type: 'integer', ...(shape.isInput && numberBounds(rules)) };
    default:
      throw new Error(`No tool can carry a field of scalar type ${ScalarType[scalar]}.`);
  }
}

function textBounds(rules: FieldRules | undefined): object {
  if (rules?.type.case !== 'string') return {};
  const { minLen, maxLen, pattern } = rules.type.value;
  return {
    ...(minLen > 1n && { minLength: Number(minLen) }),
    ...(maxLen > 0n && { maxLength: Number(maxLen) }),
    ...(pattern !== '' && { pattern }),
  };
}

function numberBounds(rules: FieldRules | undefined): object {
  const kind = rules?.type;
  if (kind?.case !== 'uint32' && kind?.case !== 'int32' && kind?.case !== 'double') return {};
  const { lessThan, greaterThan } = kind.value;
  return {
    ...(greaterThan.case === 'gte' && { minimum: greaterThan.value }),
    ...(greaterThan.case === 'gt' && { exclusiveMinimum: greaterThan.value }),
    ...(lessThan.case === 'lte' && { maximum: lessThan.value }),
    ...(lessThan.case === 'lt' && { exclusiveMaximum: lessThan.value }),
  };
}

function sizesOf(rules: FieldRules): object {
  if (rules.type.case !== 'repeated') return {};
  const { minItems, maxItems } = rules.type.value;
  return {
    ...(minItems > 0n && { minItems: Number(minItems) }),
    ...(maxItems > 0n && { maxItems: Number(maxItems) }),
  };
}

/** Whether a request without the field is always refused. */
function isRequired(field: DescField): boolean {
  const rules = getOption(field, rulesOf);
  if (rules.required) return true;
  if (field.presence === 1) return false;
  const kind = rules.type;
  if (kind.case === 'enum') return kind.value.notIn.includes(0);
  if (kind.case === 'repeated') return kind.value.minItems > 0n;
  if (kind.case !== 'string') return false;
  return kind.value.minLen > 0n || !new RegExp(kind.value.pattern, 'u').test('');
}
