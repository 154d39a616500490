// The files that come with the project, against loops that read them and share no code with Shoal.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readTable, samplePath, sampleSource, textSource, typesOf } from './sources.ts';

describe('flights-200k.json', () => {
  test('is 25 chunks of the rows that are in it', async () => {
    const flights = JSON.parse(readFileSync(samplePath('flights-200k.json'), 'utf8')) as {
      delay: number;
      distance: number;
      time: number;
    }[];

    const { chunks, rows, counts } = await readTable(sampleSource('flights-200k.json'));

    expect(chunks.map(({ rows: count }) => count)).toEqual([
      ...Array.from({ length: 24 }, () => 8192),
      200_000 - 24 * 8192,
    ]);
    expect(chunks.map(({ firstRow }) => firstRow)).toEqual(Array.from({ length: 25 }, (_, index) => index * 8192));
    expect(typesOf(counts)).toEqual(['delay int', 'distance int', 'time float']);
    expect(rows).toEqual(flights);
    expect(counts.columns.every(({ missing }) => missing === 0)).toBe(true);
  });
});

describe('birdstrikes.csv', () => {
  test('has types, and the sums of a loop over its lines', async () => {
    const lines = readFileSync(samplePath('birdstrikes.csv'), 'utf8').trimEnd().split('\r\n').slice(1);
    const cells = lines.map((line) => line.split(',').slice(-4));

    const { rows, counts } = await readTable(sampleSource('birdstrikes.csv'));

    expect(typesOf(counts).filter((type) => !type.endsWith('string'))).toEqual([
      'Flight Date timestamp',
      'Cost Other int',
      'Cost Repair int',
      'Cost Total $ int',
      'Speed IAS in knots int',
    ]);
    expect(rows).toHaveLength(lines.length);
    expect(rows.reduce((sum, row) => sum + Number(row['Cost Total $']), 0)).toBe(
      cells.reduce((sum, [, , total]) => sum + Number(total), 0),
    );
    expect(counts.columns.at(-1)?.missing).toBe(cells.filter((row) => row[3] === '').length);
    expect(rows[0]?.['Flight Date']).toBe('1990-01-08T00:00:00.000Z');
  });
});

describe('movies.json', () => {
  test('has its gaps, and titles that are numbers as text', async () => {
    const movies = JSON.parse(readFileSync(samplePath('movies.json'), 'utf8')) as Record<string, unknown>[];

    const { rows, counts } = await readTable(sampleSource('movies.json'));

    const expected = movies.map((movie) => ({
      ...movie,
      Title: movie['Title'] === null ? null : String(movie['Title']),
    }));
    expect(rows).toEqual(expected);
    expect(movies.some((movie) => typeof movie['Title'] === 'number')).toBe(true);
    for (const { name, missing } of counts.columns)
      expect([name, missing]).toEqual([name, movies.filter((movie) => (movie[name] ?? null) === null).length]);
  });
});

describe('a long text', () => {
  test('of 52 MB has the words that a loop counts in it', async () => {
    const pieces: string[] = [];
    for (const file of ['us-10m.json', 'zipcodes.csv', 'movies.json', 'species.csv'])
      pieces.push(readFileSync(samplePath(file), 'utf8'));
    const part = pieces.join('\n');
    const text = part.repeat(Math.ceil(52_000_000 / part.length));
    const count = (line: string): number => line.match(/\S+/g)?.length ?? 0;

    const { rows, chunks } = await readTable(textSource('long.txt', text));

    expect(rows.reduce((sum, row) => sum + count(String(row['line'])), 0)).toBe(count(text));
    expect(rows).toHaveLength(text.split('\n').length - (text.endsWith('\n') ? 1 : 0));
    expect(chunks.every((chunk) => chunk.rows <= 8192)).toBe(true);
  }, 60_000);
});
