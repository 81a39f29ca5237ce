import {
  fromJson,
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { isSecret, longEnum, nearest, shortEnum } from './names.ts';

/** Arguments that do not fit a tool's schema; the message says which one, why, and what would. */
export class BadArguments extends Error {
  override name = 'BadArguments';
  /** The names that were perhaps meant, nearest first. */
  readonly nearest: readonly string[];
  constructor(message: string, near: readonly string[] = []) {
    super(message);
    this.nearest = near;
  }
}

/** Turns a tool's arguments into its request; throws BadArguments. Null stands for an absent argument. */
export function requestOf(message: DescMessage, args: unknown): Message {
  const json = objectOf(message, args ?? {}, '');
  try {
    return fromJson(message, json);
  } catch (error) {
    // protobuf-es names the field and the expected type; only its full names are of no use here.
    const text = error instanceof Error ? error.message : String(error);
    throw new BadArguments(text.replaceAll(`${message.typeName}.`, ''));
  }
}

function objectOf(message: DescMessage, value: unknown, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadArguments(`${path || 'The arguments'} must be an object.`);
  }
  const json: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const name = path ? `${path}.${key}` : key;
    const field = message.fields.find((one) => one.name === key || one.jsonName === key);
    if (!field) throw unknownArgument(message, name, key);
    if (isSecret(field)) throw secretArgument(name);
    if (item !== null && item !== undefined) json[field.name] = valueOf(field, item, name);
  }
  return json;
}

function valueOf(field: DescField, value: unknown, path: string): JsonValue {
  if (field.fieldKind !== 'list') return itemOf(field, value, path);
  if (!Array.isArray(value)) throw new BadArguments(`${path} must be a list.`);
  return value.map((item, index) => itemOf(field, item, `${path}[${index}]`));
}

function itemOf(field: DescField, value: unknown, path: string): JsonValue {
  if (field.enum) return enumOf(field.enum, value, path);
  const isOurs = field.message?.typeName.startsWith('serverflow.') === true;
  if (field.message && isOurs) return objectOf(field.message, value, path);
  if (typeof value === 'object') throw new BadArguments(`${path} must be a plain value.`);
  return value as JsonValue;
}

function enumOf(desc: DescEnum, value: unknown, path: string): JsonValue {
  const given = String(value);
  const name = longEnum(desc, given.toLowerCase()) ?? longEnum(desc, shortEnum(desc, given));
  if (name) return name;
  const names = desc.values.map((one) => shortEnum(desc, one.name)).filter(Boolean);
  throw new BadArguments(
    `${path} must be one of ${names.join(', ')}, not ${given.slice(0, 60)}.`,
    nearest(given, names),
  );
}

function unknownArgument(message: DescMessage, path: string, key: string): BadArguments {
  const names = message.fields.filter((field) => !isSecret(field)).map((field) => field.name);
  const has = names.length > 0 ? `There are ${names.join(', ')}` : 'There are none';
  return new BadArguments(
    `There is no argument ${path.slice(0, 80)}. ${has}.`,
    nearest(key, names),
  );
}

function secretArgument(path: string): BadArguments {
  return new BadArguments(
    `${path} carries a secret, which an AI client may not give. Ask the person to set it in the dashboard, ` +
      'or leave it out.',
  );
}
