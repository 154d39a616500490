import { createEmitter } from '@shoal/shared';
import { describe, expect, test } from 'vitest';

interface Events {
  linkOpened: { readonly member: string };
  linkClosed: { readonly member: string };
}

function create() {
  const errors: unknown[] = [];
  const heard: string[] = [];
  return { emitter: createEmitter<Events>((error) => errors.push(error)), errors, heard };
}

describe('an emitter', () => {
  test('tells each listener, until it stops', () => {
    const { emitter, heard } = create();
    const stop = emitter.on('linkOpened', ({ member }) => heard.push(member));
    emitter.on('linkClosed', ({ member }) => heard.push(`-${member}`));

    emitter.emit('linkOpened', { member: 'ada' });
    stop();
    stop();
    emitter.emit('linkOpened', { member: 'ben' });
    emitter.emit('linkClosed', { member: 'ada' });

    expect(heard).toEqual(['ada', '-ada']);
  });

  test('lets a listener that throws stop nobody, and reports what it threw', () => {
    const { emitter, errors, heard } = create();
    emitter.on('linkOpened', () => {
      throw new Error('no');
    });
    emitter.on('linkOpened', ({ member }) => heard.push(member));

    emitter.emit('linkOpened', { member: 'ada' });

    expect([heard, errors]).toEqual([['ada'], [new Error('no')]]);
  });

  test('takes the same listener twice, and each subscription ends alone', () => {
    const { emitter, heard } = create();
    const listener = ({ member }: Events['linkOpened']): number => heard.push(member);
    const stop = emitter.on('linkOpened', listener);
    emitter.on('linkOpened', listener);

    stop();
    emitter.emit('linkOpened', { member: 'ada' });

    expect([heard, emitter.listenerCount()]).toEqual([['ada'], 1]);
  });

  test('forgets a listener whose signal aborts, and takes none whose signal has', () => {
    const { emitter } = create();
    const controller = new AbortController();
    emitter.on('linkOpened', () => undefined, { signal: controller.signal });

    controller.abort();
    emitter.on('linkOpened', () => undefined, { signal: controller.signal });

    expect(emitter.listenerCount()).toBe(0);
  });

  test('tells those who listened when the event came, though some stop on the way', () => {
    const { emitter, heard } = create();
    const stops: (() => void)[] = [];
    emitter.on('linkOpened', () => stops.forEach((stop) => stop()));
    stops.push(emitter.on('linkOpened', ({ member }) => heard.push(member)));

    emitter.emit('linkOpened', { member: 'ada' });
    emitter.emit('linkOpened', { member: 'ben' });

    expect(heard).toEqual(['ada']);
  });
});
