// What a module's default export is, as far as it can be told without running it.

import type { AnyNode, Expression, ObjectExpression, Program } from 'acorn';
import type { UdfForm } from './udf.ts';

/** `unknown`: only running it can tell. `wrong`: no use of it can succeed. */
export type StaticForm =
  | { readonly kind: UdfForm | 'unknown' }
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong'; readonly why: string; readonly node: AnyNode };

export const FORMS = 'a function, { map }, { filter } or { init, visit, join }';

export function formOf(program: Program): StaticForm {
  for (const statement of program.body) {
    if (statement.type === 'ExportDefaultDeclaration') return formOfNode(program, statement.declaration);
    if (statement.type !== 'ExportNamedDeclaration') continue;
    for (const specifier of statement.specifiers) {
      const { exported, local } = specifier;
      const name = exported.type === 'Identifier' ? exported.name : exported.value;
      if (name === 'default' && local.type === 'Identifier') return formOfNode(program, local);
    }
  }
  return { kind: 'none' };
}

/** What `parts` of an object make, or what is missing. */
export function formOfParts(parts: ReadonlySet<string>): UdfForm | { readonly why: string } {
  if (parts.has('map')) return 'map';
  if (parts.has('filter')) return 'filter';
  const missing = ['init', 'visit', 'join'].filter((name) => !parts.has(name));
  if (missing.length === 0) return 'aggregate';
  if (missing.length === 3) return { why: `has none of these: it must be ${FORMS}` };
  return { why: `is an aggregate without ${missing.join(' and ')}` };
}

function formOfNode(program: Program, node: AnyNode): StaticForm {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return { kind: 'function' };
    case 'ObjectExpression':
      return formOfObject(node);
    case 'ParenthesizedExpression':
      return formOfNode(program, node.expression);
    case 'Identifier':
      return formOfName(program, node.name);
    case 'ClassDeclaration':
    case 'ClassExpression':
      return { kind: 'wrong', why: `is a class: it must be ${FORMS}`, node };
    case 'Literal':
    case 'TemplateLiteral':
    case 'ArrayExpression':
      return { kind: 'wrong', why: `is a value: it must be ${FORMS}`, node };
    default:
      return { kind: 'unknown' };
  }
}

function formOfObject(node: ObjectExpression): StaticForm {
  const parts = new Set<string>();
  for (const property of node.properties) {
    if (property.type === 'SpreadElement' || property.computed) return { kind: 'unknown' };
    const { key } = property;
    if (key.type === 'Identifier') parts.add(key.name);
    else if (key.type === 'Literal') parts.add(String(key.value));
  }
  const form = formOfParts(parts);
  return typeof form === 'string' ? { kind: form } : { kind: 'wrong', why: form.why, node };
}

/** A name that the module declares once, as a constant or function. */
function formOfName(program: Program, name: string): StaticForm {
  for (const statement of program.body) {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declared?.type === 'FunctionDeclaration' && declared.id.name === name) return { kind: 'function' };
    if (declared?.type === 'ClassDeclaration' && declared.id.name === name) return formOfNode(program, declared);
    if (declared?.type !== 'VariableDeclaration' || declared.kind !== 'const') continue;
    const init: Expression | null | undefined = declared.declarations.find(
      ({ id }) => id.type === 'Identifier' && id.name === name,
    )?.init;
    if (init?.type === 'Identifier') return { kind: 'unknown' };
    if (init !== undefined && init !== null) return formOfNode(program, init);
  }
  return { kind: 'unknown' };
}
