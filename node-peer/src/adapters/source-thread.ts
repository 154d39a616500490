// A thread from TypeScript sources, for tests, which build nothing: types are taken out as files are loaded. (tsx
// would do that too, but rewrites the users' functions as well, and their lines with them.)

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const HOOKS = `
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sucrase from SUCRASE;
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const options = { transforms: ['typescript'], disableESTransforms: true };
  const { code } = sucrase.transform(readFileSync(fileURLToPath(url), 'utf8'), options);
  return { format: 'module', source: code, shortCircuit: true };
}`;

/** Code of a thread that then loads `entry`. Start it with the condition `source`. */
export function sourceThreadCode(entry: URL): string {
  const sucrase = pathToFileURL(createRequire(import.meta.url).resolve('sucrase')).href;
  const hooks = `data:text/javascript,${encodeURIComponent(HOOKS.replace('SUCRASE', JSON.stringify(sucrase)))}`;
  return `require('node:module').register(${JSON.stringify(hooks)}); import(${JSON.stringify(entry.href)});`;
}
