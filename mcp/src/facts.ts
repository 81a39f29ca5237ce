import {
  toJson,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { isSecret, shortEnum } from './names.ts';
import { hostileFields, longestText, plain } from './text.ts';

/** How much of an answer is shown: characters of one text, items of one list. */
export interface Extent {
  text: number;
  items: number;
}

/** The widest extent; what fits is shown as it is. */
export const everything: Extent = { text: longestText, items: 1000 };

/** An answer as a model reads it, and what it should know of it. */
export interface Facts {
  json: JsonObject;
  /** The paths of fields whose text comes from servers or commits, such as lines.text. */
  hostile: Set<string>;
  /** What was left out, such as "steps: 10 of 40 shown". */
  cut: Set<string>;
}

/**
 * Returns a message as JSON with the contract's field names, short enum names and clean text. The message and
 * what it holds directly are shown whole, so that empty is seen as empty; what lies deeper only where it is set.
 */
export function factsOf(desc: DescMessage, message: Message, extent: Extent): Facts {
  const facts: Facts = { json: {}, hostile: new Set(), cut: new Set() };
  const json = toJson(desc, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  facts.json = walkOf(extent, facts)(desc, json as JsonObject, '', 2);
  return facts;
}

function walkOf(extent: Extent, facts: Facts) {
  function object(desc: DescMessage, json: JsonObject, path: string, whole: number): JsonObject {
    const entries: [string, JsonValue][] = [];
    for (const field of desc.fields) {
      const given = json[field.name];
      if (given === undefined || isSecret(field)) continue;
      const shown = value(field, given, path ? `${path}.${field.name}` : field.name, whole - 1);
      if (whole > 0 || !isEmpty(shown)) entries.push([field.name, shown]);
    }
    return Object.fromEntries(entries);
  }
  function value(field: DescField, json: JsonValue, path: string, whole: number): JsonValue {
    if (!Array.isArray(json)) return item(field, json, path, whole);
    if (json.length > extent.items)
      facts.cut.add(`${path}: ${extent.items} of ${json.length} shown`);
    return json.slice(0, extent.items).map((one) => item(field, one, path, 0));
  }
  function item(field: DescField, json: JsonValue, path: string, whole: number): JsonValue {
    if (field.enum) return shortEnum(field.enum, String(json));
    if (typeof json === 'string') {
      const isHostile = hostileFields.has(`${field.parent.typeName}.${field.name}`);
      if (isHostile && json !== '') facts.hostile.add(path);
      return plain(json, extent.text);
    }
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
    return field.message && isObject ? object(field.message, json, path, whole) : json;
  }
  return object;
}

function isEmpty(json: JsonValue): boolean {
  return json === '' || json === 0 || json === false || (Array.isArray(json) && json.length === 0);
}
