// Which machine this process runs on, hashed: members of one host fail together.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

/** Linux's name for this run of the kernel: the same in all containers of a host, and never that of another. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

export function hostDomain(): string {
  return `host-${createHash('sha256').update(`shoal|${hostId()}`).digest('hex').slice(0, 16)}`;
}

function hostId(): string {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim();
  } catch {
    const addresses = Object.values(networkInterfaces())
      .flatMap((addressesOf) => addressesOf ?? [])
      .filter(({ internal }) => !internal)
      .map(({ mac }) => mac);
    return [hostname(), ...new Set(addresses)].sort().join('|');
  }
}
