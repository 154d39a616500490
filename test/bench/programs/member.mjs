// One of many members: says when it has open links to all the others, and goes with its parent.

import { join } from '@shoal/node-peer';

const [url = '', dataDir = '', members = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit(0));
const mesh = await join({ url, dataDir, weight: 1 });
const look = () => {
  const open = mesh.status().members.filter(({ link }) => link?.state === 'open');
  if (open.length === Number(members) - 1) process.send?.('linked');
};
mesh.on('changed', look);
look();
