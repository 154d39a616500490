// One of many processes that are linked by bare simple-peer: the parent passes the signals on. Who has the lower
// number dials, eight at once, and again if a dial takes five seconds.

import Peer from 'simple-peer/simplepeer.min.js';
import { loadRtc } from '../../../node-peer/dist/adapters/rtc.js';

const DIALS_AT_ONCE = 8;
const DIAL_MS = 5_000;

const [self = 0, members = 0] = process.argv.slice(2).map(Number);
const wrtc = loadRtc();
const peers = new Map();
const linked = new Set();

process.on('disconnect', () => process.exit(0));
process.on('message', ({ from, dial, signal }) => {
  const known = peers.get(from);
  const peer = known?.dial === dial ? known.peer : from < self ? connect(from, dial, false) : undefined;
  if (peer !== undefined && !peer.destroyed) peer.signal(signal);
});

function connect(other, dial, initiator) {
  peers.get(other)?.peer.destroy();
  const peer = new Peer({ initiator, wrtc, trickle: true, config: { iceServers: [] } });
  peers.set(other, { peer, dial });
  peer.on('signal', (signal) => process.send({ to: other, from: self, dial, signal }));
  peer.on('error', () => undefined);
  peer.on('connect', () => {
    linked.add(other);
    if (linked.size === members - 1) process.send('linked');
  });
  return peer;
}

async function dialEach(others) {
  for (const other of others) {
    for (let dial = 1; !linked.has(other); dial += 1) {
      const peer = connect(other, dial, true);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, DIAL_MS);
        peer.once('connect', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

const others = Array.from({ length: members - 1 - self }, (_, at) => self + 1 + at).values();
await Promise.all(Array.from({ length: DIALS_AT_ONCE }, () => dialEach(others)));
