// Which names a module uses without having declared them: through hoisting, destructuring, catch clauses,
// classes, labels and shadowing. Two walks: the first notes what each scope declares, the second
// looks up every name, so that what is declared further down counts.

import type { AnyNode, Identifier, Pattern, Program } from 'acorn';
import type { fullAncestor } from 'acorn-walk';

export interface FreeName {
  readonly name: string;
  readonly node: Identifier;
  readonly parent: AnyNode | undefined;
}

type Scopes = Map<AnyNode, Set<string>>;

/** In the order of the source. `walk` is acorn-walk's `fullAncestor`, which the caller has loaded. */
export function freeNames(program: Program, walk: typeof fullAncestor): readonly FreeName[] {
  const scopes: Scopes = new Map();
  walk(program, (node, _state, ancestors) => declare(scopes, node, ancestors));
  const free: FreeName[] = [];
  walk(program, (node, _state, ancestors) => {
    if (node.type !== 'Identifier') return;
    const isBound = ancestors.some((scope) => scopes.get(scope)?.has(node.name) === true);
    if (!isBound) free.push({ name: node.name, node, parent: ancestors.at(-2) });
  });
  return free.sort((a, b) => a.node.start - b.node.start);
}

function declare(scopes: Scopes, node: AnyNode, ancestors: readonly AnyNode[]): void {
  switch (node.type) {
    case 'VariableDeclaration': {
      const owner = nearest(ancestors, node.kind === 'var' ? isFunctionScope : isBlockScope);
      for (const { id } of node.declarations) addPattern(scopes, owner, id);
      return;
    }
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      // `export default function () {}` has no name, whatever the types say.
      addName(scopes, nearest(ancestors, isBlockScope), node.id?.name);
      if (node.type === 'FunctionDeclaration') declareParameters(scopes, node);
      return;
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      addName(scopes, node, node.id?.name);
      declareParameters(scopes, node);
      return;
    case 'ClassExpression':
      addName(scopes, node, node.id?.name);
      return;
    case 'CatchClause':
      if (node.param !== undefined && node.param !== null) addPattern(scopes, node, node.param);
      return;
    case 'ImportDeclaration':
      for (const { local } of node.specifiers) addName(scopes, nearest(ancestors, isBlockScope), local.name);
      return;
    default:
  }
}

function declareParameters(scopes: Scopes, node: AnyNode & { readonly params: readonly Pattern[] }): void {
  for (const parameter of node.params) addPattern(scopes, node, parameter);
  if (node.type !== 'ArrowFunctionExpression') addName(scopes, node, 'arguments');
}

function addPattern(scopes: Scopes, owner: AnyNode, pattern: Pattern): void {
  switch (pattern.type) {
    case 'Identifier':
      return addName(scopes, owner, pattern.name);
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        addPattern(scopes, owner, property.type === 'RestElement' ? property.argument : property.value);
      }
      return;
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element !== null) addPattern(scopes, owner, element);
      return;
    case 'RestElement':
      return addPattern(scopes, owner, pattern.argument);
    case 'AssignmentPattern':
      return addPattern(scopes, owner, pattern.left);
    case 'MemberExpression':
  }
}

function addName(scopes: Scopes, owner: AnyNode, name: string | undefined): void {
  if (name === undefined) return;
  const names = scopes.get(owner) ?? new Set();
  names.add(name);
  scopes.set(owner, names);
}

/** The innermost scope around the last of `ancestors`, which is not its own. */
function nearest(ancestors: readonly AnyNode[], isScope: (node: AnyNode) => boolean): AnyNode {
  const found = ancestors.slice(0, -1).findLast(isScope) ?? ancestors[0];
  if (found === undefined) throw new Error('Bug: a declaration outside of any program');
  return found;
}

function isFunctionScope(node: AnyNode): boolean {
  return node.type === 'Program' || node.type === 'StaticBlock' || isFunction(node);
}

function isBlockScope(node: AnyNode): boolean {
  if (isFunctionScope(node)) return true;
  return ['BlockStatement', 'ForStatement', 'ForInStatement', 'ForOfStatement', 'SwitchStatement'].includes(node.type);
}

function isFunction(node: AnyNode): boolean {
  return (
    node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
  );
}
