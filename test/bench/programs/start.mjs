// Joins, reads a value of another member, says so and leaves: what a start costs.

import { join } from '@shoal/node-peer';

const [url = '', dataDir = '', key = ''] = process.argv.slice(2);
const mesh = await join({ url, dataDir, weight: 1 });
if ((await mesh.get(key)) === undefined) throw new Error(`${key} is absent`);
console.log('member');
process.stdin.once('data', () => process.exit(0));
