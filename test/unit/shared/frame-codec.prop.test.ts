import { decodeFrame, encodeFrame, limits, type Frame } from '@shoal/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyFrame } from './frame-arbitraries.ts';
import { seeded } from './seed.ts';

describe('any frame', () => {
  test('comes back as it was sent', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        expect(decodeFrame(encodeFrame(frame))).toEqual({ ok: frame });
      }),
      { ...seeded, numRuns: 1_000 },
    );
  });

  test('has its payload at a multiple of 8', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const decoded = decodeFrame(encodeFrame(frame));
        const payload = 'ok' in decoded && 'payload' in decoded.ok ? decoded.ok.payload : undefined;
        expect((payload?.byteOffset ?? 0) % 8).toBe(0);
      }),
      seeded,
    );
  });

  test('gives a code and a sentence, or another frame, when bytes of it are damaged, and never throws', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyFrame, damage, (frame, changes) => {
        const bytes = encodeFrame(frame);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        expectCodeOrFrame(bytes);
      }),
      { ...seeded, numRuns: 3_000 },
    );
  });

  test('is refused when it is cut off or has bytes behind its end', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }), (frame, cut, more) => {
        const bytes = encodeFrame(frame);
        expect(decodeFrame(bytes.subarray(0, cut % bytes.length))).toHaveProperty('error.code', 'bad-frame');
        expect(decodeFrame(Uint8Array.from([...bytes, ...more]))).toHaveProperty('error.code', 'bad-frame');
      }),
      seeded,
    );
  });

  test('is told from random bytes without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(60), (bytes, kind) => {
        expectCodeOrFrame(bytes);
        // The same with a header that passes, so that the head is reached.
        const framed = new Uint8Array(16 + Math.ceil(bytes.length / 8) * 8);
        framed.set([1, kind], 0);
        new DataView(framed.buffer).setUint32(4, bytes.length);
        framed.set(bytes, 16);
        expectCodeOrFrame(framed);
      }),
      { ...seeded, numRuns: 3_000 },
    );
  });
});

function expectCodeOrFrame(bytes: Uint8Array): void {
  const decoded = decodeFrame(bytes);
  if ('ok' in decoded) return expectWithinBounds(decoded.ok);
  expect(['bad-frame', 'bad-version']).toContain(decoded.error.code);
  expect(decoded.error.message).toMatch(/^[A-Z].*\.$/s);
}

/** What was damaged into another frame can be sent on: it keeps the limits. */
function expectWithinBounds(frame: Frame): void {
  expect(encodeFrame(frame).length).toBeLessThanOrEqual(limits.frameBytes);
}
