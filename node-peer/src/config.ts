// From what a user types (flags, environment, a join URL) to checked values. Nothing here reads or
// connects to anything: what is wrong is `bad-argument` with a sentence, which the command line turns
// into exit code 2.

import { createHash } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { resolve } from 'node:path';
import { limits, MeshError, meshNameSchema, parseVersion, type Random, randomHex, type Version } from '@shoal/shared';

/** The mesh that is joined when nobody names one. */
export const DEFAULT_MESH = 'main';
export const DEFAULT_PORT = 8080;
export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_DATA_DIR = '.shoal';

/** Where a mesh is: its server, its name, and what admits to it. */
export interface MeshAddress {
  /** The server's origin, without a path. */
  readonly url: string;
  readonly mesh: string;
  readonly token: string | undefined;
}

/** Takes what the Invite button gives: `http://host:8080/m/NAME?token=T`. Flags win over the URL only where it says nothing. */
export function parseMeshAddress(
  text: string,
  flags: { readonly mesh?: string | undefined; readonly token?: string | undefined } = {},
): MeshAddress {
  const url = parseServerUrl(text);
  const meshInUrl = /^\/m\/([^/]+)\/?$/.exec(url.pathname)?.[1];
  if (meshInUrl === undefined && url.pathname !== '/') {
    throw badArgument(
      `${url.origin}${url.pathname} is no address of a mesh: it is ${url.origin}, or ${url.origin}/m/NAME.`,
    );
  }
  const named = meshInUrl === undefined ? undefined : decodeURIComponent(meshInUrl);
  if (named !== undefined && flags.mesh !== undefined && named !== flags.mesh) {
    throw badArgument(`The URL names the mesh "${named}" and --mesh names "${flags.mesh}": give one of them.`);
  }
  return {
    url: url.origin,
    mesh: parseMeshName(flags.mesh ?? named ?? DEFAULT_MESH),
    token: flags.token ?? url.searchParams.get('token') ?? undefined,
  };
}

export function parseMeshName(name: string): string {
  // By the standard interface of schemas: node-peer needs no library of its own for this one name.
  const result = meshNameSchema['~standard'].validate(name);
  if (!(result instanceof Promise) && result.issues === undefined) return name;
  throw badArgument(
    `"${name}" is no name of a mesh: it has 1 to 64 letters, digits, "-", "_" and ".", and begins with a letter or digit.`,
  );
}

/** A whole number within bounds, for flags; `what` names the flag. */
export function parseWhole(text: string, what: string, bounds: { readonly min: number; readonly max: number }): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw badArgument(`${what} is a whole number from ${bounds.min} to ${bounds.max}, not "${text}".`);
}

/** As the server takes it: a number, or `auto`. */
export function parseReplicas(text: string): string {
  if (text === 'auto' || /^[1-7]$/.test(text)) return text;
  throw badArgument(`Replicas are a whole number from 1 to 7, or auto, not "${text}".`);
}

/** As `get`, `put` and `ls` print it. */
export function parseVersionFlag(text: string): Version {
  const version = parseVersion(text);
  if (version !== undefined) return version;
  throw badArgument(`A version is two numbers as put and get --json print them, such as 57.1204, not "${text}".`);
}

/** As many as leave one core to the rest, 1 to 8. */
export function defaultWorkers(): number {
  return Math.min(limits.workersMax, Math.max(1, availableParallelism() - 1));
}

/** The host's name and four digits: of the data folder, so that it stays, or random without one. */
export function defaultName(dataDir: string | undefined, random: Random): string {
  const suffix =
    dataDir === undefined
      ? randomHex(random, 2)
      : createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 4);
  const host = hostname().split('.', 1)[0];
  return `${host === undefined || host === '' ? 'node' : host.slice(0, limits.nameChars - 5)}-${suffix}`;
}

export function parseMemberName(name: string): string {
  const trimmed = name.trim();
  if (trimmed !== '' && trimmed.length <= limits.nameChars) return trimmed;
  throw badArgument(`A member's name has 1 to ${limits.nameChars} characters, not ${trimmed.length}.`);
}

/** Of members that fail together. */
export function parseDomain(name: string): string {
  const trimmed = name.trim();
  if (trimmed !== '' && trimmed.length <= limits.nameChars) return trimmed;
  throw badArgument(`A failure domain has 1 to ${limits.nameChars} characters, not ${trimmed.length}.`);
}

export function badArgument(message: string): MeshError {
  return new MeshError('bad-argument', message);
}

function parseServerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw badArgument(`"${text}" is no URL of a server: give one such as http://127.0.0.1:8080.`);
  }
  return url;
}
