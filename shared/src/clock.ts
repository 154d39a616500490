// Time and chance as ports. Nothing outside adapters reads a clock of the platform or draws its own
// random numbers, so that a whole mesh runs on virtual time from one seed.

/** The way to end a timer; harmless when it already fired. */
export type StopTimer = () => void;

export interface Clock {
  /** Milliseconds that never go back; they may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Milliseconds since 1970 by this machine's wall clock, which may be stepped either way. */
  wallMs(): number;
  /** Calls `fire` once, `delayMs` from now at the earliest. A timer does not keep a process alive. */
  setTimer(fire: () => void, delayMs: number): StopTimer;
}

export interface Random {
  /** `count` random bytes; from the platform's cryptographic source unless a seed was asked for. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1). */
  next(): number;
}

/** Hex digits of `count` random bytes. */
export function randomHex(random: Random, count: number): string {
  let text = '';
  for (const byte of random.bytes(count)) text += byte.toString(16).padStart(2, '0');
  return text;
}
