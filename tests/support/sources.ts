import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import ts from 'typescript';

/** One import, re-export or dynamic import: what it names, and whether it leaves something at run time. */
export interface Import {
  /** A path from the repository's root without extension rules applied, or a bare package name such as `node:fs`. */
  target: string;
  line: number;
  typeOnly: boolean;
}

/** A file we wrote, by its path from the root, with slashes. */
export interface Source {
  path: string;
  text: string;
  imports: Import[];
  /** Lines of code, not of strings or comments, that read the process's environment. */
  environment: number[];
}

const rooms = ['agent', 'bench', 'mcp', 'scripts', 'server', 'tests', 'web/src'];
const skipped = /(^|\/)(node_modules|paraglide|\.svelte-kit|build|\.cache)$/;

/** Every .ts and .svelte file of ours under the root; generated code is not ours. */
export function readSources(root: string): Source[] {
  return rooms
    .map((room) => join(root, room))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => files(root, folder))
    .map((path) => source(path, readFileSync(join(root, path), 'utf8')));
}

/** The source at that path from the root, as if it had this text. */
export function source(path: string, text: string): Source {
  // Blanks keep the line numbers of a Svelte file's script.
  const script = path.endsWith('.svelte') ? scripts(text) : text;
  const tree = ts.createSourceFile(path, script, ts.ScriptTarget.Latest);
  return { path, text, imports: imports(path, tree), environment: environment(tree) };
}

function files(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = relative(root, path).replaceAll('\\', '/');
    if (entry.isDirectory()) return skipped.test(name) ? [] : files(root, path);
    return /\.(ts|svelte)$/.test(entry.name) ? [name] : [];
  });
}

function imports(path: string, tree: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (name: ts.Node | undefined, typeOnly: boolean) => {
    if (!name || !ts.isStringLiteralLike(name)) return;
    const line = tree.getLineAndCharacterOfPosition(name.pos).line + 1;
    found.push({ target: resolve(path, name.text), line, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && isLoad(node.expression)) add(node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

// process.env, process['env'], { env } = process, and env from node:process.
function environment(tree: ts.SourceFile): number[] {
  const lines: number[] = [];
  const visit = (node: ts.Node): void => {
    if (readsEnvironment(node)) {
      lines.push(tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return lines;
}

function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node))
    return isProcess(node.expression) && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) {
    const key = node.argumentExpression;
    return isProcess(node.expression) && ts.isStringLiteralLike(key) && key.text === 'env';
  }
  if (ts.isVariableDeclaration(node)) {
    return node.initializer !== undefined && isProcess(node.initializer);
  }
  return (
    ts.isImportDeclaration(node) &&
    ts.isStringLiteral(node.moduleSpecifier) &&
    /^(node:)?process$/.test(node.moduleSpecifier.text) &&
    node.importClause?.namedBindings !== undefined &&
    ts.isNamedImports(node.importClause.namedBindings) &&
    node.importClause.namedBindings.elements.some(
      ({ name, propertyName }) => (propertyName ?? name).text === 'env',
    )
  );
}

function isProcess(node: ts.Expression): boolean {
  return ts.isIdentifier(node) && node.text === 'process';
}

function scripts(text: string): string {
  let script = '';
  let end = 0;
  for (const match of text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)) {
    const start = match.index + match[0].indexOf('>') + 1;
    script += text.slice(end, start).replaceAll(/[^\n]/g, ' ') + match[1];
    end = start + (match[1]?.length ?? 0);
  }
  return script;
}

function isTypeImport(node: ts.ImportDeclaration): boolean {
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function isLoad(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  if (specifier.startsWith('#lib/')) return `web/src/lib/${specifier.slice(5)}`;
  if (specifier.startsWith('@serverflow/')) return specifier.slice('@serverflow/'.length);
  const bare = specifier.split('/');
  return bare.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
