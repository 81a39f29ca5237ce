import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { hostileFields, type Fence } from './text.ts';

/** Writes facts as short text, one line each, text of others inside the fence. */
export function render(desc: DescMessage, json: JsonObject, fence: Fence): string {
  return object(desc, json, '', fence).join('\n');
}

function object(desc: DescMessage, json: JsonObject, indent: string, fence: Fence): string[] {
  return desc.fields.flatMap((field) => {
    const value = json[field.name];
    return value === undefined ? [] : property(field, value, indent, fence);
  });
}

function property(field: DescField, value: JsonValue, indent: string, fence: Fence): string[] {
  const label = `${indent}${field.name}:`;
  if (Array.isArray(value)) return list(field, value, label, indent, fence);
  if (value === '' || value === null) return [];
  if (field.message && typeof value === 'object') {
    return [label, ...object(field.message, value, `${indent}  `, fence)];
  }
  return [`${label} ${scalar(field, value, fence)}`];
}

function list(
  field: DescField,
  values: JsonValue[],
  label: string,
  indent: string,
  fence: Fence,
): string[] {
  if (values.length === 0) return [`${label} none`];
  if (isLog(field)) return [label, fence(values.map(logLine).join('\n'))];
  if (!field.message) {
    if (isHostile(field)) return [label, fence(values.join('\n'))];
    return [`${label} ${values.join(', ')}`];
  }
  const { message } = field;
  return [
    label,
    ...values.flatMap((value) => {
      const lines = object(message, value as JsonObject, `${indent}  `, fence);
      // The first line of an item takes the dash in place of its indentation.
      return lines.map((line, index) => (index === 0 ? `${indent}- ${line.trimStart()}` : line));
    }),
  ];
}

function scalar(field: DescField, value: JsonValue, fence: Fence): string {
  const text = String(value);
  if (isHostile(field)) return fence(text);
  // A line of its own would look like a field.
  return text.includes('\n') ? JSON.stringify(text) : text;
}

function isHostile(field: DescField): boolean {
  return hostileFields.has(`${field.parent.typeName}.${field.name}`);
}

function isLog(field: DescField): boolean {
  return field.message?.typeName === 'serverflow.log.v1.LogLine';
}

/** A log line as people read it: time of day, a mark for standard error and ServerFlow itself, text. */
function logLine(value: JsonValue): string {
  const { time, stream, text } = value as JsonObject;
  const mark = stream === 'stderr' ? '! ' : stream === 'system' ? '# ' : '';
  return `${String(time ?? '').slice(11, 23)} ${mark}${String(text ?? '')}`;
}
