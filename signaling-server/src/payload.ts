// Foreign payloads become values here: by the schemas of signaling, through the interface that schema
// libraries share, so that this workspace needs none of its own.

import { MeshError } from '@shoal/shared';

interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

type Result<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** What a schema of valibot is to its user. */
export interface PayloadSchema<Output> {
  readonly '~standard': { validate(value: unknown): Result<Output> | Promise<Result<Output>> };
}

/** The value, or a `bad-argument` that names the field. */
export function parsePayload<Output>(what: string, schema: PayloadSchema<Output>, payload: unknown): Output {
  const result = schema['~standard'].validate(payload);
  if (result instanceof Promise) throw new Error(`Bug: the schema of ${what} is not synchronous`);
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  const where = path === '' ? what : `${what}.${path}`;
  throw new MeshError('bad-argument', `${where} is not as it should be: ${issue?.message ?? 'no reason given'}.`);
}
