import { hostname } from 'node:os';
import { createSystemRandom } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import {
  defaultName,
  defaultWorkers,
  parseDomain,
  parseMemberName,
  parseMeshAddress,
  parseWhole,
} from '../../../node-peer/src/config.ts';
import { hostDomain } from '../../../node-peer/src/host-domain.ts';

describe('the address of a mesh', () => {
  test('is a server alone, and then the mesh is main', () => {
    expect(parseMeshAddress('http://127.0.0.1:8080')).toEqual({
      url: 'http://127.0.0.1:8080',
      mesh: 'main',
      token: undefined,
    });
  });

  test('is a link of the Invite button, with mesh and token', () => {
    expect(parseMeshAddress('https://shoal.test/m/lab?token=a%20b')).toEqual({
      url: 'https://shoal.test',
      mesh: 'lab',
      token: 'a b',
    });
  });

  test('takes the token of the flag before that of the URL', () => {
    expect(parseMeshAddress('http://h:1/?token=old', { token: 'new' }).token).toBe('new');
  });

  test('takes mesh and token from flags', () => {
    expect(parseMeshAddress('http://h:1', { mesh: 'lab', token: 't' })).toEqual({
      url: 'http://h:1',
      mesh: 'lab',
      token: 't',
    });
  });

  test('may name the same mesh twice, not two meshes', () => {
    expect(parseMeshAddress('http://h:1/m/lab', { mesh: 'lab' }).mesh).toBe('lab');
    expect(() => parseMeshAddress('http://h:1/m/lab', { mesh: 'home' })).toThrow(/"lab" and --mesh names "home"/);
  });

  test.each(['localhost:8080', 'ftp://h', 'nowhere', '', 'http://h:1/other'])('refuses %j', (text) => {
    expect(() => parseMeshAddress(text)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  });

  test.each(['', 'a b', '../x', '-x', 'x'.repeat(65)])('refuses the mesh name %j', (mesh) => {
    expect(() => parseMeshAddress('http://h:1', { mesh })).toThrow(/no name of a mesh/);
  });
});

test('whole numbers are read within bounds, and the sentence names the flag', () => {
  expect(parseWhole('8', '--workers', { min: 0, max: 8 })).toBe(8);
  for (const text of ['9', '-1', '1.5', 'x', '', '1e3']) {
    expect(() => parseWhole(text, '--workers', { min: 0, max: 8 })).toThrow(/^--workers is a whole number from 0 to 8/);
  }
});

test('one core stays free, and no more than eight are taken', () => {
  expect(defaultWorkers()).toBeGreaterThanOrEqual(1);
  expect(defaultWorkers()).toBeLessThanOrEqual(8);
});

test('members of one host have one failure domain, which does not tell the host', () => {
  expect(hostDomain()).toBe(hostDomain());
  expect(hostDomain()).toMatch(/^host-[0-9a-f]{16}$/);
  expect(hostDomain()).not.toContain(hostname());
});

test('a member on a folder has the same name at each start', () => {
  const random = createSystemRandom();
  expect(defaultName('./a', random)).toBe(defaultName('./a', random));
  expect(defaultName('./a', random)).not.toBe(defaultName('./b', random));
  expect(defaultName(undefined, random)).toMatch(/-[0-9a-f]{4}$/);
});

test('a name is trimmed and not empty', () => {
  expect(parseMemberName(' ada ')).toBe('ada');
  expect(() => parseMemberName('  ')).toThrow(/1 to 64 characters/);
});

test('a failure domain has a name of at most 64 characters', () => {
  expect(parseDomain(' rack 7 ')).toBe('rack 7');
  for (const name of ['', '  ', 'x'.repeat(65)])
    expect(() => parseDomain(name)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
});
