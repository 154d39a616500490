// What is found out about a UDF before it is sent: that it can be read, has one usable default export,
// imports nothing, and uses no name that it or every kind of member does not have. Each finding
// has line and column for the editor.

import type { AnyNode, parse as parseModule, Program } from 'acorn';
import { MeshError } from '@shoal/shared';
import { columnInSource, compileUdf, syntaxError, type CompiledUdf } from './udf-compile.ts';
import { FORMS, formOf } from './udf-form.ts';
import { ALLOWED_GLOBALS, CODE_REFUSAL, whyRefused } from './udf-globals.ts';
import { freeNames, type FreeName } from './udf-scope.ts';
import type { Udf, UdfForm } from './udf.ts';

export interface CheckedUdf {
  readonly code: string;
  readonly form: UdfForm | 'unknown';
}

/** Throws `bad-udf`, its detail `{ line, column, name }`. acorn and sucrase are loaded on the first call. */
export async function checkUdf(udf: Udf): Promise<CheckedUdf> {
  const compiled = await compileUdf(udf.source, udf.fileName);
  const [acorn, { fullAncestor }] = await Promise.all([import('acorn'), import('acorn-walk')]);
  const program = parse(acorn.parse, compiled, udf.fileName);
  const report = (node: AnyNode, name: string, message: string): MeshError => {
    const place = { line: node.loc?.start.line ?? 1, column: (node.loc?.start.column ?? 0) + 1 };
    const column = columnInSource(udf.source, compiled.code, place);
    return new MeshError('bad-udf', message.replace('@', `line ${place.line}`), {
      detail: { line: place.line, ...(column === undefined ? {} : { column }), name },
    });
  };
  fullAncestor(program, (node) => refuseImports(node, report));
  const form = formOf(program);
  if (form.kind === 'none') {
    const message = `${udf.fileName} has no default export; write "export default" before ${FORMS}.`;
    throw new MeshError('bad-udf', message, { detail: { line: 1, column: 1, name: 'default' } });
  }
  if (form.kind === 'wrong') throw report(form.node, 'default', `The default export (@) ${form.why}.`);
  for (const free of freeNames(program, fullAncestor)) {
    const message = refusalOf(free);
    if (message !== undefined) throw report(free.node, free.name, message);
  }
  return { code: compiled.code, form: form.kind };
}

function parse(parseCode: typeof parseModule, compiled: CompiledUdf, fileName: string): Program {
  try {
    return parseCode(compiled.code, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch (error) {
    throw syntaxError(error, fileName);
  }
}

type Report = (node: AnyNode, name: string, message: string) => MeshError;

function refuseImports(node: AnyNode, report: Report): void {
  const alone = 'a function stands alone in its file, with its helpers beside it';
  switch (node.type) {
    case 'ImportDeclaration':
      throw report(node, String(node.source.value), `import of "${String(node.source.value)}" (@): ${alone}.`);
    case 'ImportExpression':
      throw report(node, 'import', `import() (@): ${alone}.`);
    case 'ExportAllDeclaration':
      throw report(node, String(node.source.value), `export from "${String(node.source.value)}" (@): ${alone}.`);
    case 'ExportNamedDeclaration':
      if (node.source === undefined || node.source === null) return;
      throw report(node, String(node.source.value), `export from "${String(node.source.value)}" (@): ${alone}.`);
    case 'MetaProperty':
      if (node.meta.name === 'import')
        throw report(node, 'import.meta', `import.meta (@): a function has no address of its own.`);
      return;
    default:
  }
}

function refusalOf({ name, node, parent }: FreeName): string | undefined {
  const isCalled = (parent?.type === 'NewExpression' || parent?.type === 'CallExpression') && parent.callee === node;
  if (name === 'Function') return isCalled ? `Function (@): ${CODE_REFUSAL}.` : undefined;
  if (ALLOWED_GLOBALS.has(name)) return undefined;
  // Asking whether a name is there harms nobody; whoever then uses it is found by that use.
  if (parent?.type === 'UnaryExpression' && parent.operator === 'typeof') return undefined;
  const why = whyRefused(name);
  if (why !== undefined) return `${name} (@): ${why}.`;
  return `"${name}" (@) is not defined in the function's file; pass it in params.`;
}
