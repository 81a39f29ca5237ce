// A protoc plugin that keeps what protoc-gen-es drops: it writes gen/es/comments.ts, full name → comment.
// The comments of proto/ are the descriptions of MCP tools and of the API pages.
import type { AnyDesc, DescFile } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { createEcmaScriptPlugin, getComments, runNodeJs } from '@bufbuild/protoplugin';

function nameOf(desc: AnyDesc): string {
  switch (desc.kind) {
    case 'field':
    case 'rpc':
    case 'enum_value':
    case 'oneof':
      return `${desc.parent.typeName}.${desc.name}`;
    case 'file':
      return desc.name;
    default:
      return desc.typeName;
  }
}

function* commentsOf(file: DescFile): Iterable<[string, string]> {
  for (const type of nestedTypes(file)) {
    const parts: Exclude<AnyDesc, DescFile>[] = [type];
    if (type.kind === 'message') parts.push(...type.fields);
    if (type.kind === 'enum') parts.push(...type.values);
    if (type.kind === 'service') parts.push(...type.methods);
    for (const part of parts) {
      const text = getComments(part)
        .leading?.trim()
        .replace(/\s*\n\s*/g, ' ');
      if (text) yield [nameOf(part), text];
    }
  }
}

runNodeJs(
  createEcmaScriptPlugin({
    name: 'protoc-gen-comments',
    version: 'v1',
    generateTs(schema) {
      const file = schema.generateFile('comments.ts');
      file.print('// Generated from the comments of proto/ by protoc-gen-comments; never edited.');
      file.print(
        '/** The comment of each message, field, enum, value, service and method, by its full name. */',
      );
      file.print('export const comments: Readonly<Record<string, string>> = {');
      const ours = schema.files.filter((f) => f.proto.package.startsWith('serverflow.'));
      for (const [name, text] of ours.flatMap((f) => [...commentsOf(f)])) {
        file.print(`  ${JSON.stringify(name)}: ${JSON.stringify(text)},`);
      }
      file.print('};');
    },
  }),
);
